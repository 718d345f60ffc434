/** The browser's voices in the order of the picker. Pure. */

/**
 * Return the voices: first those of the language ("" for any), exact tags before related ones, local voices before
 * others.
 * @type {(voices: SpeechSynthesisVoice[], language: string) => SpeechSynthesisVoice[]}
 */
export function sortVoices(voices, language) {
  /** @type {(voice: SpeechSynthesisVoice) => number} */
  const rank = (voice) => (isVoiceFor(voice, language, getTag) ? 0 : isVoiceFor(voice, language, getPrimaryTag) ? 1 : 2);
  /** @type {(voice: SpeechSynthesisVoice) => string} */
  const names = (voice) => `${voice.lang} ${voice.name}`;
  return [...voices].sort(
    (one, other) =>
      rank(one) - rank(other) || Number(other.default) - Number(one.default) || names(one).localeCompare(names(other)),
  );
}

/** @type {(voices: SpeechSynthesisVoice[], language: string) => boolean} */
export function hasVoiceFor(voices, language) {
  return voices.some((voice) => !language || isVoiceFor(voice, language, getPrimaryTag));
}

/** @type {(voice: Pick<SpeechSynthesisVoice, "name" | "lang">) => string} */
export function getLabel({ name, lang }) {
  return name.includes(lang) || !lang ? name : `${name} (${lang.replace("_", "-")})`;
}

/** @type {(voice: SpeechSynthesisVoice, language: string, part: (language: string) => string) => boolean} */
function isVoiceFor(voice, language, part) {
  return part(voice.lang) === part(language);
}

/**
 * Return the language tag with hyphens; Android writes en_US.
 * @type {(language: string) => string}
 */
function getTag(language) {
  return language.toLowerCase().replace("_", "-");
}

/** @type {(language: string) => string} */
function getPrimaryTag(language) {
  return getTag(language).split("-")[0];
}
