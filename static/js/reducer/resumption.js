/**
 * A session that outlives its connection: what happens when that is lost, and when the session goes on over another one,
 * or does not. Pure; part of the reducer in session.js.
 *
 * While the page is away everything stays as it was: the reply that is played goes on, and what is said or typed waits. If
 * the session is gone all the same, the turn is over, and a new session goes on with the conversation.
 */

import { send, withNotice } from "./state_changes.js";
import { endReply, interrupt } from "./playback.js";
import * as protocol from "../net/protocol.js";
import { onConnectionLost, onListed } from "./outgoing_messages.js";

/** What ends with a session. What is being played goes on: it was received. */
export const NO_TURN = { hearing: false, thinking: false, response: null, tool: null, heldSince: null };

/** @type {ServerHandler<"session.resumption">} */
export function onResumption(state, { token }) {
  return [{ ...state, resumption: token }, []];
}

/**
 * Return the state of a session that is over.
 * @type {(state: State) => Step}
 */
export function endTurn(state) {
  return endSound({ ...onConnectionLost(state), ...NO_TURN, resumption: null, isResuming: false });
}

/**
 * Play what was received to its end, unless somebody was about to interrupt it: no verdict will come any more.
 * @type {(state: State) => Step}
 */
function endSound(state) {
  return state.paused === null ? endReply(state, state.playing) : interrupt(state);
}

/**
 * Go on as if nothing had been. What was sent meanwhile is on its way already.
 * @type {ServerHandler<"session.resumed">}
 */
export function onResumed(state, _event, now) {
  const heard = withNotice(withNotice(state, "server", null), "network", null);
  /** @type {State} */
  const live = { ...heard, phase: "live", endLabel: "", attempt: 0, refusal: null, retryAt: null, isResuming: false };
  // What was chosen meanwhile, and how far the reply has come: the server took it to be played without a pause.
  const told = [send(protocol.confirmSettings(live)), ...reportPlayback(live)];
  if (live.unsent.length === 0) return [live, told];
  const [sent, sending] = onListed({ ...live, listed: false, owed: false }, now);
  const [next, effects] = interrupt(sent, sending);
  return [next, [...told, ...effects]];
}

/** @type {(state: State) => Effect[]} */
function reportPlayback({ playing, paused, items }) {
  const known = playing === null ? undefined : items[playing];
  if (!known?.track || known.aloud || paused !== null) return [];
  return [send(protocol.buildPlaybackStarted(known.response, known.played))];
}
