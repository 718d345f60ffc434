/** What the server's events do to the session. Pure; part of the reducer in session.js. */

import * as captions from "./captions.js";
import * as protocol from "./protocol.js";

/** What ends with a connection. What is being played goes on: it was received. */
export const NO_TURN = { hearing: false, thinking: false, response: null, heldSince: null };

export function onServerEvent(state, event, now) {
  const handler = HANDLERS[event.type];
  return handler ? handler(state, event, now) : [state, []];
}

const HANDLERS = {
  "session.created": onSessionCreated,
  "conversation.created": (state, { conversation }) => [{ ...state, conversation: conversation.id }, []],
  "conversation.item.added": onItem,
  "conversation.item.done": onItem,
  "conversation.item.deleted": (state, { item_id }) => [withoutItem(state, item_id), []],
  "conversation.item.input_audio_transcription.delta": onTranscriptDelta,
  "conversation.item.input_audio_transcription.completed": onTranscript,
  "conversation.item.input_audio_transcription.failed": onTranscriptFailed,
  "input_audio_buffer.speech_started": onSpeechStarted,
  "input_audio_buffer.speech_stopped": (state) => [{ ...state, hearing: false, thinking: true }, []],
  "input_audio_buffer.committed": (state) => [{ ...state, hearing: false }, []],
  "response.created": onResponseCreated,
  "response.output_text.delta": onReplyText,
  "response.output_audio_transcript.delta": onReplyText,
  "response.output_audio.delta": onReplyAudio,
  "response.output_audio.done": onReplyAudioDone,
  "response.done": onResponseDone,
  "error": onError,
};

export function withNotice(state, about, notice) {
  const { [about]: _old, ...others } = state.notices;
  return { ...state, notices: notice ? { ...others, [about]: notice } : others };
}

/** Adds the item after `previous`, or at the end; or merges it into the one that is there. */
export function withItem(state, item, previous) {
  const items = { ...state.items, [item.id]: { ...state.items[item.id], ...item } };
  if (state.items[item.id]) return { ...state, items };
  const at = state.order.indexOf(previous) + 1 || state.order.length;
  return { ...state, items, order: [...state.order.slice(0, at), item.id, ...state.order.slice(at)] };
}

function withoutItem(state, id) {
  const { [id]: _gone, ...items } = state.items;
  return { ...state, items, order: state.order.filter((other) => other !== id) };
}

export function send(event) {
  return { do: "send", event };
}

/**
 * Silences the reply; once the player has reported what was heard and that was sent, performs the effects `then`.
 * `cancel`: also ask the server to cancel (at a barge-in it has done so by itself).
 */
export function interrupt(state, then = [], cancel = true) {
  const cancelling = cancel && state.response !== null ? [send(protocol.cancelResponse())] : [];
  const next = { ...state, dropped: state.response ?? state.dropped, response: null };
  if (state.playing === null && !state.stopping) return [next, [...cancelling, ...then]];
  const stop = state.stopping ? [] : [{ do: "stopPlay" }];
  return [{ ...next, stopping: true, afterStop: [...state.afterStop, ...then] }, [...cancelling, ...stop]];
}

function onSessionCreated(state, _event, now) {
  const live = { ...state, phase: "live", attempt: 0, refusal: null, retryAt: null, startedAt: state.startedAt ?? now };
  const update = protocol.sessionUpdate({ voice: state.voice, pushToTalk: state.push || state.microphone === "none" });
  return [withNotice(live, "server", null), [send(update)]];
}

/**
 * While a reply is spoken its words come with its sound. An item that is announced once more, after a lost
 * connection, has the server's words: what was on its way when the line broke never arrived.
 */
function onItem(state, { type, item, previous_item_id }) {
  if (item.type !== "message" || item.role === "system") return [state, []];
  const known = state.items[item.id];
  if (known?.track && (type === "conversation.item.done" || state.playing === item.id)) return [state, []];
  const words = protocol.textOf(item) || known?.text || "";
  const pending = item.role === "user" && !words && item.content.length > 0;
  return [withItem(state, { id: item.id, role: item.role, text: words, track: undefined, pending }, previous_item_id), []];
}

function onSpeechStarted(state, { item_id }) {
  const heard = withNotice({ ...state, hearing: true, thinking: false }, "turn", null);
  const shown = withItem(heard, { id: item_id, role: "user", text: "", pending: true });
  return interrupt(shown, [], false);
}

function onTranscriptDelta(state, { item_id, delta }) {
  const text = (state.items[item_id]?.text ?? "") + delta;
  return [withItem(state, { id: item_id, role: "user", text, pending: true }), []];
}

function onTranscript(state, { item_id, transcript }) {
  const text = transcript.trim();
  if (!text) return [{ ...withoutItem(state, item_id), thinking: state.response !== null }, []];
  return [withItem(state, { id: item_id, role: "user", text, pending: false }), []];
}

function onTranscriptFailed(state, { item_id, error }) {
  const failed = { ...withoutItem(state, item_id), thinking: state.response !== null };
  return [withNotice(failed, "turn", { tone: "error", text: error.message }), []];
}

function onResponseCreated(state, { response }) {
  return [{ ...state, response: response.id, thinking: true }, []];
}

function onReplyText(state, { response_id, item_id, delta, type }) {
  if (response_id === state.dropped) return [state, []];
  const known = state.items[item_id];
  if (type === "response.output_text.delta") {
    const text = (known?.text ?? "") + delta;
    return [withItem({ ...state, thinking: false }, { id: item_id, role: "assistant", text }), []];
  }
  const track = captions.addText(known?.track ?? captions.EMPTY_TRACK, delta);
  return [withItem(state, { id: item_id, role: "assistant", text: "", track, played: known?.played ?? 0 }), []];
}

function onReplyAudio(state, { response_id, item_id, delta }) {
  const known = state.items[item_id];
  if (response_id === state.dropped || !known?.track) return [state, []];
  const track = captions.addAudio(known.track, protocol.samplesIn(delta));
  const next = withItem({ ...state, thinking: false, playing: state.playing ?? item_id }, { id: item_id, track });
  return [next, [{ do: "play", item: item_id, delta }]];
}

function onReplyAudioDone(state, { item_id }) {
  return endReply(state, item_id);
}

/** No more sound will come of it: also when the connection broke in the middle. */
export function endReply(state, id) {
  const known = state.items[id];
  if (!known?.track) return [state, []];
  return [withItem(state, { id, track: captions.endTrack(known.track) }), [{ do: "endPlay", item: id }]];
}

function onResponseDone(state, { response }) {
  const isCurrent = state.response === response.id;
  const next = isCurrent ? { ...state, response: null, thinking: false } : state;
  const failure = response.status === "failed" && response.status_details?.error;
  return [failure ? withNotice(next, "turn", { tone: "error", text: failure.message }) : next, []];
}

function onError(state, { error }) {
  if (protocol.isQuiet(error)) return [state, []];
  if (error.code === "input_audio_buffer_commit_empty") {
    const text = "Nothing was heard. Is this the right microphone?";
    return [withNotice({ ...state, thinking: false }, "turn", { tone: "info", text }), []];
  }
  const about = state.phase === "live" ? "turn" : "server";
  const next = { ...state, refusal: error.code, thinking: false };
  return [withNotice(next, about, { tone: "error", text: error.message }), []];
}
