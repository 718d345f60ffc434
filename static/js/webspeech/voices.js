/** The browser's voices in the order of a picker. Pure. */

/** Those of the language first ("" for any), of these the very tag before its relatives, and the system's own before others. */
export function voicesFor(voices, language) {
  const rank = (voice) => (speaks(voice, language, tag) ? 0 : speaks(voice, language, primary) ? 1 : 2);
  const names = (voice) => `${voice.lang} ${voice.name}`;
  return [...voices].sort(
    (one, other) =>
      rank(one) - rank(other) || Number(other.default) - Number(one.default) || names(one).localeCompare(names(other)),
  );
}

export function hasVoiceFor(voices, language) {
  return voices.some((voice) => !language || speaks(voice, language, primary));
}

export function labelOf({ name, lang }) {
  return name.includes(lang) || !lang ? name : `${name} (${lang.replace("_", "-")})`;
}

function speaks(voice, language, part) {
  return part(voice.lang) === part(language);
}

/** Android writes en_US. */
function tag(language) {
  return language.toLowerCase().replace("_", "-");
}

function primary(language) {
  return tag(language).split("-")[0];
}
