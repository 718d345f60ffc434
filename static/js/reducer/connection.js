/**
 * What happens to a call when its connection is made, lost, made again, refused or ended. Pure; part of the reducer in
 * session.js.
 */

import { withNotice } from "./state_changes.js";
import { explainClose } from "../net/close_codes.js";
import { interrupt } from "./playback.js";
import { giveUpSending, isUnacknowledged } from "./outgoing_messages.js";
import { chooseBackoffMs } from "../net/socket.js";
import { endTurn, NO_TURN } from "./resumption.js";

const BUSY_RETRY_MS = 10000;
const LONGEST_BUSY_MS = 60000;
const CALL_PHASES = ["connecting", "live", "reconnecting", "busy"];

/** @type {(state: { phase: Phase }) => boolean} */
export function isInCall(state) {
  return CALL_PHASES.includes(state.phase);
}

/** @type {(state: State, now: number, delayMs?: number) => Step} */
export function connect(state, now, delayMs = 0) {
  const phase = state.startedAt === null ? "connecting" : "reconnecting";
  return [{ ...state, phase, retryAt: now + delayMs }, [{ do: "connect", delayMs }]];
}

/**
 * End the call, but tell the server first how much of the reply was heard.
 * @type {(state: State, phase: Phase) => Step}
 */
export function leave(state, phase) {
  /** @type {Effect[]} */
  const last = [{ do: "disconnect" }, { do: "release" }];
  const over = { ...NO_TURN, response: state.response, resumption: null, isResuming: false };
  const left = giveUpSending({ ...state, ...over, phase, retryAt: null });
  return interrupt(left, last);
}

/** @type {EventHandler<"network.offline">} */
export function onOffline(state) {
  const text = "This device is offline. The conversation continues once the network is back.";
  /** @type {Effect[]} */
  const effects = state.phase === "live" ? [{ do: "probe" }] : [];
  return [withNotice(state, "network", { tone: "info", text }), effects];
}

/** @type {EventHandler<"network.online">} */
export function onOnline(state, _event, now) {
  const next = withNotice(state, "network", null);
  if (state.phase === "reconnecting" || state.phase === "connecting") return connect(next, now);
  return [next, state.phase === "live" ? [{ do: "probe" }] : []];
}

/** @type {EventHandler<"socket.closed">} */
export function onSocketClosed(state, event, now) {
  if (!isInCall(state)) return [state, []];
  const mayResume = state.resumption !== null && explainClose(state.refusal, event.code).way === "retry";
  if (mayResume) return afterClose({ ...state, isResuming: true }, event, now);
  const [closed, effects] = endTurn(state);
  const [next, more] = afterClose(closed, event, now);
  return [next, [...effects, ...more]];
}

/** @type {EventHandler<"socket.closed">} */
function afterClose(before, { code, random }, now) {
  const { way, label, notice } = explainClose(before.refusal, code);
  const isExplained = notice !== undefined || way === "now";
  const state = isExplained ? withNotice(before, "turn", null) : before; // there it stood in the server's words
  const attempt = state.attempt + 1;
  switch (way) {
    case "ended": return leave(state, "ended");
    case "now": return connect(state, now);
    case "gone": return onGone(state, label, notice, now);
    case "over": return onOver(state, label, notice);
    case "wait": return onBusy({ ...state, attempt, endLabel: label ?? "" }, random, now);
    default: return connect({ ...withRetryNotice(state, notice), attempt }, now, chooseBackoffMs(attempt, random));
  }
}

/** @type {(state: State, notice: Notice | undefined) => State} */
function withRetryNotice(state, notice) {
  /** @type {Notice} */
  const silent = { tone: "error", text: "The server is not answering. This page keeps trying." };
  if (notice) return withNotice(state, "server", notice);
  return state.startedAt === null ? withNotice(state, "server", silent) : state;
}

/**
 * Begin another conversation with what was said, since the server keeps none in which nothing was said.
 * @type {(state: State, label: string | undefined, notice: Notice | undefined, now: number) => Step}
 */
function onGone(state, label, notice, now) {
  const next = { ...state, conversation: null };
  return isEmpty(state) ? connect(next, now) : onOver(next, label, notice);
}

/** @type {(state: State) => boolean} */
function isEmpty({ startedAt, order, items }) {
  return startedAt !== null && order.every((id) => isUnacknowledged(items[id]));
}

/** @type {(state: State, label?: string, notice?: Notice) => Step} */
function onOver(state, label = "", notice = undefined) {
  const text = "The server ended this conversation. You can start a new one.";
  const said = notice ?? state.notices.server ?? state.notices.turn ?? { tone: "error", text };
  return leave(withNotice({ ...state, endLabel: label }, "server", said), "failed");
}

/** @type {(state: State, random: number, now: number) => Step} */
function onBusy(state, random, now) {
  const text = state.notices.server?.text ?? "The server is busy with other conversations.";
  /** @type {Notice} */
  const notice = { tone: "error", text, action: "retry" };
  const longer = Math.min(LONGEST_BUSY_MS, BUSY_RETRY_MS * 1.5 ** (state.attempt - 1));
  const [waiting, effects] = connect(withNotice(state, "server", notice), now, longer * (1 + random / 2));
  return [{ ...waiting, phase: "busy" }, effects];
}
