/**
 * The session as the page knows it: a pure reducer. `reduce(state, event, now)` returns [state, effects].
 *
 * Events: what the person does, what the microphone, the player and the socket report, and {type: "server", event}.
 * Effects, performed by call.js: {do: "connect", delayMs} "disconnect" {"send", event} {"play", item, delta}
 * {"endPlay", item} "stopPlay" "release". Time is in ms, audio in samples at the wire's 24 kHz.
 */

import * as protocol from "./protocol.js";
import { onServerEvent } from "./turns.js";
import { backoffMs } from "./socket.js";

export const PUSH_SHORTEST_MS = 200;

const RETRY_BUSY_MS = 10000;

export function initialState({ assistant, voice, conversation = null }) {
  return {
    phase: "idle", // idle, asking (for the microphone), connecting, live, reconnecting, busy, ending, ended, failed
    assistant,
    voice,
    conversation, // the id to come back to
    microphone: "off", // off, on, none (typing only)
    muted: false,
    push: false, // push-to-talk
    heldSince: null,
    hearing: false,
    thinking: false,
    response: null, // the id of the one that runs
    dropped: null, // a response that was interrupted: what is still on its way is not played
    playing: null, // the item whose audio is queued or played
    played: 0, // samples of it
    pending: [], // client events to send once playback has stopped and was truncated
    items: {},
    order: [],
    notices: {}, // by what they are about: {tone, text, action}
    attempt: 0, // of connecting again
    retryAt: null,
    startedAt: null,
    endedAt: null,
  };
}

export function reduce(state, event, now) {
  if (event.type === "server") return onServerEvent(state, event.event, now);
  const handler = HANDLERS[event.type];
  if (!handler) throw new Error(`The session has no event ${event.type}`);
  return handler(state, event, now);
}

const HANDLERS = {
  "start": (state) => [{ ...state, phase: "asking", notices: {} }, []],
  "microphone.ready": onMicrophoneReady,
  "microphone.failed": onMicrophoneFailed,
  "type.instead": (state, _event, now) => connect({ ...state, microphone: "none", notices: {} }, now),
  "choose": onChoose,
  "mute": (state, { on }) => [{ ...state, muted: on }, []],
  "push": onPush,
  "hold": onHold,
  "release": onRelease,
  "text": onText,
  "hang.up": onHangUp,
  "retry": (state, _event, now) => connect(state, now),
  "notice": (state, { about, notice }) => [withNotice(state, about, notice), []],
  "network.online": (state, _event, now) => (waitsToConnect(state) ? connect(state, now) : [state, []]),
  "socket.closed": onSocketClosed,
  "playback.progress": onProgress,
  "playback.finished": onFinished,
  "playback.stopped": onStopped,
};

export function isInCall(state) {
  return ["connecting", "live", "reconnecting", "busy", "ending"].includes(state.phase);
}

export function withNotice(state, about, notice) {
  const { [about]: _old, ...others } = state.notices;
  return { ...state, notices: notice ? { ...others, [about]: notice } : others };
}

function connect(state, now, delayMs = 0) {
  const phase = state.attempt || state.phase === "live" ? "reconnecting" : "connecting";
  const next = { ...state, phase: state.phase === "busy" && delayMs ? "busy" : phase, retryAt: now + delayMs };
  return [next, [{ do: "connect", delayMs }]];
}

function waitsToConnect(state) {
  return state.retryAt !== null && ["reconnecting", "busy"].includes(state.phase);
}

function onMicrophoneReady(state, _event, now) {
  const next = withNotice({ ...state, microphone: "on" }, "microphone", null);
  return state.phase === "asking" ? connect(next, now) : [next, []];
}

function onMicrophoneFailed(state, { notice }) {
  const next = withNotice(state, "microphone", notice);
  if (state.phase === "asking") return [{ ...next, phase: "idle" }, []];
  return [{ ...next, microphone: "none" }, []];
}

/** Another voice or assistant. Both are fixed once a session has spoken, so a live one is opened anew. */
function onChoose(state, { assistant, voice }, now) {
  const next = { ...state, assistant, voice };
  if (state.phase !== "live") return [next, []];
  const [interrupted, effects] = interrupt(next);
  const [reopened, more] = connect({ ...interrupted, ...NO_TURN }, now);
  return [reopened, [...effects, { do: "disconnect" }, ...more]];
}

/** What ends with a connection. What is played goes on: it was received. */
export const NO_TURN = { hearing: false, thinking: false, response: null, heldSince: null };

function onPush(state, { on }) {
  const next = { ...state, push: on, heldSince: null, hearing: false };
  return [next, state.phase === "live" ? [send(protocol.clearInput()), send(protocol.turnDetection(on))] : []];
}

function onHold(state, _event, now) {
  if (state.phase !== "live" || !state.push || state.heldSince !== null || state.microphone !== "on") return [state, []];
  const [next, effects] = interrupt(withNotice({ ...state, muted: false }, "turn", null));
  return [{ ...next, heldSince: now, thinking: false }, [...effects, send(protocol.clearInput())]];
}

function onRelease(state, _event, now) {
  if (state.heldSince === null) return [state, []];
  const next = { ...state, heldSince: null };
  if (now - state.heldSince < PUSH_SHORTEST_MS) {
    const hint = { tone: "info", text: "Hold the button, or the space bar, for as long as you speak." };
    return [withNotice(next, "turn", hint), [send(protocol.clearInput())]];
  }
  return [{ ...next, thinking: true }, [send(protocol.commitInput()), send(protocol.createResponse())]];
}

function onText(state, { id, text }) {
  if (state.phase !== "live") return [state, []];
  const shown = withItem(withNotice(state, "turn", null), { id, role: "user", text });
  const [next, effects] = interrupt(shown, [protocol.typedItem(id, text), protocol.createResponse()]);
  return [{ ...next, thinking: true }, effects];
}

function onHangUp(state) {
  const [next, effects] = interrupt({ ...state, phase: "ending" }, []);
  return next.stopping ? [next, effects] : end(next, effects);
}

function end(state, effects = []) {
  return [{ ...state, ...NO_TURN, phase: "ended" }, [...effects, { do: "disconnect" }, { do: "release" }]];
}

/** Silences the reply, then truncates it to what was played, then sends `events`. */
export function interrupt(state, events = [], { cancel = true } = {}) {
  const cancels = cancel && state.response ? [send(protocol.cancelResponse())] : [];
  const next = { ...state, dropped: state.response ?? state.dropped, response: null };
  if (state.playing === null) return [next, [...cancels, ...events.map(send)]];
  const pending = [...state.pending, ...events];
  return [{ ...next, pending, stopping: true }, [...cancels, { do: "stopPlay" }]];
}

export function send(event) {
  return { do: "send", event };
}
