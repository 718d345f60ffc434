/** What the server's events do to the session. Pure; part of the reducer in session.js. */

import { isAloud, onAloudText } from "./read_aloud.js";
import * as captions from "./captions.js";
import { send, withItem, withNotice, withoutItem } from "./state_changes.js";
import { awaitVerdict, endReply, silencePausedReply, performOnceSilent, onCleared, pause, resume } from "./playback.js";
import * as protocol from "../net/protocol.js";
import { offerRetry, onRetryRefused } from "./transcription_retry.js";
import { markAcknowledged, onConnected, onListed, onRefusedMessage } from "./outgoing_messages.js";
import { endTurn, onResumed, onResumption } from "./resumption.js";
import { isJudgedByPage, onOwnDelta, onOwnSpeech, onOwnSpeechEnd, onOwnTranscript } from "./recognised_words.js";

/** @type {(state: State, event: ServerEvent, now: number) => Step} */
export function onServerEvent(state, event, now) {
  const handler = /** @type {Handler | undefined} */ (HANDLERS[event.type]);
  return handler ? handler(state, event, now) : [state, []];
}

/** @typedef {(state: State, event: ServerEvent, now: number) => Step} Handler */

/** @type {{ [Type in ServerEvent["type"]]: ServerHandler<Type> }} */
const HANDLERS = {
  "session.created": onSessionCreated,
  "session.updated": (state, _event, now) => onListed(state, now),
  "session.storage": onStorage,
  "session.resumption": onResumption,
  "session.resumed": onResumed,
  "conversation.created": (state, { conversation }) => [{ ...state, conversation: conversation.id }, []],
  "conversation.item.added": onItem,
  "conversation.item.done": onItem,
  "conversation.item.deleted": (state, { item_id }) => [withoutItem(state, item_id), []],
  "conversation.item.input_audio_transcription.delta": onTranscriptDelta,
  "conversation.item.input_audio_transcription.completed": onTranscript,
  "conversation.item.input_audio_transcription.failed": onTranscriptFailed,
  "input_audio_buffer.speech_started": onSpeechStarted,
  "input_audio_buffer.speech_stopped": onSpeechStopped,
  "input_audio_buffer.committed": (state) => [{ ...state, hearing: false }, []],
  "output_audio_buffer.started": resume,
  "output_audio_buffer.cleared": onCleared,
  "response.created": onResponseCreated,
  "response.output_item.added": onOutput,
  "response.mcp_call.completed": (state) => [{ ...state, tool: null }, []],
  "response.mcp_call.failed": (state) => [{ ...state, tool: null }, []],
  "response.output_text.delta": onReplyText,
  "response.output_audio_transcript.delta": onReplyText,
  "response.output_audio.delta": onReplyAudio,
  "response.output_text.done": (state, { item_id }) => endReply(state, item_id),
  "response.output_audio.done": (state, { item_id }) => endReply(state, item_id),
  "response.done": onResponseDone,
  "error": onError,
};

/**
 * Begin a session. If the one before could have gone on its turn is over now.
 * @type {ServerHandler<"session.created">}
 */
function onSessionCreated(before, _event, now) {
  const [state, ended] = before.isResuming ? endTurn(before) : /** @type {Step} */ ([before, []]);
  const heard = withNotice(withNotice(state, "server", null), "storage", null);
  /** @type {State} */
  const live = { ...heard, phase: "live", endLabel: "", attempt: 0, refusal: null, retryAt: null, startedAt: state.startedAt ?? now };
  const [next, unsent] = onConnected(live, now);
  return [next, [...ended, send(protocol.buildGreeting(state)), ...unsent]];
}

/**
 * Show that what is said cannot be stored for now and waits, or that it is stored again.
 * @type {ServerHandler<"session.storage">}
 */
function onStorage(state, { status, message }) {
  /** @type {Notice} */
  const notice = { tone: "info", text: message };
  if (status === "delayed") return [withNotice(state, "storage", notice), []];
  return [withNotice(withNotice(state, "storage", null), "turn", notice), []];
}

/**
 * Add or update an item.
 *
 * While a reply is spoken, its words come with its sound. An item that is announced again after a lost connection has
 * the server's words, since what was on its way never arrived.
 * @type {ServerHandler<"conversation.item.added" | "conversation.item.done">}
 */
function onItem(before, { type, item, previous_item_id }) {
  const state = markAcknowledged(before, item.id);
  if (item.type !== "message" || item.role === "system") return [state, []];
  const known = state.items[item.id];
  if (known?.track && (type === "conversation.item.done" || state.playing === item.id)) return [state, []];
  const words = protocol.getText(item) || known?.text || "";
  const isSaid = item.role === "user" && !protocol.getText(item); // and not yet written down
  const pending = isSaid && (known ? Boolean(known.pending) : item.content.some((part) => part.transcript === null));
  return [withItem(state, { id: item.id, role: item.role, text: words, track: undefined, pending }, previous_item_id), []];
}

/** @type {ServerHandler<"input_audio_buffer.speech_started">} */
function onSpeechStarted(state, { item_id }) {
  if (isJudgedByPage(state)) return onOwnSpeech(state, { item_id });
  const heard = withNotice({ ...state, hearing: true, thinking: false, isIgnored: false }, "turn", null);
  const shown = withItem(heard, { id: item_id, role: "user", text: "", pending: true });
  return pause(shown);
}

/** @type {ServerHandler<"input_audio_buffer.speech_stopped">} */
function onSpeechStopped(state, _event, now) {
  if (isJudgedByPage(state)) return onOwnSpeechEnd(state, now);
  const askedAt = state.isIgnored ? state.askedAt : now;
  return awaitVerdict({ ...state, hearing: false, thinking: !state.isIgnored, askedAt });
}

/** @type {ServerHandler<"conversation.item.input_audio_transcription.delta">} */
function onTranscriptDelta(state, { item_id, delta }, now) {
  if (isJudgedByPage(state)) return onOwnDelta(state, { item_id, delta }, now);
  const text = (state.items[item_id]?.text ?? "") + delta;
  return [withItem(state, { id: item_id, role: "user", text, pending: true }), []];
}

/** @type {ServerHandler<"conversation.item.input_audio_transcription.completed">} */
function onTranscript(state, { item_id, transcript }, now) {
  if (isJudgedByPage(state)) return onOwnTranscript(state, { item_id, transcript }, now);
  const text = transcript.trim();
  if (!text) return [{ ...withoutItem(state, item_id), thinking: state.response !== null }, []];
  return [withItem(state, { id: item_id, role: "user", text, pending: false, retry: undefined }), []];
}

/** @type {ServerHandler<"conversation.item.input_audio_transcription.failed">} */
function onTranscriptFailed(state, { item_id, error, can_retry }) {
  const heard = can_retry ? offerRetry(state, item_id) : withoutItem(state, item_id);
  const failed = { ...heard, hearing: false, thinking: state.response !== null };
  return [withNotice(failed, "turn", { tone: "error", text: error.message }), []];
}

/** @type {ServerHandler<"response.created">} */
function onResponseCreated(state, { response }) {
  return [{ ...state, response: response.id, thinking: true, owed: false }, []];
}

/**
 * Show that a tool of the site runs, which may take a while.
 * @type {ServerHandler<"response.output_item.added">}
 */
function onOutput(state, { response_id, item }) {
  const isUsed = item.type === "mcp_call" && response_id === state.response;
  return [isUsed ? { ...state, tool: item.name.replaceAll("_", " ") } : state, []];
}

/** @type {ServerHandler<"response.output_text.delta" | "response.output_audio_transcript.delta">} */
function onReplyText(state, { response_id, item_id, delta, type }) {
  if (response_id === state.dropped) return [state, []];
  const known = state.items[item_id];
  if (type === "response.output_text.delta") {
    if (isAloud(state, item_id)) return onAloudText(state, { response_id, item_id, delta });
    const text = (known?.text ?? "") + delta;
    return [withItem({ ...state, thinking: false }, { id: item_id, role: "assistant", text }), []];
  }
  if (known?.track) return [withItem(state, { id: item_id, track: captions.addText(known.track, delta) }), []];
  const track = captions.addText(captions.EMPTY_TRACK, delta);
  /** @type {ItemChange} */
  const begun = { id: item_id, role: "assistant", text: "", response: response_id, track, played: 0, askedAt: state.askedAt };
  return [withItem({ ...state, askedAt: null }, begun), []];
}

/** @type {ServerHandler<"response.output_audio.delta">} */
function onReplyAudio(state, { response_id, item_id, delta }) {
  const known = state.items[item_id];
  if (response_id === state.dropped || !known?.track) return [state, []];
  const track = captions.addAudio(known.track, protocol.countSamples(delta));
  const [free, stop] = silencePausedReply(state, response_id);
  const next = withItem({ ...free, thinking: false, playing: free.playing ?? item_id }, { id: item_id, track });
  const [given, play] = performOnceSilent(next, { do: "play", item: item_id, delta });
  return [given, [...stop, ...play]];
}

/** @type {ServerHandler<"response.done">} */
function onResponseDone(state, { response }) {
  const isCurrent = state.response === response.id;
  const timed = withTiming(state, response);
  const next = isCurrent ? { ...timed, response: null, tool: null, thinking: false } : timed;
  const failure = response.status === "failed" && response.status_details?.error;
  return [failure ? withNotice(next, "turn", { tone: "error", text: failure.message }) : next, []];
}

/**
 * Keep the times of the turn with the response's first item.
 * @type {(state: State, response: FinishedResponse) => State}
 */
function withTiming(state, { id, timing }) {
  const item = state.order.find((one) => state.items[one].response === id);
  return item && timing ? withItem(state, { id: item, timing }) : state;
}

/** @type {ServerHandler<"error">} */
function onError(state, { error }, now) {
  if (protocol.isQuiet(error)) return [state, []];
  const refused = onRefusedMessage(state, error) ?? onRetryRefused(state, error);
  if (refused !== null) return [refused, []];
  if (protocol.isAboutGreeting(error)) return onListed(withError(state, error), now);
  if (error.code === "input_audio_buffer_commit_empty") {
    const text = "No speech was heard. Is the right microphone selected?";
    return [withNotice({ ...state, thinking: false }, "turn", { tone: "info", text }), []];
  }
  return [withError(state, error), []];
}

/** @type {(state: State, error: ServerError) => State} */
function withError(state, { code, message }) {
  const about = state.phase === "live" ? "turn" : "server";
  return withNotice({ ...state, refusal: code, thinking: false }, about, { tone: "error", text: message });
}
