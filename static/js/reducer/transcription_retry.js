/**
 * Utterances that speech to text has failed at and whose sound the server keeps, so that they can be tried again.
 *
 * Pure; part of the reducer in session.js. The `retry` of an item is "offered" or "asked".
 */

import { send, withItem, withNotice } from "./state_changes.js";
import * as protocol from "../net/protocol.js";

/** @type {(state: State, id: string) => State} */
export function offerRetry(state, id) {
  return withItem(state, { id, role: "user", text: "", pending: false, retry: "offered" });
}

/**
 * Try again. If the session answers speech, the reply follows by itself; otherwise it is requested.
 * @type {EventHandler<"transcribe.again">}
 */
export function onRetry(state, { id }, now) {
  if (state.phase !== "live" || state.items[id]?.retry !== "offered") return [state, []];
  const asked = withItem(withNotice(state, "turn", null), { id, pending: true, retry: "asked" });
  const effects = [send(protocol.transcribeAgain(id))];
  if (state.order.at(-1) !== id) return [asked, effects]; // the talk went on meanwhile
  const answers = protocol.answersSpeech(state) || state.speak === "browser"; // then recognised_words.js asks, once it has judged
  const next = { ...asked, thinking: true, askedAt: now };
  return [next, answers ? effects : [...effects, send(protocol.createResponse())]];
}

/**
 * Handle a refusal, or a lost connection. Return null if the event was about something else.
 * @type {(state: State, error: ServerError) => State | null}
 */
export function onRetryRefused(state, { event_id, message }) {
  if (!event_id || state.items[event_id]?.retry !== "asked") return null;
  const refused = withItem({ ...state, thinking: state.response !== null }, { id: event_id, pending: false, retry: undefined });
  return withNotice(refused, "turn", { tone: "error", text: message });
}

/**
 * Return the state in which what was requested over a lost connection can be requested again.
 * @type {(state: State) => State}
 */
export function withoutRetries(state) {
  const asked = state.order.filter((id) => state.items[id].retry === "asked");
  return asked.reduce((rest, id) => withItem(rest, { id, pending: false, retry: "offered" }), state);
}
