/**
 * A reply in text as the browser's voice is given it: clause by clause, without what is not read aloud. Pure.
 *
 * It is given one clause at a time, since Chrome falls silent in the middle of an utterance of some 15 s without an
 * error, and since what was heard of an interrupted reply is known by its clauses. conversations/realtime/text/ does
 * the same for the voices of the site (clauses.py, speech_text.py), with more care, as there every clause costs a
 * request.
 */

import { isAbbreviation, splitUnits, measureWeight } from "../reducer/speech_units.js";
import { SpeechText } from "./speech_text.js";

const CLOSERS = "[\"'”’»)\\]*_`]*";
const SENTENCE = `[.!?…؟]+${CLOSERS}\\s+|[。！？]+[」』”’）]*\\s*|\\n+\\s*`;
const PAUSE = `[,;:–—،]${CLOSERS}\\s+|[、，；：][」』”’）]*`;
const SENTENCES = new RegExp(SENTENCE, "gu");
const ENDS = new RegExp(`${SENTENCE}|${PAUSE}`, "gu");
const INITIAL_OR_NUMBER = /(?:^|[\s("'“„])(?:\p{L}|\d{1,2})\.$/u;
const WIDE = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/u;
const SPEAKABLE = /[\p{L}\p{N}]/u;

const PAUSES_UP_TO = 2; // clauses that may end at a pause: who waits for the first sound is served soon
const LEAST = [3, 12]; // letters of the first clause, and of the others
const MOST_CHARS = 160; // 11 s at a usual pace
const MOST_WIDE_CHARS = 55; // Chinese, Japanese, Korean
const LONGEST_LETTER = 32;
const AMID_LETTER = /^[\p{M}\u200d\udc00-\udfff]/u;

/** The clauses of one reply: {text, words}, the clause and what to say of it, or "". */
export class Clauses {
  constructor() {
    this.text = "";
    this.count = 0;
    this.speechText = new SpeechText();
  }

  /**
   * Add text, and return the clauses that are complete by now.
   * @type {(text: string) => ClauseToSay[]}
   */
  feed(text) {
    this.text += text;
    const clauses = [];
    for (let length = this.#length(); length > 0; length = this.#length()) clauses.push(this.#cut(length));
    return clauses;
  }

  /**
   * Return the last clause when the reply has ended.
   * @type {() => ClauseToSay[]}
   */
  flush() {
    return this.text ? [this.#cut(this.text.length)] : [];
  }

  /** @type {(length: number) => ClauseToSay} */
  #cut(length) {
    const text = this.text.slice(0, length);
    this.text = this.text.slice(length);
    this.count += 1;
    return { text, words: this.speechText.spoken(text) };
  }

  /** Return the length of the first complete clause, or 0 while more text is needed to know. */
  #length() {
    const ahead = this.text.slice(0, MOST_CHARS + 1); // a reply in one piece must not cost its square
    const most = WIDE.test(ahead) ? MOST_WIDE_CHARS : MOST_CHARS;
    const ends = this.count < PAUSES_UP_TO ? ENDS : SENTENCES;
    for (const match of ahead.matchAll(ends)) {
      const end = match.index + match[0].length;
      if (end > most || end === ahead.length) break; // what reaches the end of the text may still grow
      if (this.#isEnd(ahead.slice(0, end))) return end;
    }
    return ahead.length > most ? findForcedLength(ahead, most) : 0;
  }

  /** @type {(clause: string) => boolean} */
  #isEnd(clause) {
    const least = LEAST[Math.min(this.count, LEAST.length - 1)];
    const words = clause.trimEnd();
    if (!SPEAKABLE.test(words) || measureWeight(splitUnits(words)) < least) return false;
    return clause.includes("\n") || !(isAbbreviation(words.split(/\s/u).at(-1) ?? "") || INITIAL_OR_NUMBER.test(words));
  }
}

/**
 * Return where to cut text without an end in sight: at its last pause, else its last space, else between letters.
 * @type {(text: string, most: number) => number}
 */
function findForcedLength(text, most) {
  const ends = Array.from(text.slice(0, most).matchAll(ENDS), (match) => match.index + match[0].length);
  return ends.at(-1) || text.lastIndexOf(" ", most - 1) + 1 || findLetterEnd(text, most);
}

/**
 * Return a place that is neither between a letter and its marks nor inside a character of two units.
 * @type {(text: string, most: number) => number}
 */
function findLetterEnd(text, most) {
  const ends = Array.from({ length: LONGEST_LETTER }, (_, back) => most - back);
  return ends.find((end) => text[end - 1] !== "\u200d" && !AMID_LETTER.test(text.slice(end))) ?? most;
}
