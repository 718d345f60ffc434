/**
 * The session as the page knows it: a pure reducer. `reduce(state, event, now)` returns [state, effects].
 *
 * Events: what the person does, and what the microphone, the player, the network and the socket report.
 * Effects, performed by call.js: {do: "connect", delayMs}, "disconnect", "probe", {"send", event}, {"play", item, delta},
 * {"say", item, text}, {"endPlay", item}, "pausePlay", "resumePlay", "stopPlay", {"awaitVerdict", delayMs}, "openInput",
 * "release". Times are in ms, audio in samples at the wire's 24 kHz.
 */

import { onClause, onSpeak, onSpeakerFailed } from "./read_aloud.js";
import { send, withNotice } from "./state_changes.js";
import { connect, isInCall, leave, onOffline, onOnline, onSocketClosed } from "./connection.js";
import { interrupt, onFinished, onProgress, onStopped, resume } from "./playback.js";
import * as protocol from "../net/protocol.js";
import { onRetry } from "./transcription_retry.js";
import { onConnectionLost, onResend, say, listUndelivered } from "./outgoing_messages.js";
import { onServerEvent } from "./turns.js";
import { NO_TURN } from "./resumption.js";
import { onUtterance, onWords } from "./recognised_words.js";

const SHORTEST_PUSH_MS = 200;

const NO_WORDS = { backchannels: new Set(), commands: new Set() };

/**
 * Arguments: the assistant's slug, the voice's id ("" for the assistant's own), the conversation's id to continue; who
 * listens and who speaks: the "site" or the "browser"; the words that are backchannels and commands.
 * @type {(options: SessionOptions) => State}
 */
export function buildInitialState({
  assistant, voice = "", conversation = null, patience = "", listen = "site", speak = "site", vocabulary = NO_WORDS,
}) {
  return {
    phase: "idle", // idle, asking (for the microphone), connecting, live, reconnecting, busy, ended, failed
    assistant,
    voice,
    conversation,
    listen,
    speak,
    vocabulary, // {backchannels, commands}: Sets
    microphone: "off", // off, on, lost (it was there), none (typing only)
    muted: false,
    push: false, // push-to-talk
    patience, // "" (as usual: by the settings, or the assistant's own), quick, balanced, patient
    heldSince: null,
    hearing: false,
    thinking: false,
    isIgnored: false, // what is being said, or was just said, does not concern the assistant
    response: null, // the id of the one that runs
    tool: null, // the name of what it uses right now
    dropped: null, // the id of one that was interrupted: what of it is still on its way is not played
    playing: null, // the item whose audio is queued or played
    paused: null, // the id of the response that waits, amid its sound or before it, for the server's verdict
    stopping: false, // the player was told to stop and has not reported yet
    afterStop: [], // effects to perform once it has, and the truncation is sent
    silent: null, // {item, at}: what sounded last, and until when
    over: null, // {id, item, from}: the utterance that the page judges, and from which word of which reply on
    unsent: [], // the ids of messages that wait for a connection
    listed: false, // the server has told what it has of the conversation, on this connection
    owed: false, // a reply was asked for, and none has begun
    // By id: {id, role, text, pending}; a message of the page's own has {delivery}: "sending", "unsent", or undefined once the
    // server has it; an utterance that was not understood has {retry}; a spoken reply also has {response, track, played, cut, askedAt, heardAt, timing}, and {aloud} where
    // the browser speaks it.
    items: {},
    askedAt: null, // when the person had finished, until the reply comes
    askedBefore: null, // the same as it was before the speech that paused the reply
    order: [],
    notices: {}, // by what they are about: {tone, text, action}
    refusal: null, // the code of the server's last error, which explains a close that follows
    endLabel: "", // what the status says of a call that failed or waits; "" for the usual words
    attempt: 0, // to connect again
    retryAt: null,
    resumption: null, // the token by which the session can go on over another connection
    isResuming: false, // the connection is lost, and all else stays as it was
    startedAt: null,
  };
}

/** @type {(state: State, event: SessionEvent, now: number) => Step} */
export function reduce(state, event, now) {
  if (event.type === "server") return onServerEvent(state, event.event, now);
  const handler = /** @type {Handler | undefined} */ (HANDLERS[event.type]);
  if (!handler) throw new Error(`The session knows no event ${event.type}`);
  return handler(state, event, now);
}

/** @typedef {(state: State, event: SessionEvent, now: number) => Step} Handler */

/** @type {{ [Type in Exclude<SessionEvent["type"], "server">]: EventHandler<Type> }} */
const HANDLERS = {
  "start": onStart,
  "start.typing": (state, _event, now) => connect({ ...state, microphone: "none" }, now),
  "microphone.ready": onMicrophoneReady,
  "microphone.failed": onMicrophoneFailed,
  "listen": onListen,
  "listener.failed": onListenerFailed,
  "words": onWords,
  "utterance": onUtterance,
  "speak": onSpeak,
  "speaker.failed": onSpeakerFailed,
  "choose": onChoose,
  "mute": (state, { on }) => [{ ...state, muted: on }, []],
  "push": onPush,
  "patience": onPatience,
  "hold": onHold,
  "let.go": onLetGo,
  "text": onText,
  "resend": onResend,
  "transcribe.again": onRetry,
  "hang.up": (state) => leave(state, "ended"),
  "retry": (state, _event, now) => connect(state, now),
  "notice": (state, { about, notice }) => [withNotice(state, about, notice), []],
  "network.offline": onOffline,
  "network.online": onOnline,
  "socket.closed": onSocketClosed,
  "playback.clause": onClause,
  "playback.progress": onProgress,
  "playback.finished": onFinished,
  "playback.stopped": onStopped,
  "verdict.overdue": resume,
};

/**
 * Also once more: what is known of the conversation stays; if that is gone, what never came to be a part of it.
 * @type {EventHandler<"start">}
 */
function onStart(state) {
  const order = state.conversation === null ? listUndelivered(state) : state.order;
  const items = Object.fromEntries(order.map((id) => [id, state.items[id]]));
  const unsent = order.filter((id) => items[id].delivery === "sending");
  return [{ ...buildInitialState(state), phase: "asking", push: state.push, items, order, unsent }, []];
}

/** @type {EventHandler<"microphone.ready">} */
function onMicrophoneReady(state, _event, now) {
  const next = withNotice({ ...state, microphone: "on" }, "microphone", null);
  if (state.phase === "asking") return connect(next, now);
  return [next, state.phase === "live" ? [send(protocol.buildTurnDetection(next))] : []];
}

/** @type {EventHandler<"microphone.failed">} */
function onMicrophoneFailed(state, { notice }) {
  const next = withNotice(state, "microphone", notice);
  if (state.phase === "asking") return [{ ...next, phase: "idle" }, []];
  return [{ ...next, microphone: state.microphone === "on" ? "lost" : state.microphone }, []];
}

/**
 * “Listen with …”
 * @type {EventHandler<"listen">}
 */
function onListen(state, { by }) {
  const next = withNotice({ ...state, listen: by, hearing: false, heldSince: null }, "listening", null);
  return [next, isInCall(state) && state.microphone !== "none" ? [{ do: "openInput" }] : []];
}

/**
 * The browser hears nothing: the site's speech to text takes over, at once.
 * @type {EventHandler<"listener.failed">}
 */
function onListenerFailed(state, { notice }) {
  const next = withNotice({ ...state, listen: "site" }, "listening", notice);
  return [next, state.phase === "asking" || isInCall(state) ? [{ do: "openInput" }] : []];
}

/**
 * Another voice or assistant. A session that has spoken keeps its own, so a live one is opened anew.
 * @type {EventHandler<"choose">}
 */
function onChoose(state, { assistant, voice }, now) {
  if (state.phase !== "live") return [{ ...state, assistant, voice, resumption: null }, []];
  const next = onConnectionLost({ ...state, assistant, voice, resumption: null });
  const [reopening, reconnection] = connect({ ...next, ...NO_TURN }, now);
  const [interrupted, effects] = interrupt(next, [{ do: "disconnect" }, ...reconnection]);
  return [{ ...interrupted, ...NO_TURN, phase: reopening.phase }, effects];
}

/**
 * Speech under way is forgotten, so it interrupts nothing.
 * @type {EventHandler<"push">}
 */
function onPush(state, { on }) {
  const [next, effects] = resume({ ...state, push: on, muted: false, heldSince: null, hearing: false });
  const told = [send(protocol.clearInput()), send(protocol.buildTurnDetection(next))];
  return [next, state.phase === "live" ? [...effects, ...told] : effects];
}

/** @type {EventHandler<"patience">} */
function onPatience(state, { patience }) {
  const next = { ...state, patience };
  return [next, state.phase === "live" ? [send(protocol.buildTurnDetection(next))] : []];
}

/** @type {EventHandler<"hold">} */
function onHold(state, _event, now) {
  const canSpeak = state.phase === "live" && state.push && state.microphone === "on";
  if (!canSpeak || state.heldSince !== null) return [state, []];
  const held = withNotice({ ...state, heldSince: now, muted: false, thinking: false }, "turn", null);
  const [next, effects] = interrupt(held);
  return [next, state.listen === "site" ? [...effects, send(protocol.clearInput())] : effects];
}

/** @type {EventHandler<"let.go">} */
function onLetGo(state, _event, now) {
  if (state.heldSince === null) return [state, []];
  const next = { ...state, heldSince: null, hearing: false };
  if (now - state.heldSince >= SHORTEST_PUSH_MS) {
    const asked = [send(protocol.commitInput()), send(protocol.createResponse())];
    // The browser's recogniser tells the words when it has them; then they are sent.
    return [{ ...next, thinking: true, askedAt: now }, state.listen === "site" ? asked : []];
  }
  const text = "Hold the button or the space bar while you speak.";
  const cleared = state.listen === "site" ? [send(protocol.clearInput())] : [];
  return [withNotice(next, "turn", { tone: "info", text }), cleared];
}

/**
 * Also while the connection is made again.
 * @type {EventHandler<"text">}
 */
function onText(state, { id, text }, now) {
  return isInCall(state) && state.startedAt !== null ? say(state, id, text, now) : [state, []];
}
