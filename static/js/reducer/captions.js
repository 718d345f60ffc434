/**
 * Captions in step with the voice. Pure.
 *
 * The server sends a clause's text just before its audio, so the beginning of a text is known in samples: what had been
 * received by then. It ends where the next one begins. While its audio is still arriving, the end is estimated from how
 * fast this voice has spoken so far. Within a text the words share the time as speech_units.js says.
 */

import { splitUnits, measureWeight } from "./speech_units.js";

const SAMPLES_PER_LETTER = 24000 / 15; // a usual speaking rate, until this voice's own is known
const LETTERS_TO_KNOW = 20;
const REWEIGHED = 12; // words, as many as a formula may be long

/** A track: {clauses: [{text, start, units, weight}], received, ended}; start and received in samples. */
export const EMPTY_TRACK = Object.freeze({ clauses: [], received: 0, ended: false });

/** @type {(track: Track, text: string) => Track} */
export function addText(track, text) {
  const last = track.clauses.at(-1);
  if (last && last.start === track.received) {
    return { ...track, clauses: [...track.clauses.slice(0, -1), extendClause(last, text)] };
  }
  return { ...track, clauses: [...track.clauses, findClause(text, track.received)] };
}

/** @type {(text: string, start: number) => Clause} */
function findClause(text, start) {
  const spoken = splitUnits(text);
  return { text, start, units: spoken, weight: measureWeight(spoken) };
}

/**
 * Return the clause with more text. Only its last words are weighed again, as weighing all of them would cost the
 * square.
 * @type {(clause: Clause, more: string) => Clause}
 */
function extendClause(clause, more) {
  const text = clause.text + more;
  const kept = clause.units.slice(0, -REWEIGHED);
  const from = kept.at(-1)?.end ?? 0;
  const tail = splitUnits(text.slice(from)).map((unit) => ({ ...unit, end: unit.end + from }));
  const weight = clause.weight - measureWeight(clause.units.slice(-REWEIGHED)) + measureWeight(tail);
  return { text, start: clause.start, units: [...kept, ...tail], weight };
}

/** @type {(track: Track, samples: number) => Track} */
export function addAudio(track, samples) {
  return { ...track, received: track.received + samples };
}

/** @type {(track: Track) => Track} */
export function endTrack(track) {
  return { ...track, ended: true };
}

/** @type {(track: Track) => string} */
export function getWholeText(track) {
  return track.clauses.map((clause) => clause.text).join("");
}

/**
 * Return what has been said after `played` samples, in whole words.
 * @type {(track: Track, played: number) => string}
 */
export function getSpokenText(track, played) {
  if (track.ended && played >= track.received) return getWholeText(track);
  return track.clauses.map((clause, index) => cutToSpoken(clause, findEnd(track, index), played)).join("");
}

/** @type {(track: Track, index: number) => number} */
function findEnd(track, index) {
  const next = track.clauses[index + 1];
  if (next) return next.start;
  if (track.ended) return track.received;
  const { weight, start } = track.clauses[index];
  return Math.max(track.received, start + weight * computeSamplesPerLetter(track));
}

/** @type {(track: Track) => number} */
function computeSamplesPerLetter(track) {
  const start = track.clauses.at(-1)?.start ?? 0;
  const letters = track.clauses.slice(0, -1).reduce((sum, clause) => sum + clause.weight, 0);
  return letters < LETTERS_TO_KNOW ? SAMPLES_PER_LETTER : start / letters;
}

/** @type {(clause: Clause, end: number, played: number) => string} */
function cutToSpoken(clause, end, played) {
  if (played >= end) return clause.text;
  if (played <= clause.start) return "";
  // A word appears as it begins, not when it is over: whoever reads along would otherwise always be late.
  const at = (clause.weight * (played - clause.start)) / (end - clause.start);
  let begins = 0;
  let shown = 0;
  for (const unit of clause.units) {
    if (begins > at) break;
    begins += unit.said + unit.pause;
    shown = unit.end;
  }
  return clause.text.slice(0, shown);
}
