/**
 * Messages on their way to the server: what was typed, and what the browser's recogniser heard. Pure; part of the
 * reducer in session.js.
 *
 * What is written to a socket may never arrive, as a connection can die silently. So a message is `sending` until the
 * server announces its item. After a lost connection the server first tells what it has. What is missing is sent again,
 * in order and with the same ids, so that nothing arrives twice, and a missing reply is requested again. What cannot be
 * sent is `unsent`, and can be sent again by hand.
 */

import { send, withItem, withNotice, withoutItem } from "./state_changes.js";
import { interrupt } from "./playback.js";
import * as protocol from "../net/protocol.js";
import { withoutRetries } from "./transcription_retry.js";

/** @type {Notice} */
const LOST_WORDS = { tone: "info", text: "The connection broke while you were speaking. Please say that again." };

/**
 * Send words of the user, typed or spoken, and request a reply.
 * @type {(state: State, id: string, text: string, now: number) => Step}
 */
export function say(state, id, text, now) {
  const pending = state.phase !== "live";
  const shown = withItem(withNotice(state, "turn", null), { id, role: "user", text, pending, delivery: "sending" });
  if (pending || !shown.listed) return [{ ...shown, unsent: [...shown.unsent, id] }, []];
  const [next, effects] = interrupt(shown, [sendItem(shown, id), send(protocol.createResponse())]);
  return [expectReply(withItem(next, { id, isTried: true }), now), effects];
}

/**
 * Send a message again, as the latest one.
 * @type {EventHandler<"resend">}
 */
export function onResend(state, { id }, now) {
  const item = state.items[id];
  return item?.delivery === "unsent" ? say(withoutItem(state, id), id, item.text, now) : [state, []];
}

/**
 * Return whether the server does not know of the item yet.
 * @type {(item: TalkItem) => boolean}
 */
export function isUnacknowledged({ pending, delivery }) {
  return Boolean(pending) || delivery !== undefined;
}

/**
 * Return what would be lost if the page were closed now.
 * @type {(state: State) => string[]}
 */
export function listUndelivered({ order, items }) {
  return order.filter((id) => items[id].delivery !== undefined);
}

/**
 * Mark what was written to the lost connection lately, since it may not have arrived.
 * @type {(before: State) => State}
 */
export function onConnectionLost(before) {
  const state = withoutRetries(before);
  const unsent = state.order.filter((id) => state.items[id].delivery === "sending");
  /** @type {(item: TalkItem) => boolean | undefined} */
  const isHeardThere = ({ pending, delivery }) => pending && delivery === undefined && state.listen === "site";
  const spoken = state.order.filter((id) => isHeardThere(state.items[id]));
  const doubted = spoken.reduce((rest, id) => withItem(rest, { id, isDoubted: true }), state);
  return { ...doubted, unsent, listed: false, owed: state.owed || state.thinking };
}

/**
 * Send what is missing. What may have arrived before the connection was lost waits until the server has told what it
 * has.
 * @type {(state: State, now: number) => Step}
 */
export function onConnected(state, now) {
  const { order, items, owed, unsent } = state;
  const mayBeThere = owed || unsent.some((id) => items[id].isTried) || order.some((id) => items[id].isDoubted);
  return mayBeThere ? [state, []] : onListed(state, now);
}

/**
 * Go on when the server has told what it has of the conversation.
 * @type {(state: State, now: number) => Step}
 */
export function onListed(state, now) {
  if (state.listed) return [state, []];
  const known = removeDoubted({ ...state, listed: true, owed: false, unsent: [] });
  const { unsent } = state;
  if (unsent.length === 0 && !(state.owed && isUnanswered(known))) return [known, []];
  const sent = unsent.reduce((rest, id) => withItem(rest, { id, isTried: true }), known);
  return [expectReply(sent, now), [...unsent.map((id) => sendItem(known, id)), send(protocol.createResponse())]];
}

/**
 * Return the state in which the server has the item.
 * @type {(state: State, id: string) => State}
 */
export function markAcknowledged(state, id) {
  const known = state.items[id];
  if (!known || (known.delivery === undefined && !known.isDoubted)) return state;
  const unsent = state.unsent.filter((one) => one !== id);
  return withItem({ ...state, unsent }, { id, delivery: undefined, isDoubted: false });
}

/**
 * Handle the server's error about a message. Return null if it is about something else.
 * @type {(state: State, error: ServerError) => State | null}
 */
export function onRefusedMessage(state, { event_id, code, message }) {
  if (!event_id || state.items[event_id]?.delivery !== "sending") return null;
  if (code === "item_create_duplicate_item_id") return markAcknowledged(state, event_id);
  const refused = withItem({ ...state, thinking: state.response !== null }, { id: event_id, delivery: "unsent" });
  return withNotice(refused, "turn", { tone: "error", text: message });
}

/**
 * Mark what could not be sent when the call is over.
 * @type {(state: State) => State}
 */
export function giveUpSending(state) {
  const given = listUndelivered(state).reduce((rest, id) => withItem(rest, { id, delivery: "unsent", pending: false }), state);
  return { ...given, unsent: [], owed: false };
}

/**
 * Return the state in which the user waits for a reply.
 * @type {(state: State, now: number) => State}
 */
function expectReply(state, now) {
  return { ...state, thinking: true, askedAt: now, owed: true };
}

/** @type {(state: State, id: string) => SendEffect} */
function sendItem({ items }, id) {
  return send(protocol.buildTypedItem(id, items[id].text));
}

/**
 * Return whether the last words of the conversation are the user's.
 * @type {(state: State) => boolean}
 */
function isUnanswered({ order, items }) {
  const last = order.findLast((id) => items[id].text || items[id].track);
  return last !== undefined && items[last].role === "user" && !isUnacknowledged(items[last]);
}

/**
 * Return the state without speech that was under way when the connection was lost, and that the server did not get.
 * @type {(state: State) => State}
 */
function removeDoubted(state) {
  const lost = state.order.filter((id) => state.items[id].isDoubted);
  const next = lost.reduce(withoutItem, state);
  return lost.length > 0 ? withNotice(next, "turn", LOST_WORDS) : next;
}
