/**
 * The session as the page knows it: a pure reducer. `reduce(state, event, now)` returns [state, effects].
 *
 * Events: what the person does, and what the microphone, the player, the network and the socket report.
 * Effects, performed by call.js: {do: "connect", delayMs}, "disconnect", "probe", {"send", event}, {"play", item, delta},
 * {"endPlay", item}, "pausePlay", "resumePlay", "stopPlay", {"awaitVerdict", delayMs}, "release". Times are in ms, audio in
 * samples at the wire's 24 kHz.
 */

import { send, withItem, withNotice } from "./changes.js";
import { endReply, interrupt, onFinished, onProgress, onStopped, resume } from "./playback.js";
import * as protocol from "./protocol.js";
import { backoffMs } from "./socket.js";
import { NO_TURN, onServerEvent } from "./turns.js";

const SHORTEST_PUSH_MS = 200;
const BUSY_RETRY_MS = 10000;
/** Errors after which connecting again would only fail again. */
const FINAL_CODES = new Set([
  "invalid_api_key",
  "insufficient_quota",
  "account_deactivated",
  "billing_hard_limit_reached",
  "credit_balance_exhausted",
]);
const CALL_PHASES = ["connecting", "live", "reconnecting", "busy"];

/** Arguments: the assistant's slug, the voice's id ("" for the assistant's own), the conversation's id to continue. */
export function initialState({ assistant, voice = "", conversation = null, patience = "" }) {
  return {
    phase: "idle", // idle, asking (for the microphone), connecting, live, reconnecting, busy, ended, failed
    assistant,
    voice,
    conversation,
    microphone: "off", // off, on, lost (it was there), none (typing only)
    muted: false,
    push: false, // push-to-talk
    patience, // "" (as usual: by the settings, or the assistant's own), quick, balanced, patient
    heldSince: null,
    hearing: false,
    thinking: false,
    aside: false, // what is being said, or was just said, does not concern the assistant
    response: null, // the id of the one that runs
    dropped: null, // the id of one that was interrupted: what of it is still on its way is not played
    playing: null, // the item whose audio is queued or played
    paused: null, // the id of the response that waits, amid its sound or before it, for the server's verdict
    stopping: false, // the player was told to stop and has not reported yet
    afterStop: [], // effects to perform once it has, and the truncation is sent
    items: {}, // by id: {id, role, text, pending}; a spoken reply also has {response, track, played, cut, askedAt, heardAt, timing}
    askedAt: null, // when the person had finished, until the reply comes
    askedBefore: null, // the same as it was before the speech that paused the reply
    order: [],
    notices: {}, // by what they are about: {tone, text, action}
    refusal: null, // the code of the server's last error, which explains a close that follows
    attempt: 0, // to connect again
    retryAt: null,
    startedAt: null,
  };
}

export function reduce(state, event, now) {
  if (event.type === "server") return onServerEvent(state, event.event, now);
  const handler = HANDLERS[event.type];
  if (!handler) throw new Error(`The session knows no event ${event.type}`);
  return handler(state, event, now);
}

const HANDLERS = {
  "start": onStart,
  "start.typing": (state, _event, now) => connect({ ...state, microphone: "none" }, now),
  "microphone.ready": onMicrophoneReady,
  "microphone.failed": onMicrophoneFailed,
  "choose": onChoose,
  "mute": (state, { on }) => [{ ...state, muted: on }, []],
  "push": onPush,
  "patience": onPatience,
  "hold": onHold,
  "let.go": onLetGo,
  "text": onText,
  "hang.up": (state) => leave(state, "ended"),
  "retry": (state, _event, now) => connect(state, now),
  "notice": (state, { about, notice }) => [withNotice(state, about, notice), []],
  "network.offline": onOffline,
  "network.online": onOnline,
  "socket.closed": onSocketClosed,
  "playback.progress": onProgress,
  "playback.finished": onFinished,
  "playback.stopped": onStopped,
  "verdict.overdue": resume,
};

export function isInCall(state) {
  return CALL_PHASES.includes(state.phase);
}

/** Also once more: what is known of the conversation stays. */
function onStart(state) {
  const { assistant, voice, conversation, patience, push, items, order } = state;
  return [{ ...initialState({ assistant, voice, conversation, patience }), phase: "asking", push, items, order }, []];
}

function connect(state, now, delayMs = 0) {
  const phase = state.startedAt === null ? "connecting" : "reconnecting";
  return [{ ...state, phase, retryAt: now + delayMs }, [{ do: "connect", delayMs }]];
}

function onMicrophoneReady(state, _event, now) {
  const next = withNotice({ ...state, microphone: "on" }, "microphone", null);
  if (state.phase === "asking") return connect(next, now);
  const wasTyping = state.microphone === "none" && state.phase === "live";
  return [next, wasTyping ? [send(protocol.turnDetection(next))] : []];
}

function onMicrophoneFailed(state, { notice }) {
  const next = withNotice(state, "microphone", notice);
  if (state.phase === "asking") return [{ ...next, phase: "idle" }, []];
  return [{ ...next, microphone: state.microphone === "on" ? "lost" : state.microphone }, []];
}

/** Another voice or assistant. A session that has spoken keeps its own, so a live one is opened anew. */
function onChoose(state, { assistant, voice }, now) {
  const next = { ...state, assistant, voice };
  if (state.phase !== "live") return [next, []];
  const [reopening, reconnection] = connect({ ...next, ...NO_TURN }, now);
  const [interrupted, effects] = interrupt(next, [{ do: "disconnect" }, ...reconnection]);
  return [{ ...interrupted, ...NO_TURN, phase: reopening.phase }, effects];
}

/** Speech under way is forgotten, so it interrupts nothing. */
function onPush(state, { on }) {
  const [next, effects] = resume({ ...state, push: on, muted: false, heldSince: null, hearing: false });
  const told = [send(protocol.clearInput()), send(protocol.turnDetection(next))];
  return [next, state.phase === "live" ? [...effects, ...told] : effects];
}

function onPatience(state, { patience }) {
  const next = { ...state, patience };
  return [next, state.phase === "live" ? [send(protocol.turnDetection(next))] : []];
}

function onHold(state, _event, now) {
  const canSpeak = state.phase === "live" && state.push && state.microphone === "on";
  if (!canSpeak || state.heldSince !== null) return [state, []];
  const held = withNotice({ ...state, heldSince: now, muted: false, thinking: false }, "turn", null);
  const [next, effects] = interrupt(held);
  return [next, [...effects, send(protocol.clearInput())]];
}

function onLetGo(state, _event, now) {
  if (state.heldSince === null) return [state, []];
  const next = { ...state, heldSince: null };
  if (now - state.heldSince >= SHORTEST_PUSH_MS) {
    return [{ ...next, thinking: true, askedAt: now }, [send(protocol.commitInput()), send(protocol.createResponse())]];
  }
  const text = "Hold the button, or the space bar, for as long as you speak.";
  return [withNotice(next, "turn", { tone: "info", text }), [send(protocol.clearInput())]];
}

function onText(state, { id, text }, now) {
  if (state.phase !== "live") return [state, []];
  const shown = withItem(withNotice(state, "turn", null), { id, role: "user", text });
  const [next, effects] = interrupt(shown, [send(protocol.typedItem(id, text)), send(protocol.createResponse())]);
  return [{ ...next, thinking: true, askedAt: now }, effects];
}

/** Ends the call, but lets the server know first how much of the reply was heard. */
function leave(state, phase) {
  const last = [{ do: "disconnect" }, { do: "release" }];
  const [next, effects] = interrupt({ ...state, ...NO_TURN, response: state.response, phase, retryAt: null }, last);
  return [next, effects];
}

function onOffline(state) {
  const text = "This device is offline. The conversation goes on when the network is back.";
  const effects = state.phase === "live" ? [{ do: "probe" }] : [];
  return [withNotice(state, "network", { tone: "info", text }), effects];
}

function onOnline(state, _event, now) {
  const next = withNotice(state, "network", null);
  if (state.phase === "reconnecting" || state.phase === "connecting") return connect(next, now);
  return [next, state.phase === "live" ? [{ do: "probe" }] : []];
}

function onSocketClosed(state, event, now) {
  if (!isInCall(state)) return [state, []];
  const [closed, effects] = endSound({ ...state, ...NO_TURN });
  const [next, more] = afterClose(closed, event, now);
  return [next, [...effects, ...more]];
}

/** What was received is played to its end, unless somebody was about to interrupt it: no verdict comes any more. */
function endSound(state) {
  return state.paused === null ? endReply(state, state.playing) : interrupt(state);
}

function afterClose(state, { code, random }, now) {
  if (code === 1000) return leave(state, "ended");
  if (state.refusal === "session_expired") return connect(state, now);
  // The server keeps no conversation in which nothing was said.
  if (state.refusal === "not_found" && isEmpty(state)) return connect({ ...state, conversation: null }, now);
  if (FINAL_CODES.has(state.refusal) || code === 1008 || code >= 4000) return onRefused(state);
  if (code === 1013) return onBusy(state, random, now);
  const attempt = state.attempt + 1;
  const notice = { tone: "error", text: "The server does not answer. It is tried again and again." };
  const unseen = state.startedAt === null ? withNotice(state, "server", notice) : state;
  return connect({ ...unseen, attempt }, now, backoffMs(attempt, random));
}

function isEmpty({ startedAt, order, items }) {
  return startedAt !== null && order.every((id) => items[id].pending);
}

function onRefused(state) {
  const text = "The server ended the conversation and does not take it up again.";
  const said = state.notices.server ?? state.notices.turn ?? { tone: "error", text };
  const notice = state.refusal === "invalid_api_key" ? { ...said, action: "again" } : said; // which asks to sign in
  return leave(withNotice(state, "server", notice), "failed");
}

function onBusy(state, random, now) {
  const text = state.notices.server?.text ?? "The server is busy with other conversations.";
  const notice = { tone: "error", text, action: "retry" };
  const [waiting, effects] = connect(withNotice(state, "server", notice), now, BUSY_RETRY_MS * (1 + random / 2));
  return [{ ...waiting, phase: "busy" }, effects];
}
