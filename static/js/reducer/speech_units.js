/**
 * How long words take to say, in letters of English. Pure.
 *
 * conversations/realtime/text/heard_text.py estimates the same way, so that what is shown and what the server stores as
 * heard agree. tests/support/spoken_units.json holds both to it.
 */

// Scripts without spaces are cut between characters, with their marks: kana and Han, Thai, Lao, Burmese, Khmer.
const HAN = "\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff\\u{20000}-\\u{3134f}";
const UNSPACED = `\\u0e00-\\u0eff\\u1000-\\u109f\\u1780-\\u17ff\\u3040-\\u30ff${HAN}`;
const MARKS = "\\u0e30-\\u0e3a\\u0e45-\\u0e4e\\u0eb0-\\u0ebc\\u0ec8-\\u0ece\\u102b-\\u103e\\u17b4-\\u17d3\\u3099\\u309a\\u30fc";
const LEADING = "\\u0e40-\\u0e44\\u0ec0-\\u0ec4";
const STOPS = "、。，．！？：；）」』】》〉”’…";
const UNIT = new RegExp(`\\s*(?:[${LEADING}]*[${UNSPACED}][${MARKS}]*[${STOPS}]*|[^\\s${UNSPACED}]{1,100})`, "gu");

/** @type {Map<string, number>} */
const ABBREVIATIONS = new Map(Object.entries({
  "mr.": 6, "mrs.": 6, "ms.": 4, "dr.": 6, "prof.": 9, "st.": 6, "vs.": 6, "etc.": 9, "e.g.": 10, "i.e.": 6,
  "approx.": 13, "no.": 6, "nr.": 6, "bzw.": 16, "usw.": 14, "ca.": 5, "d.h.": 9, "z.b.": 12, "sr.": 5, "sra.": 6,
  "mme.": 6, "p.ex.": 10, "ecc.": 9, "bijv.": 12, "enz.": 10,
}));
/** @type {{ [symbol: string]: number }} */
const SYMBOLS = { "%": 7, "€": 4, $: 6, "£": 5, "&": 3, "+": 4, "=": 6, "@": 2, "°": 6, "§": 7 };
const DIGIT = 4;
const POINT = 5;
const WIDE = 3;
const KANA = 2;
const ACRONYM = 3;
const STOP = 6;
const PAUSE = 3;
const LAST = 2;
const TAIL_CHARS = 12;

const KANA_LETTER = /[\u3040-\u30ff]/u;
const WIDE_LETTER = new RegExp(`[\\uac00-\\ud7af${HAN}]`, "u");
const SPELLED = /^[^A-Za-z0-9]*[A-Z]{2,5}[^A-Za-z]*$/u;
const AMID_FIGURES = /[0-9][.,:/](?=[0-9])/gu;
// Neither words of a link's address are read aloud, nor marks of a source, tags and formulas.
const UNHEARD =
  /\[\^?[0-9]{1,3}(?:[,–-] ?[0-9]{1,3}){0,9}\](?:\([^()\s]{0,400}\))?|【[^【】]{0,99}†[^【】]{0,99}】|<\/?[a-zA-Z][^<>]{0,200}>|\$\$(?=[^$]{0,200}[\\^_{}])[^$]{0,400}\$\$|\\\((?=[^)]{0,100}[\\^_{}])(?:[^\\]|\\(?!\))){0,100}\\\)/gu;
const LINK = /\]\(.*|https?:\/\/([^/\s]+)\S*/gu;
const STOPPING = /[.!?…。！？।؟][^\p{L}\p{N}_]*$/u;
const PAUSING = /[,;:–—、，；：،؛][^\p{L}\p{N}_]*$/u;

/**
 * Return [{end, said, pause}] for each word, or each character in a script without spaces; `end` is its end in the
 * clause.
 * @type {(clause: string) => SpokenUnit[]}
 */
export function splitUnits(clause) {
  const last = clause.trimEnd().length;
  const heard = clause.slice(0, last).replace(UNHEARD, (found) => found.replace(/[^\s]/g, "·"));
  return Array.from(heard.matchAll(UNIT), (match) => {
    const [said, pause] = weigh(match[0].trim());
    const end = match.index + match[0].length;
    return { end, said, pause: end === last ? Math.min(pause, LAST) : pause };
  });
}

/** @type {(spoken: SpokenUnit[]) => number} */
export function measureWeight(spoken) {
  return spoken.reduce((sum, unit) => sum + unit.said + unit.pause, 0);
}

/**
 * Return whether the word is an abbreviation, whose full stop ends no sentence.
 * @type {(word: string) => boolean}
 */
export function isAbbreviation(word) {
  return ABBREVIATIONS.has(word.toLowerCase());
}

/** @type {(word: string) => [said: number, pause: number]} */
function weigh(word) {
  const abbreviation = ABBREVIATIONS.get(word.toLowerCase());
  if (abbreviation) return [abbreviation, 0];
  const read = word.replace(LINK, (_, host) => host ?? "");
  const letter = SPELLED.test(read) ? ACRONYM : 1;
  const points = read.match(AMID_FIGURES)?.length ?? 0;
  const said = Array.from(read).reduce((sum, character) => sum + weighCharacter(character, letter), POINT * points);
  const tail = read.slice(-TAIL_CHARS);
  return [said, STOPPING.test(tail) ? STOP : PAUSING.test(tail) ? PAUSE : 0];
}

/** @type {(character: string, letter: number) => number} */
function weighCharacter(character, letter) {
  if (KANA_LETTER.test(character)) return KANA;
  if (WIDE_LETTER.test(character)) return WIDE;
  if (/\p{Nd}/u.test(character)) return DIGIT;
  return /\p{L}/u.test(character) ? letter : (SYMBOLS[character] ?? 0);
}
