/**
 * What is played, and how it is interrupted. Pure; part of the reducer in session.js.
 *
 * Speech over a reply only pauses it: it may be a cough. The server hears whether words follow, and says
 * `output_audio_buffer.started` (nothing was meant: go on) or `.cleared` (drop the rest). Should it say neither in time,
 * the reply goes on: sound that resumed in error is stopped by a verdict that comes late, but sound that was dropped in
 * error never comes back, and the assistant would be silent for no reason that a person can see.
 */

import * as captions from "./captions.js";
import { send, withItem } from "./state_changes.js";
import * as protocol from "../net/protocol.js";

/** After the end of the speech: longer than most engines need for its words. */
const VERDICT_MS = 4000;
/** After its beginning: what sounds that long without words that the server could hear is noise. */
const LONGEST_SPEECH_MS = 30000;

/** @type {(state: State) => Step} */
export function pause(state) {
  const paused = state.paused ?? state.response ?? findResponse(state, state.playing);
  if (paused === null || state.stopping) return [state, []];
  const askedBefore = state.paused === null ? state.askedAt : state.askedBefore;
  return [{ ...state, paused, askedBefore }, [{ do: "pausePlay" }, { do: "awaitVerdict", delayMs: LONGEST_SPEECH_MS }]];
}

/**
 * Expect the server's verdict soon.
 * @type {(state: State) => Step}
 */
export function awaitVerdict(state) {
  return [state, state.paused === null ? [] : [{ do: "awaitVerdict", delayMs: VERDICT_MS }]];
}

/** @type {(state: State) => Step} */
export function resume(state) {
  if (state.paused === null) return [state, []];
  const thinking = state.response !== null && state.playing === null;
  const next = { ...state, paused: null, hearing: false, thinking, isIgnored: true, askedAt: state.askedBefore };
  return [next, [{ do: "resumePlay" }]];
}

/**
 * Stop the reply: the server confirms an interruption, and has cancelled the response itself.
 * @type {ServerHandler<"output_audio_buffer.cleared">}
 */
export function onCleared(state, { response_id }) {
  const concerned = [state.response, findResponse(state, state.playing)];
  if (state.paused === null && !concerned.includes(response_id)) return [state, []];
  return interrupt({ ...state, isIgnored: false, thinking: !state.hearing }, [], false);
}

/**
 * Silence the reply. Once the player has reported what was heard, and the server was told, perform the effects `then`.
 *
 * With `cancel`, also ask the server to cancel the response.
 * @type {(state: State, then?: Effect[], cancel?: boolean) => Step}
 */
export function interrupt(state, then = [], cancel = true) {
  const cancelling = cancel && state.response !== null ? [send(protocol.cancelResponse())] : [];
  const [next, effects] = silence({ ...state, dropped: state.response ?? state.dropped, response: null }, then);
  return [next, [...cancelling, ...effects]];
}

/** @type {(state: State, then?: Effect[]) => Step} */
function silence(state, then = []) {
  const { playing, paused, stopping, afterStop } = state;
  if (playing === null && paused === null && !stopping) return [state, then];
  const next = { ...state, paused: null, stopping: true, afterStop: [...afterStop, ...then] };
  return [next, stopping ? [] : [{ do: "stopPlay" }]];
}

/**
 * Stop a paused reply because another response begins to sound: the server has given the paused one up.
 * @type {(state: State, responseId: string) => Step}
 */
export function silencePausedReply(state, responseId) {
  if (state.paused === null || state.paused === responseId) return [state, []];
  return silence({ ...state, dropped: state.paused });
}

/**
 * Perform effects once the player is silent, as until then it drops what it is given; never after leaving.
 * @type {(state: State, effect: Effect) => Step}
 */
export function performOnceSilent(state, effect) {
  if (!state.stopping) return [state, [effect]];
  return [state.phase === "live" ? { ...state, afterStop: [...state.afterStop, effect] } : state, []];
}

/**
 * Note that no more sound will come of the reply, for instance because the connection broke in the middle.
 * @type {(state: State, id: string | null) => Step}
 */
export function endReply(state, id) {
  const known = findItem(state, id);
  if (!known?.track) return [state, []];
  // Of a reply that the browser speaks nobody knows how long it will be.
  const ended = known.aloud ? state : withItem(state, { id: known.id, track: captions.endTrack(known.track) });
  return performOnceSilent(ended, { do: "endPlay", item: known.id });
}

/**
 * Note how much was heard: `samples` less what the sound system still holds back, so it may be less than nothing.
 * @type {(state: State, report: { item: string | null, samples: number, heard?: number }, now: number) => Step}
 */
export function onProgress(state, { item, samples, heard = 0 }, now) {
  if (item === null || !state.items[item]) return [state, []];
  const next = { ...withItem(state, buildPlayedChange(state.items[item], samples)), playing: item };
  return heard > 0 ? reportFirstHeard(next, item, heard, now) : [next, []];
}

/** @type {EventHandler<"playback.finished">} */
export function onFinished(state, { item, samples, heard }, now) {
  const [next] = onProgress(state, { item, samples }, now);
  const [told, effects] = reportFirstHeard(next, item, heard, now);
  const known = findItem(told, item);
  const over = known?.aloud && known.track ? withItem(told, { id: known.id, track: captions.endTrack(known.track) }) : told;
  return [{ ...over, playing: null, silent: { item, at: now } }, effects];
}

/** @type {(item: TalkItem, samples: number) => ItemChange} */
function buildPlayedChange({ id, aloud, track }, samples) {
  const received = aloud && track ? { track: { ...track, received: samples } } : {};
  return { id, played: samples, ...received };
}

/**
 * Tell the server what was heard, now that the player is silent, then perform what the interruption was for.
 * @type {EventHandler<"playback.stopped">}
 */
export function onStopped(state, { item, samples }, now) {
  const known = findItem(state, item);
  const next = known ? withItem(state, { ...buildPlayedChange(known, samples), cut: true }) : state;
  const truncations = known ? [send(buildTruncation(next.items[known.id]))] : [];
  const playing = state.afterStop.find((effect) => effect.do === "play" || effect.do === "say")?.item ?? null;
  const silent = known ? { item, at: now } : state.silent;
  return [{ ...next, playing, silent, stopping: false, afterStop: [] }, [...truncations, ...state.afterStop]];
}

/**
 * Return the event that tells the server how much of the item was heard: in words if the server has no sound of it.
 * @type {(item: TalkItem) => ClientEvent}
 */
export function buildTruncation({ id, aloud, track, played = 0 }) {
  return aloud && track ? protocol.truncateText(id, captions.getSpokenText(track, played)) : protocol.truncate(id, played);
}

/**
 * Report, once for each response, that it has begun to sound.
 * @type {(state: State, id: string | null, heard: number, now: number) => Step}
 */
function reportFirstHeard(state, id, heard, now) {
  const response = findResponse(state, id);
  const isTold = Object.values(state.items).some((item) => item.response === response && item.heardAt !== undefined);
  if (id === null || response === null || isTold) return [state, []];
  return [withItem(state, { id, heardAt: now - heard / 24 }), [send(protocol.buildPlaybackStarted(response, heard))]];
}

/** @type {(state: State, id: string | null) => string | null} */
function findResponse(state, id) {
  return findItem(state, id)?.response ?? null;
}

/** @type {(state: State, id: string | null) => TalkItem | undefined} */
function findItem(state, id) {
  return id === null ? undefined : state.items[id];
}
