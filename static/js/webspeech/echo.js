/**
 * Judge words that are recognised while the assistant speaks: its own voice, a backchannel, or a wish to speak. Pure.
 *
 * The browser's recogniser has a microphone of its own, and nothing removes the assistant's voice from it. So an echo
 * is recognised by its words, as conversations/realtime/user_turn/backchannel.py does for the site's engines. An error
 * costs differently each way: what is wrongly taken for the user's words only interrupts the assistant, while what is
 * wrongly taken for an echo is lost.
 */

const ECHO_SHARE = 0.8; // of the words in the transcript: a recogniser gets one in five of a loudspeaker's words wrong
const MIXED_LEAST = 4; // so many of the assistant's words in a row are cut out of the user's
const ANSWER_MOST = 3; // words: “Tuesday” after “Monday or Tuesday?” is rather the choice than the echo
const [FUZZY_LEAST, FUZZY_MOST] = [4, 40]; // letters of a word that may be misheard,
const MISHEARD_SHARE = 0.25; // and how many of them
const PHRASE_MOST = 3;
const [TRANSCRIPT_MOST, SAID_MOST] = [150, 300]; // words that are compared: the cost is the product of both
const MATCH = 2; // of the alignment; what does not match costs one

/**
 * A stretch of the transcript, in words, and how well it follows what was said.
 * @typedef {{ score: number, start: number, end: number, matched: number }} EchoRun
 */

const WORD = /[\u3040-\u30ff\u3400-\u9fff]|[\p{L}\p{N}]+(?:'[\p{L}\p{N}]+)*/gu;

/**
 * Return the user's own words in `transcript`, around the time at which the assistant said `said`: {text,
 * strays}.
 *
 * `text` is "" for an echo; `strays` is how many of the words the assistant did not say.
 * @type {(transcript: string, said: string, vocabulary: Pick<Vocabulary, "commands">) => { text: string, strays: number }}
 */
export function findOwnWords(transcript, said, { commands }) {
  const found = [...foldCase(transcript).matchAll(WORD)];
  const tokens = found.map(([word]) => word);
  const { start, end, matched } = findEcho(tokens.slice(0, TRANSCRIPT_MOST), tokenize(said).slice(-SAID_MOST));
  const outside = [...tokens.slice(0, start), "", ...tokens.slice(end)];
  const strays = tokens.length - matched;
  if (isPhrases(tokens, commands) || canAnswer(tokens, said)) return { text: transcript.trim(), strays: tokens.length };
  if (matched >= ECHO_SHARE * tokens.length && !hasCommand(outside, commands)) return { text: "", strays };
  if (matched < MIXED_LEAST) return { text: transcript.trim(), strays };
  const before = transcript.slice(0, found[start].index);
  const after = transcript.slice(found[end - 1].index + found[end - 1][0].length);
  return { text: `${before.trim()} ${after.replace(/^[\s.,;:!?…-]+/u, "")}`.trim(), strays };
}

/**
 * Return whether these are only backchannels, such as “mhm” or “yeah, okay”.
 * @type {(transcript: string, vocabulary: Pick<Vocabulary, "backchannels">) => boolean}
 */
export function isBackchannel(transcript, { backchannels }) {
  return !transcript.includes("?") && isPhrases(tokenize(transcript), backchannels);
}

/**
 * Return whether these are only commands, such as “No, wait!”
 * @type {(transcript: string, vocabulary: Pick<Vocabulary, "commands">) => boolean}
 */
export function isCommand(transcript, { commands }) {
  return isPhrases(tokenize(transcript), commands);
}

/** @type {(text: string) => string} */
function foldCase(text) {
  return text.toLowerCase().replaceAll("’", "'");
}

/** @type {(text: string) => string[]} */
function tokenize(text) {
  return foldCase(text).match(WORD) ?? [];
}

/**
 * Return whether the tokens are nothing but phrases of the set.
 * @type {(tokens: string[], phrases: Set<string>) => boolean}
 */
function isPhrases(tokens, phrases) {
  let at = 0;
  while (at < tokens.length) {
    const size = [3, 2, 1].find((many) => at + many <= tokens.length && isPhrase(tokens.slice(at, at + many), phrases));
    if (!size) return false;
    at += size;
  }
  return tokens.length > 0;
}

/**
 * Return whether the tokens are a phrase of the set, written with spaces or, in a script without them, without.
 * @type {(tokens: string[], phrases: Set<string>) => boolean}
 */
function isPhrase(tokens, phrases) {
  return phrases.has(tokens.join(" ")) || phrases.has(tokens.join(""));
}

/** @type {(tokens: string[], commands: Set<string>) => boolean} */
function hasCommand(tokens, commands) {
  return tokens.some((_, at) => {
    const sizes = Array.from({ length: PHRASE_MOST }, (_none, many) => many + 1);
    return sizes.some((many) => isPhrase(tokens.slice(at, at + many), commands));
  });
}

/** @type {(tokens: string[], said: string) => boolean} */
function canAnswer(tokens, said) {
  return tokens.length > 0 && tokens.length <= ANSWER_MOST && /[?？؟]["'»”\s]*$/u.test(said);
}

/**
 * Return the part of `transcript` that follows `said` best, and how many of its words match: a local alignment.
 * @type {(transcript: string[], said: string[]) => EchoRun}
 */
function findEcho(transcript, said) {
  let best = { score: 0, start: 0, end: 0, matched: 0 };
  let above = new Array(said.length + 1).fill(best);
  transcript.forEach((word, row) => {
    const line = [{ score: 0, start: row + 1, end: row + 1, matched: 0 }];
    said.forEach((other, column) => {
      const cell = chooseBest(above[column], above[column + 1], line[column], isSame(word, other), row);
      line.push(cell);
      if (cell.score > best.score) best = cell;
    });
    above = line;
  });
  return best;
}

/** @type {(diagonal: EchoRun, up: EchoRun, left: EchoRun, isMatch: boolean, row: number) => EchoRun} */
function chooseBest(diagonal, up, left, isMatch, row) {
  if (isMatch) {
    const start = diagonal.score > 0 ? diagonal.start : row;
    return { score: diagonal.score + MATCH, start, end: row + 1, matched: diagonal.matched + 1 };
  }
  const from = [diagonal, up, left].reduce((one, other) => (other.score > one.score ? other : one));
  if (from.score <= 1) return { score: 0, start: row + 1, end: row + 1, matched: 0 };
  return { ...from, score: from.score - 1 };
}

/** @type {(word: string, other: string) => boolean} */
function isSame(word, other) {
  if (word === other) return true;
  if (Math.min(word.length, other.length) < FUZZY_LEAST || Math.max(word.length, other.length) > FUZZY_MOST) return false;
  const most = Math.floor(Math.max(word.length, other.length) * MISHEARD_SHARE);
  return Math.abs(word.length - other.length) <= most && measureDistance(word, other) <= most;
}

/**
 * Return the Levenshtein distance of two words.
 * @type {(word: string, other: string) => number}
 */
function measureDistance(word, other) {
  let above = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= word.length; row++) {
    const line = [row];
    for (let column = 1; column <= other.length; column++) {
      const changed = above[column - 1] + (word[row - 1] === other[column - 1] ? 0 : 1);
      line.push(Math.min(changed, above[column] + 1, line[column - 1] + 1));
    }
    above = line;
  }
  return above[other.length];
}
