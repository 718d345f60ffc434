/**
 * The browser's voice as a player: its events are those of player.js, with the time that a reply has been spoken in
 * samples of the wire, so that captions and truncation need no other clock. Beyond them there is
 * {type: "playback.clause", item, text, samples}: that clause begins.
 */

import { units, weightOf } from "../reducer/speech_units.js";
import { Clauses } from "./clauses.js";

const SAMPLES_PER_MS = 24;
const TICK_MS = 100;
const START_MS = 5000; // voices from the network take a second
const LONGEST_MS_PER_LETTER = 250; // at the usual rate; then the end was forgotten, as Chrome does at times
const OURS = new Set(["canceled", "interrupted"]); // what a cancellation reports
const FAILED = "The browser’s voice does not work here. This site speaks instead.";

export class Speaker {
  /** `settings()`: {voice, language, rate}. `onFailed(notice)`: it says no more. */
  constructor(synthesis, Utterance, { settings, now, onEvent, onFailed }) {
    Object.assign(this, { synthesis, Utterance, settings, now, onEvent, onFailed });
    this.replies = []; // [{item, clauses, ready, ended, samples}]: the first is spoken
    this.current = null; // the utterance that was given to the browser; kept, or Chrome collects it with its events
  }

  get isBusy() {
    return this.replies.length > 0;
  }

  has(item) {
    return this.replies.some((reply) => reply.item === item);
  }

  /** Within the tap: iOS lets a page speak only if it did so there first. */
  unlock() {
    this.synthesis.cancel(); // what an earlier page left in the queue
    const silent = new this.Utterance(" ");
    silent.volume = 0;
    this.synthesis.speak(silent);
  }

  /** More of a reply. */
  say(item, text) {
    if (!this.has(item)) this.replies.push({ item, clauses: new Clauses(), ready: [], ended: false, samples: 0 });
    const reply = this.replies.find((one) => one.item === item);
    reply.ready.push(...reply.clauses.feed(text));
    this.#next();
  }

  /** No more of it comes. */
  end(item) {
    const reply = this.replies.find((one) => one.item === item);
    if (!reply) return;
    reply.ready.push(...reply.clauses.flush());
    reply.ended = true;
    this.#next();
  }

  /** Silent at once; always answered by "playback.stopped". */
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

  #next() {
    const [reply] = this.replies;
    if (this.current || !reply) return;
    const clause = reply.ready.shift();
    if (clause) this.#speak(reply, clause);
    else if (reply.ended) this.#finish(reply);
  }

  #speak(reply, { text, words }) {
    if (!words) {
      this.#tell("clause", { text });
      return this.#next();
    }
    const { voice, language, rate } = this.settings();
    const utterance = new this.Utterance(words);
    Object.assign(utterance, { voice, lang: voice?.lang || language, rate });
    const only = (handler) => (event) => utterance === this.current && handler(event);
    utterance.onstart = only(() => this.#begun(text, weightOf(units(words)) / rate));
    utterance.onend = only(() => this.#ended());
    utterance.onerror = only(({ error }) => (OURS.has(error) ? this.#ended() : this.#fail()));
    this.current = utterance;
    this.timer = setTimeout(() => this.#fail(), START_MS);
    return this.synthesis.speak(utterance);
  }

  #begun(text, letters) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#giveUp(), START_MS + letters * LONGEST_MS_PER_LETTER);
    this.startedAt = this.now();
    this.ticks = setInterval(() => this.#tell("progress"), TICK_MS);
    this.#tell("clause", { text });
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

  /** How long the first reply has been spoken. */
  #samples() {
    const spoken = this.replies[0]?.samples ?? 0;
    const since = this.startedAt == null ? 0 : this.now() - this.startedAt;
    return spoken + Math.round(since * SAMPLES_PER_MS);
  }

  #tell(kind, more) {
    const samples = this.#samples();
    this.onEvent({ type: `playback.${kind}`, item: this.replies[0].item, samples, heard: samples, ...more });
  }
}
