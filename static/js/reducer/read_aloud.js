/**
 * A reply in text that the browser's voice speaks. Pure; part of the reducer in session.js.
 *
 * Its item has a track like one that came with sound: clauses that begin when the voice begins them, and as much
 * “audio” as was spoken. So captions, interruption and what was heard work as in playback.js and captions.js.
 */

import * as captions from "./captions.js";
import { send, withItem, withNotice } from "./state_changes.js";
import { performOnceSilent } from "./playback.js";
import * as protocol from "../net/protocol.js";

/**
 * Return whether the words of this item are to be spoken here.
 * @type {(state: State, id: string) => boolean}
 */
export function isAloud({ speak, items }, id) {
  return items[id]?.aloud ?? (speak === "browser" && !items[id]?.text);
}

/** @type {(state: State, delta: ReplyDelta) => Step} */
export function onAloudText(state, { response_id, item_id, delta }) {
  const known = state.items[item_id];
  const track = { track: captions.EMPTY_TRACK, played: 0, response: response_id, aloud: true, askedAt: state.askedAt };
  /** @type {ItemChange & { text: string }} */
  const begun = known?.track ? known : { id: item_id, role: "assistant", text: "", ...track };
  const heard = { ...state, thinking: false, askedAt: null, playing: state.playing ?? item_id };
  return performOnceSilent(withItem(heard, { ...begun, text: begun.text + delta }), { do: "say", item: item_id, text: delta });
}

/**
 * Note that the voice begins a clause, and how much of the item it has spoken before.
 * @type {EventHandler<"playback.clause">}
 */
export function onClause(state, { item, text, samples }) {
  const known = state.items[item];
  if (!known?.track) return [state, []];
  const track = captions.addText({ ...known.track, received: samples }, text);
  return [withItem({ ...state, playing: item }, { id: item, track }), []];
}

/**
 * Apply “Speak with …” from the next reply on.
 * @type {(state: State, choice: { by: Side }) => Step}
 */
export function onSpeak(state, { by }) {
  const next = withNotice({ ...state, speak: by }, "speaking", null);
  return [next, state.phase === "live" ? [send(protocol.buildSessionUpdate(next))] : []];
}

/**
 * Leave the reply to be read; the next ones come with the site's voice.
 * @type {EventHandler<"speaker.failed">}
 */
export function onSpeakerFailed(state, { notice }) {
  const unspoken = Object.values(state.items).filter((item) => item.aloud && item.track && !item.cut && !item.track.ended);
  const read = unspoken.reduce((rest, { id }) => withItem(rest, { id, track: undefined, aloud: false }), state);
  const [next, effects] = onSpeak({ ...read, playing: null }, { by: "site" });
  return [withNotice(next, "speaking", notice), effects];
}
