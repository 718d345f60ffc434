/** What becomes of a call with its connection: made, lost, made again, refused, ended. Pure; part of the reducer in session.js. */

import { withNotice } from "./changes.js";
import { endReply, interrupt } from "./playback.js";
import { backoffMs } from "./socket.js";
import { NO_TURN } from "./turns.js";

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

export function isInCall(state) {
  return CALL_PHASES.includes(state.phase);
}

export function connect(state, now, delayMs = 0) {
  const phase = state.startedAt === null ? "connecting" : "reconnecting";
  return [{ ...state, phase, retryAt: now + delayMs }, [{ do: "connect", delayMs }]];
}

/** Ends the call, but lets the server know first how much of the reply was heard. */
export function leave(state, phase) {
  const last = [{ do: "disconnect" }, { do: "release" }];
  const [next, effects] = interrupt({ ...state, ...NO_TURN, response: state.response, phase, retryAt: null }, last);
  return [next, effects];
}

export function onOffline(state) {
  const text = "This device is offline. The conversation goes on when the network is back.";
  const effects = state.phase === "live" ? [{ do: "probe" }] : [];
  return [withNotice(state, "network", { tone: "info", text }), effects];
}

export function onOnline(state, _event, now) {
  const next = withNotice(state, "network", null);
  if (state.phase === "reconnecting" || state.phase === "connecting") return connect(next, now);
  return [next, state.phase === "live" ? [{ do: "probe" }] : []];
}

export function onSocketClosed(state, event, now) {
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
