/**
 * The browser's voice as a player.
 *
 * Its events are those of player.js. They give the time for which a reply has been spoken in samples at 24 kHz, so that
 * captions and truncation need no other clock. There is one more event, {type: "playback.clause", item, text, samples}:
 * that clause begins.
 */

import { splitUnits, measureWeight } from "../reducer/speech_units.js";
import { Clauses } from "./clauses.js";

const SAMPLES_PER_MS = 24;
const TICK_MS = 100;
const START_MS = 5000; // voices from the network take a second
const LONGEST_MS_PER_LETTER = 250; // at the usual rate; then the end was forgotten, as Chrome does at times
const OURS = new Set(["canceled", "interrupted"]); // what a cancellation reports
const FAILED = "The browser’s voice does not work here. This site speaks instead.";

/** @typedef {{ item: string, clauses: Clauses, ready: ClauseToSay[], ended: boolean, samples: number }} SpokenReply */

/** The voice of one call. */
export class Speaker {
  /**
   * `onFailed(notice)`: it says no more.
   * @param {SpeechSynthesis} synthesis
   * @param {typeof SpeechSynthesisUtterance} Utterance
   * @param {SpeakerHandlers & { settings: () => Omit<SpeechSettings, "patience">, now: () => number }} parts
   */
  constructor(synthesis, Utterance, { settings, now, onEvent, onFailed }) {
    this.synthesis = synthesis;
    this.Utterance = Utterance;
    this.settings = settings;
    this.now = now;
    this.onEvent = onEvent;
    this.onFailed = onFailed;
    /** @type {SpokenReply[]} */
    this.replies = []; // the first is spoken
    /** @type {SpeechSynthesisUtterance | null} */
    this.current = null; // what was given to the browser; kept, or Chrome collects it with its events
    /** @type {number | null} */
    this.startedAt = null;
    /** @type {number | undefined} */
    this.timer = undefined;
    /** @type {number | undefined} */
    this.ticks = undefined;
  }

  get isBusy() {
    return this.replies.length > 0;
  }

  /** @type {(item: string) => boolean} */
  has(item) {
    return this.replies.some((reply) => reply.item === item);
  }

  /** Let the page speak. Call it inside the tap: iOS lets a page speak only if it has done so there first. */
  unlock() {
    this.synthesis.cancel(); // what an earlier page left in the queue
    const silent = new this.Utterance(" ");
    silent.volume = 0;
    this.synthesis.speak(silent);
  }

  /**
   * Add text to a reply.
   * @type {(item: string, text: string) => void}
   */
  say(item, text) {
    const reply = this.#reply(item);
    reply.ready.push(...reply.clauses.feed(text));
    this.#next();
  }

  /**
   * Note that no more text will come for this item.
   * @type {(item: string) => void}
   */
  end(item) {
    const reply = this.replies.find((one) => one.item === item);
    if (!reply) return;
    reply.ready.push(...reply.clauses.flush());
    reply.ended = true;
    this.#next();
  }

  /** Be silent at once. "playback.stopped" always follows. */
  stop() {
    const samples = this.#samples();
    const item = this.replies[0]?.item ?? null;
    this.close();
    queueMicrotask(() => this.onEvent({ type: "playback.stopped", item, samples, heard: samples }));
  }

  close() {
    this.replies = [];
    this.#over();
    this.synthesis.cancel();
  }

  /** @type {(item: string) => SpokenReply} */
  #reply(item) {
    const known = this.replies.find((one) => one.item === item);
    if (known) return known;
    const reply = { item, clauses: new Clauses(), ready: [], ended: false, samples: 0 };
    this.replies.push(reply);
    return reply;
  }

  #next() {
    const [reply] = this.replies;
    if (this.current || !reply) return;
    const clause = reply.ready.shift();
    if (clause) this.#speak(reply, clause);
    else if (reply.ended) this.#finish(reply);
  }

  /** @type {(reply: SpokenReply, clause: ClauseToSay) => void} */
  #speak(reply, { text, words }) {
    if (!words) {
      this.#tell({ type: "playback.clause", text });
      return this.#next();
    }
    const { voice, language, rate } = this.settings();
    const utterance = new this.Utterance(words);
    Object.assign(utterance, { voice, lang: voice?.lang || language, rate });
    /** @type {<Event>(handler: (event: Event) => void) => (event: Event) => void} */
    const only = (handler) => (event) => void (utterance === this.current && handler(event));
    utterance.onstart = only(() => this.#begun(text, measureWeight(splitUnits(words)) / rate));
    utterance.onend = only(() => this.#ended());
    utterance.onerror = only(({ error }) => (OURS.has(error) ? this.#ended() : this.#fail()));
    this.current = utterance;
    this.timer = setTimeout(() => this.#fail(), START_MS);
    return this.synthesis.speak(utterance);
  }

  /** @type {(text: string, letters: number) => void} */
  #begun(text, letters) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#giveUp(), START_MS + letters * LONGEST_MS_PER_LETTER);
    this.startedAt = this.now();
    this.ticks = setInterval(() => this.#tell({ type: "playback.progress" }), TICK_MS);
    this.#tell({ type: "playback.clause", text });
  }

  #ended() {
    this.replies[0].samples = this.#samples();
    this.#over();
    this.#next();
  }

  #giveUp() {
    this.#ended();
    this.synthesis.cancel();
    this.#next();
  }

  /** @type {(reply: SpokenReply) => void} */
  #finish(reply) {
    const { item, samples } = reply;
    this.replies.shift();
    this.onEvent({ type: "playback.finished", item, samples, heard: samples });
    this.#next();
  }

  #fail() {
    this.close();
    this.onFailed({ tone: "info", text: FAILED });
  }

  #over() {
    clearTimeout(this.timer);
    clearInterval(this.ticks);
    this.current = this.startedAt = null;
  }

  /** Return for how long the first reply has been spoken, in samples. */
  #samples() {
    const spoken = this.replies[0]?.samples ?? 0;
    const since = this.startedAt == null ? 0 : this.now() - this.startedAt;
    return spoken + Math.round(since * SAMPLES_PER_MS);
  }

  /** @type {(event: { type: "playback.progress" } | { type: "playback.clause", text: string }) => void} */
  #tell(event) {
    const samples = this.#samples();
    this.onEvent({ ...event, item: this.replies[0].item, samples, heard: samples });
  }
}
