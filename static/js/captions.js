/**
 * Captions in step with the voice. Pure.
 *
 * The server sends a clause's text just before its audio, so where a text begins is known in samples: what had been
 * received by then. It ends where the next one begins; while its audio is still coming, its end is estimated from
 * how fast this voice has spoken so far.
 */

const SAMPLES_PER_CHARACTER = 24000 / 15; // a usual speaking rate, until this voice's own is known

/** A track: {clauses: [{text, start}], received, ended}; start and received in samples. */
export const EMPTY_TRACK = Object.freeze({ clauses: [], received: 0, ended: false });

export function addText(track, text) {
  const last = track.clauses.at(-1);
  if (last && last.start === track.received) {
    return { ...track, clauses: [...track.clauses.slice(0, -1), { ...last, text: last.text + text }] };
  }
  return { ...track, clauses: [...track.clauses, { text, start: track.received }] };
}

export function addAudio(track, samples) {
  return { ...track, received: track.received + samples };
}

export function endTrack(track) {
  return { ...track, ended: true };
}

export function wholeText(track) {
  return track.clauses.map((clause) => clause.text).join("");
}

/** What has been said after `played` samples, in whole words. */
export function spokenText(track, played) {
  if (track.ended && played >= track.received) return wholeText(track);
  return track.clauses.map((clause, index) => spokenOf(clause, endOf(track, index), played)).join("");
}

function endOf(track, index) {
  const next = track.clauses[index + 1];
  if (next) return next.start;
  if (track.ended) return track.received;
  const { text, start } = track.clauses[index];
  return Math.max(track.received, start + text.length * samplesPerCharacter(track));
}

function samplesPerCharacter(track) {
  const last = track.clauses.at(-1);
  const characters = wholeText(track).length - last.text.length;
  return characters < 20 ? SAMPLES_PER_CHARACTER : last.start / characters;
}

function spokenOf({ text, start }, end, played) {
  if (played >= end) return text;
  if (played <= start) return "";
  // A word appears as it begins, not when it is over: whoever reads along would otherwise always be late.
  const at = Math.max(text.search(/\S|$/), Math.floor((text.length * (played - start)) / (end - start)));
  const wordEnd = text.slice(at).search(/\s/);
  return wordEnd === -1 ? text : text.slice(0, at + wordEnd);
}
