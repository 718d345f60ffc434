/**
 * Words that the page judges by itself: those of the browser's recogniser, and, if the browser speaks, those that the
 * site hears, since the server knows nothing of that voice. Pure; part of the reducer in session.js.
 *
 * Over a reply the first words of the user's own end it; an echo or a backchannel does not.
 */

import { getWholeText, getSpokenText } from "./captions.js";
import { send, withItem, withNotice, withoutItem } from "./state_changes.js";
import { interrupt } from "./playback.js";
import * as protocol from "../net/protocol.js";
import { say } from "./outgoing_messages.js";
import { isCommand, isBackchannel, findOwnWords } from "../webspeech/echo.js";

const ECHO_MS = 1500; // so late after the voice a recogniser still tells its first words
const BEFORE_CHARS = 240; // of what was said before the words began: an echo is late, too
const AHEAD_CHARS = 60; // the clock of what was said may be behind
/** Of words that may still change it takes two that the assistant did not say. */
const MEANT_LEAST = 2;

/**
 * Return whether the page itself requests the replies to what the site hears.
 * @type {(state: State) => boolean}
 */
export function isJudgedByPage({ listen, speak, push }) {
  return listen === "site" && speak === "browser" && !push;
}

/**
 * Return whether the browser's recogniser should listen now.
 * @type {(state: State) => boolean}
 */
export function isListenerWanted({ listen, microphone, muted, push, heldSince }) {
  return listen === "browser" && microphone === "on" && !muted && (!push || heldSince !== null);
}

/**
 * Handle what has been recognised so far of an utterance.
 * @type {(state: State, words: HeardWords, now: number) => Step}
 */
export function onWords(state, { id, text }, now) {
  const { judged, own, isMeant } = judge(state, id, text, now);
  if (!own || !isMeant) return [judged, []];
  const heard = withNotice({ ...judged, hearing: true, thinking: false }, "turn", null);
  return interrupt(withItem(heard, { id, role: "user", text: own, pending: true }));
}

/**
 * Handle a whole utterance; its text is "" if nothing was said until the button was let go.
 * @type {EventHandler<"utterance">}
 */
export function onUtterance(state, { id, text }, now) {
  const { judged, own } = judge(state, id, text, now);
  if (own && id !== null) return say({ ...judged, hearing: false }, id, own, now);
  const silent = { ...judged, hearing: false };
  const quiet = id === null ? silent : withoutItem(silent, id);
  if (!state.push || !state.thinking || state.response !== null) return [quiet, []];
  /** @type {Notice} */
  const notice = { tone: "info", text: "No speech was heard. Hold the button while you speak." };
  return [withNotice({ ...quiet, thinking: false }, "turn", notice), []];
}

/**
 * Handle speech that the site hears and that the page judges by its words.
 * @type {(state: State, event: { item_id: string }) => Step}
 */
export function onOwnSpeech(state, { item_id }) {
  if (state.playing !== null) return [state, []];
  const heard = withNotice({ ...state, hearing: true, thinking: false }, "turn", null);
  return [withItem(heard, { id: item_id, role: "user", text: "", pending: true }), []];
}

/** @type {(state: State, now: number) => Step} */
export function onOwnSpeechEnd(state, now) {
  if (!state.hearing) return [state, []];
  return [{ ...state, hearing: false, thinking: true, askedAt: now }, []];
}

/** @type {(state: State, event: TranscriptDelta, now: number) => Step} */
export function onOwnDelta(state, { item_id, delta }, now) {
  const known = state.items[item_id];
  const raw = (known?.raw ?? "") + delta;
  const begun = known ? {} : /** @type {const} */ ({ role: "user", text: "", pending: false });
  const kept = withItem(state, { id: item_id, ...begun, raw });
  return onWords(kept, { id: item_id, text: raw }, now);
}

/**
 * Delete an echo from the conversation, or request a reply to words of the user's own.
 * @type {(state: State, event: Transcript, now: number) => Step}
 */
export function onOwnTranscript(state, { item_id, transcript }, now) {
  const { judged, own } = judge(state, item_id, transcript, now);
  const quiet = { ...judged, hearing: false };
  if (!own) {
    const gone = { ...withoutItem(quiet, item_id), thinking: state.response !== null };
    return [gone, transcript.trim() ? [send(protocol.deleteItem(item_id))] : []];
  }
  const shown = withItem(withNotice(quiet, "turn", null), { id: item_id, role: "user", text: own, pending: false, retry: undefined });
  const [next, effects] = interrupt(shown, [send(protocol.createResponse())]);
  return [{ ...next, thinking: true, askedAt: state.askedAt ?? now }, effects];
}

/** @type {(state: State, id: string | null, text: string, now: number) => { judged: State, own: string, isMeant: boolean }} */
function judge(state, id, text, now) {
  const over = findOverlap(state, id, now);
  const judged = { ...state, over };
  const { vocabulary, playing, response } = state;
  const own = over.item === null ? { text: text.trim(), strays: MEANT_LEAST } : findOwnWords(text, getReplyAround(state, over), vocabulary);
  const isReplying = playing !== null || response !== null;
  if (isReplying && isBackchannel(own.text, vocabulary) && !isQuestion(state, over)) return { judged, own: "", isMeant: false };
  return { judged, own: own.text, isMeant: own.strays >= MEANT_LEAST || isCommand(own.text, vocabulary) };
}

/**
 * Return the reply that sounded as the utterance began, and the part of it that may come back as an echo.
 * @type {(state: State, id: string | null, now: number) => JudgedUtterance}
 */
function findOverlap(state, id, now) {
  if (state.over?.id === id && state.over.item !== null) return state.over;
  const { playing, silent } = state;
  const item = playing ?? (silent !== null && now - silent.at < ECHO_MS ? silent.item : null);
  const known = item === null ? undefined : state.items[item];
  if (item === null || !known?.track) return { id, item: null };
  return { id, item, from: Math.max(0, countSaidChars(known) - BEFORE_CHARS) };
}

/** @type {(state: State, over: JudgedUtterance) => string} */
function getReplyAround({ items }, { item, from }) {
  const known = item === null ? undefined : items[item];
  if (!known?.track) return known?.text ?? "";
  return getWholeText(known.track).slice(from, countSaidChars(known) + AHEAD_CHARS);
}

/** @type {(item: SpokenItem) => number} */
function countSaidChars({ track, played }) {
  return getSpokenText(track, played).length;
}

/** @type {(state: State, over: JudgedUtterance) => boolean} */
function isQuestion({ items }, { item }) {
  const known = item === null ? undefined : items[item];
  return known?.track !== undefined && /[?？؟]\s*$/u.test(getSpokenText(known.track, known.played));
}
