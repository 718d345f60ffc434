/** The browser's voices in the order of the picker. Pure. */

/**
 * Return the voices: first those of the language ("" for any), exact tags before related ones, local voices before
 * others.
 * @type {(voices: SpeechSynthesisVoice[], language: string) => SpeechSynthesisVoice[]}
 */
export function voicesFor(voices, language) {
  /** @type {(voice: SpeechSynthesisVoice) => number} */
  const rank = (voice) => (speaks(voice, language, tag) ? 0 : speaks(voice, language, primary) ? 1 : 2);
  /** @type {(voice: SpeechSynthesisVoice) => string} */
  const names = (voice) => `${voice.lang} ${voice.name}`;
  return [...voices].sort(
    (one, other) =>
      rank(one) - rank(other) || Number(other.default) - Number(one.default) || names(one).localeCompare(names(other)),
  );
}

/** @type {(voices: SpeechSynthesisVoice[], language: string) => boolean} */
export function hasVoiceFor(voices, language) {
  return voices.some((voice) => !language || speaks(voice, language, primary));
}

/** @type {(voice: Pick<SpeechSynthesisVoice, "name" | "lang">) => string} */
export function getLabel({ name, lang }) {
  return name.includes(lang) || !lang ? name : `${name} (${lang.replace("_", "-")})`;
}

/** @type {(voice: SpeechSynthesisVoice, language: string, part: (language: string) => string) => boolean} */
function speaks(voice, language, part) {
  return part(voice.lang) === part(language);
}

/**
 * Return the language tag with hyphens; Android writes en_US.
 * @type {(language: string) => string}
 */
function tag(language) {
  return language.toLowerCase().replace("_", "-");
}

/** @type {(language: string) => string} */
function primary(language) {
  return tag(language).split("-")[0];
}
