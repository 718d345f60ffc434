/**
 * Reduce a written clause to what the browser's voice says: no Markdown, links, pictures, code, formulas or citation
 * marks. Pure.
 *
 * It does the same as conversations/realtime/text/speech_text.py, without its parser. tests/support/spoken_texts.json
 * holds both to it.
 */

const OPENING =
  /^[ \t>]*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?(?<fence>`{3,}(?=[^`\n]*$)|~{3,})|(?<!`)(?<late>`{3,})(?=[\w+#.-]*[ \t]*\n)|(?<line>^[ \t>]*)?(?<formula>\$\$|\\\[|\\\(|\\begin\{\w+\*?\})/mu;
/** @type {{ [opening: string]: string }} */
const CLOSING = { $$: "$$", "\\[": "\\]", "\\(": "\\)" };
const LINE_END = { pattern: /\n/u, most: 200 };
const BLANK_LINE = { pattern: /\n[ \t]*\n/u, most: 1000 };
const NOTATION = /[\\^_{}]/u;
const AMID_LINE = "\u2063 "; // in front of a clause that begins no line

const SMALL_FORMULA = /(?<![\p{L}\p{N}_$\\])\$(?=[^\s$])([^$\n]{1,200})(?<![\s\\])\$(?![\p{L}\p{N}_$])/gu;
const URL = /(?:https?:\/\/(?:[^\s/?#@)>\]]*@)?|\b(?=www\.))([^\s/?#:)>\]]*)(?:\([^\s()]*\)|[^\s)>\]])*/gu;
const ENTITY = /&(?:#(\d{1,6})|#x([0-9a-f]{1,5})|([a-z]{2,8}));/giu;
/** @type {{ [name: string]: string }} */
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " ", copy: "©", reg: "®", deg: "°", euro: "€", ndash: "–", mdash: "—", hellip: "…" };
const SPEAKABLE = /[\p{L}\p{N}]/u;

// Whole scripts: a joiner belongs to the letter before it; signs of measure and of names are words.
const KEPT_SIGN = /[©®™°\u2100-\u2138\u213a-\u214f\u3200-\u3296\u3298\u329a-\u33ff]/u;
const PICTURE = /\p{Extended_Pictographic}|(?=\p{So})\p{Script=Common}/gu;
const UNSPOKEN =
  /[\u2190-\u21ff\u25a0-\u25ff\u27f0-\u27ff\u2900-\u297f\u2022\u2023\u20e3\p{Emoji_Modifier}\p{Co}\p{Cn}\p{Cs}]|(?<!\p{L}|(?![\ufe00-\ufe0f])\p{M})[\u200c\u200d]|(?![\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200c\u200d])\p{Default_Ignorable_Code_Point}/gu;

/** @typedef {(match: string, ...groups: string[]) => string} Replacer */

/** @type {[pattern: RegExp, replacement: string | Replacer][]} */
const STEPS = [
  [/^[ \t]*\[[^\]\n]*\]:\s*(?:<|https?:\/\/)\S*.*$/gmu, ""],
  [/[ \t]*(?:\[\[?\^?\d{1,3}(?:\s?[,–-]\s?\d{1,3})*\]?\](?:\([^()\s]*\))?:?|【[^【】]*†[^【】]*】|【\d[\d:]*】|\ue200[^\ue201]*\ue201)/gu, ""],
  [SMALL_FORMULA, (_, inside) => (NOTATION.test(inside) ? "" : inside)],
  [/^[ \t]*[•‣⁃–]\s+|(?<=^[-*+] )\[[ xX]\]\s+/gmu, ""],
  [/^[ \t|:]*[-=_*]{3,}(?:[ \t|:]+[-=_*]{3,})*[ \t|:]*$/gmu, ""],
  [/^[ \t]*\|(.*?)\|?[ \t]*$/gmu, "$1"],
  [/^[ \t]*(?:#{1,6}\s+|(?:>[ \t]?)+|[-*+][ \t]+)+/gmu, " "],
  [/!?\[([^\]]*)\]\([^)]*\)/gu, "$1"],
  [/<(https?:\/\/[^\s>]*)>/gu, "$1"],
  [/<\/?(?:br|p|div|li|tr|t[dh]|h\d|summary|details)\b[^<>]*>/giu, " "],
  [/<!--.*?-->|<\/?[a-z][\w-]*(?:\s+[\w:-]+=(?:"[^"]*"|'[^']*'|[^\s"'<>]+))*\s*\/?>/giu, ""],
  [/\\([!-/:-@[-`{-~])/gu, "$1"],
  [ENTITY, decodeEntity],
  [/\]\([^()\s]*\)?|\]\[[^\]]*\]/gu, ""],
  [/(?<![\p{L}\p{N}\p{M}_])(?:\*{1,3}|_{1,3}|~~|`{1,3})(?=\S)|(?<=\S)(?:\*{1,3}|_{1,3}|~~|`{1,3})(?![\p{L}\p{N}\p{M}_])/gu, ""],
  [URL, (_, host) => host.replace(/[.,;!]+$/u, "")],
  [PICTURE, (sign) => (KEPT_SIGN.test(sign) ? sign : "")],
  [UNSPOKEN, ""],
  [/[[\]]/gu, ""],
  [/\s*\|\s*/gu, ", "],
  [/\s+/gu, " "],
  [/ (?=[,.](?:\s|$))/gu, ""],
];

/**
 * A block of code, or a formula: what closes it, what gives it up, and how long it is by now.
 * @typedef {{ closing: string, end: { pattern: RegExp, most: number } | null, chars: number }} SilentBlock
 */

/** The filter for one reply. It remembers from clause to clause which block is open, and whether a line has begun. */
export class SpeechText {
  constructor() {
    /** @type {SilentBlock | null} */
    this.silent = null;
    this.isAmidLine = false;
  }

  /**
   * Return the words to say, or "" if the clause has none.
   * @type {(clause: string) => string}
   */
  spoken(clause) {
    const text = this.isAmidLine ? AMID_LINE + clause : clause;
    this.isAmidLine = !clause.slice(clause.trimEnd().length).includes("\n");
    const words = STEPS.reduce(replacePattern, this.#said(text)).trim();
    return SPEAKABLE.test(words) ? words : "";
  }

  /**
   * Return the text without blocks of code, and without formulas that nobody could say.
   * @type {(text: string) => string}
   */
  #said(text) {
    let [said, rest] = ["", text];
    while (rest) {
      const opening = this.silent ? null : OPENING.exec(rest);
      if (this.silent) [said, rest] = [`${said} `, rest.slice(this.#silentChars(rest, this.silent))];
      else if (opening) [said, rest] = this.#open(opening.groups ?? {}, said + rest.slice(0, opening.index), rest.slice(opening.index + opening[0].length));
      else return said + rest;
    }
    return said;
  }

  /**
   * Return how many characters of the rest belong to the open block, and close the block where it ends.
   * @type {(rest: string, silent: SilentBlock) => number}
   */
  #silentChars(rest, silent) {
    const { closing, end } = silent;
    const place = rest.indexOf(closing);
    const chars = place < 0 ? rest.length : place + closing.length;
    const givenUp = end?.pattern.exec(rest.slice(0, chars));
    silent.chars += chars;
    if (place >= 0 || givenUp || (end && silent.chars > end.most)) this.silent = null;
    return givenUp ? givenUp.index : chars;
  }

  /** @type {(groups: Partial<Record<string, string>>, said: string, rest: string) => [said: string, rest: string]} */
  #open(groups, said, rest) {
    const fence = groups.fence ?? groups.late;
    if (fence) {
      this.silent = { closing: fence, end: null, chars: 0 };
      return [said, rest];
    }
    const formula = groups.formula ?? "";
    const closing = CLOSING[formula] ?? formula.replace("begin", "end");
    const place = rest.indexOf(closing);
    const isSaid = formula in CLOSING && !NOTATION.test(place < 0 ? rest : rest.slice(0, place));
    if (place >= 0) return [`${said} ${isSaid ? rest.slice(0, place) : ""} `, rest.slice(place + closing.length)];
    const isDisplay = groups.line !== undefined && !rest.split("\n", 1)[0].trim();
    if (isDisplay || !isSaid) this.silent = { closing, end: isDisplay ? BLANK_LINE : LINE_END, chars: 0 };
    return [`${said} `, rest];
  }
}

/** @type {(entity: string, decimal?: string, hex?: string, name?: string) => string} */
function decodeEntity(entity, decimal, hex, name) {
  if (name) return ENTITIES[name.toLowerCase()] ?? "";
  const code = decimal ? parseInt(decimal, 10) : parseInt(hex ?? "", 16);
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : "";
}

/** @type {(text: string, step: [pattern: RegExp, replacement: string | Replacer]) => string} */
function replacePattern(text, [pattern, replacement]) {
  // TypeScript has an overload for each kind of replacement, and none for both.
  return typeof replacement === "string" ? text.replace(pattern, replacement) : text.replace(pattern, replacement);
}
