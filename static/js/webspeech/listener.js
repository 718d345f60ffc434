/**
 * The browser's recogniser in place of speech to text: it reports words while they are said, then the utterance.
 *
 * Browsers end a recognition by themselves: after a phrase, after a silence, after a minute. It is then started again,
 * and the utterance goes on across that. When the utterance is over is decided here: as long after its last word as the
 * user's patience says.
 */

import { joinWords, joinResults } from "./recognition_results.js";

/**
 * @typedef {object} ListenerParts
 * @property {() => { language: string, patience: string, isAndroid: boolean }} settings
 * @property {() => string} newId
 * @property {() => boolean} isHidden
 */

/**
 * What ends it for good, and what to tell: the site's speech to text takes over.
 * @type {{ [error: string]: string }}
 */
const PROBLEMS = {
  "network": "The browser’s speech recognition could not be reached.",
  "service-not-allowed": "This browser does not offer its speech recognition.",
  "not-allowed": "The browser’s speech recognition was not allowed to use the microphone.",
  "audio-capture": "The browser’s speech recognition found no microphone.",
  "language-not-supported": "The browser’s speech recognition does not know this language.",
  "ended": "The browser’s speech recognition keeps stopping.",
};
const GOES_ON = " This site listens instead.";

/**
 * By patience: how long after a phrase that the browser took for finished, and after words of one that it did not.
 * @type {{ [patience: string]: [finished: number, open: number] }}
 */
const PAUSES_MS = { quick: [100, 1200], balanced: [500, 2000], patient: [1500, 4000] };
const SETTLING_MS = 2000; // for the last words of a recognition that was asked to end
const SHORT_MS = 1000; // a recognition that ends that soon did not work,
const LONGEST_WAIT_MS = 4000; // so the next one waits,
const MOST_SHORT = 6; // and after so many there is none

/** The recogniser of one call. */
export class Listener {
  /**
   * `Recognition`: the browser's class. `settings()`: {language, patience, isAndroid}. `onWords({id, text})` while one
   * speaks; `onUtterance({id, text})` at the end of it, and with "" when it was switched off without any words;
   * `onFailed(notice)`: it hears no more.
   * @param {RecognitionClass} Recognition
   * @param {ListenerParts & ListenerHandlers} parts
   */
  constructor(Recognition, { settings, newId, isHidden, onWords, onUtterance, onFailed }) {
    this.Recognition = Recognition;
    this.settings = settings;
    this.newId = newId;
    this.isHidden = isHidden;
    this.onWords = onWords;
    this.onUtterance = onUtterance;
    this.onFailed = onFailed;
    /** @type {Recognition | null} */
    this.recognition = null;
    /** @type {string | null} */
    this.error = null;
    this.startedAt = 0;
    /** @type {number | undefined} */
    this.retry = undefined;
    /** @type {number | undefined} */
    this.pause = undefined;
    this.wanted = false;
    this.whole = false; // the utterance lasts until it is switched off (push to talk)
    /** @type {{ resolve: () => void, reject: (notice: Notice) => void } | null} */
    this.opening = null;
    this.short = 0; // recognitions in a row that did not work
    /** @type {string | null} */
    this.id = null;
    this.text = "";
    this.before = ""; // of the utterance, what earlier recognitions heard
    this.isFinal = false;
    this.taken = 0; // results that belong to earlier utterances
    this.results = 0;
    this.settling = false;
  }

  /**
   * Start to listen. Call it inside the tap. Resolves when the browser listens; rejects with a notice.
   * @type {() => Promise<void>}
   */
  open() {
    this.wanted = true;
    return new Promise((resolve, reject) => {
      this.opening = { resolve, reject };
      this.#start();
    });
  }

  /**
   * Switch listening on or off. Switched off, it still reports the utterance that was under way.
   * @type {(wanted: boolean, whole?: boolean) => void}
   */
  keep(wanted, whole = false) {
    this.whole = whole;
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    clearTimeout(this.retry);
    if (wanted) this.#start();
    else if (this.recognition) this.#settle();
    else this.#utter();
  }

  /** Start again if the browser stopped the recognition while the page was hidden. */
  wake() {
    this.short = 0;
    if (this.wanted && !this.recognition) this.#start();
  }

  close() {
    this.wanted = false;
    this.opening = null;
    const recognition = this.recognition;
    this.recognition = null;
    this.#forget();
    clearTimeout(this.retry);
    recognition?.abort();
  }

  #start() {
    clearTimeout(this.retry);
    if (this.recognition) return; // one that is about to end; its end starts the next
    const { language, isAndroid } = this.settings();
    const recognition = new this.Recognition();
    this.recognition = recognition;
    this.error = null;
    this.startedAt = Date.now();
    recognition.lang = language;
    recognition.interimResults = true;
    recognition.continuous = !isAndroid; // there every guess counts as final, and each holds the ones before
    /** @type {<Args extends unknown[]>(handler: (...args: Args) => void) => (...args: Args) => void} */
    const only = (handler) => (...args) => void (recognition === this.recognition && handler(...args));
    recognition.onstart = only(() => this.#opened());
    recognition.onresult = only(({ results }) => this.#heard(joinResults(results, this.taken, isAndroid), results));
    recognition.onerror = only(({ error }) => (this.error = error));
    recognition.onend = only(() => this.#ended());
    recognition.start();
  }

  #opened() {
    this.opening?.resolve();
    this.opening = null;
  }

  /** @type {(words: { text: string, isFinal: boolean }, results: SpeechRecognitionResultList) => void} */
  #heard({ text, isFinal }, results) {
    this.startedAt = 0; // it works, however short it may be
    this.results = results.length;
    const now = joinWords(this.before, text);
    if (now === this.text && isFinal === this.isFinal) return;
    this.text = now;
    this.isFinal = isFinal;
    this.id ??= this.newId();
    if (now) this.onWords({ id: this.id, text: now });
    if (!this.whole && !this.settling) this.#awaitMore();
  }

  #awaitMore() {
    const [finished, open] = PAUSES_MS[this.settings().patience] ?? PAUSES_MS.balanced;
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.#paused(), this.isFinal ? finished : open);
  }

  #paused() {
    if (this.isFinal || !this.recognition) this.#utter();
    else this.#settle();
  }

  /** Ask for the last words; the utterance ends when they come, or without them. */
  #settle() {
    clearTimeout(this.pause);
    this.settling = true;
    const recognition = this.recognition;
    recognition?.stop();
    this.pause = setTimeout(() => {
      this.#ended();
      recognition?.abort();
    }, SETTLING_MS);
  }

  #utter() {
    const { id, text, results } = this;
    this.#forget();
    this.taken = this.recognition ? results : 0;
    if (text || !this.wanted) this.onUtterance({ id, text });
  }

  #ended() {
    const asked = this.settling;
    this.recognition = null;
    this.taken = this.results = 0;
    if (this.error !== null && this.error in PROBLEMS && !this.isHidden()) return this.#fail(this.error);
    if (asked || !this.wanted) this.#utter();
    else this.#carryOn();
    if (this.wanted) this.#startAgain(asked);
    return undefined;
  }

  /** Let the utterance go on in the next recognition. */
  #carryOn() {
    this.before = this.text;
    if (this.text && !this.isFinal && !this.whole) {
      this.isFinal = true; // no more comes of it
      this.#awaitMore();
    }
  }

  /** @type {(asked: boolean) => void} */
  #startAgain(asked) {
    this.short = !asked && Date.now() - this.startedAt < SHORT_MS ? this.short + 1 : 0;
    if (this.isHidden()) return; // until `wake`: phones take the microphone from a page that nobody sees
    if (this.short > MOST_SHORT) return void this.#fail("ended");
    if (this.short === 0) return void this.#start();
    this.retry = setTimeout(() => this.#start(), Math.min(LONGEST_WAIT_MS, 100 * 2 ** this.short));
  }

  /** @type {(error: string) => void} */
  #fail(error) {
    const { opening } = this;
    this.#utter();
    this.close();
    /** @type {Notice} */
    const notice = { tone: "info", text: PROBLEMS[error] + GOES_ON };
    if (opening) opening.reject(notice);
    else this.onFailed(notice);
  }

  #forget() {
    clearTimeout(this.pause);
    this.id = null;
    this.text = this.before = "";
    this.isFinal = this.settling = false;
    this.taken = this.results = 0;
  }
}
