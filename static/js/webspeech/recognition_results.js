/** Join the results of the browser's recogniser to one text. Pure. */

const UNSPACED = /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]/u;

/**
 * Return {text, isFinal}: what was recognised after the first `taken` results.
 *
 * With `repeats`, a result may contain the ones before it, as on Android (crbug.com/457167 and many reports since).
 * @type {(results: SpeechRecognitionResultList, taken: number, repeats: boolean) => { text: string, isFinal: boolean }}
 */
export function joinResults(results, taken, repeats) {
  const fresh = Array.from(results).slice(taken);
  const text = fresh.map((result) => result[0].transcript).reduce((all, next) => join(all, next, repeats), "");
  return { text: text.trim(), isFinal: fresh.length > 0 && fresh.every((result) => result.isFinal) };
}

/** @type {(all: string, next: string, repeats: boolean) => string} */
function join(all, next, repeats) {
  const holdsAll = repeats && next.trim().toLowerCase().startsWith(all.trim().toLowerCase());
  return holdsAll ? next : joinWords(all, next);
}

/**
 * Join two texts with a space, unless their script has none.
 * @type {(one: string, other: string) => string}
 */
export function joinWords(one, other) {
  const isSpaced = !one || !other || /\s$/u.test(one) || /^\s/u.test(other);
  const isUnspaced = UNSPACED.test(one.slice(-1)) && UNSPACED.test(other.slice(0, 1));
  return isSpaced || isUnspaced ? one + other : `${one} ${other}`;
}
