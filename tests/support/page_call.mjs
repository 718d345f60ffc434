/** A session to tell things to, and the events to tell. */

import { buildInitialState, reduce } from "../../static/js/reducer/session.js";
import { getStatus } from "../../static/js/ui/status.js";

export const SECOND = "A".repeat(64000); // base64 of 24,000 samples

/** A session that can be told several events in a row, and keeps the effects of the last one. */
export class PageCall {
  constructor(options = {}) {
    this.state = buildInitialState({ assistant: "assistant", ...options });
    this.now = 1000;
  }

  tell(...events) {
    for (const event of events) [this.state, this.effects] = reduce(this.state, event, this.now);
    return this;
  }

  hear(...events) {
    return this.tell(...events.map((event) => ({ type: "server", event })));
  }

  get sent() {
    return this.effects.filter((effect) => effect.do === "send").map((effect) => effect.event.type);
  }

  get done() {
    return this.effects.map((effect) => effect.do);
  }

  get status() {
    return getStatus(this.state).name;
  }

  get words() {
    return this.state.order.map((id) => this.state.items[id].text);
  }
}

export const created = { type: "session.created", session: {} };
export const conversation = { type: "conversation.created", conversation: { id: "conv_1" } };
export const speechStarted = { type: "input_audio_buffer.speech_started", item_id: "u1", audio_start_ms: 0 };
export const speechStopped = { type: "input_audio_buffer.speech_stopped", item_id: "u1", audio_end_ms: 900 };
export const responseCreated = { type: "response.created", response: { id: "r1" } };

export function buildItem(id, role, text, type = "output_audio") {
  return { type: "message", id, role, content: [{ type, transcript: text }] };
}

export function buildReply(kind, fields) {
  return { type: `response.${kind}`, response_id: "r1", item_id: "a1", output_index: 0, content_index: 0, ...fields };
}

export function buildResponseDone(status, fields) {
  return { type: "response.done", response: { id: "r1", status, ...fields } };
}

export function buildTranscript(text, id = "u1") {
  return { type: "conversation.item.input_audio_transcription.completed", item_id: id, transcript: text };
}

/** Of the player: `samples` of the item were rendered, and all but `lag` of them are heard. */
export function buildPlayback(type, samples, { item: id = "a1", lag = 0 } = {}) {
  return { type: `playback.${type}`, item: id, samples, heard: samples - lag };
}

export function startCall(options) {
  return new PageCall(options).tell({ type: "start" }, { type: "microphone.ready" }).hear(created, conversation);
}

export function startReply() {
  return startCall().hear(
    speechStarted,
    speechStopped,
    responseCreated,
    buildReply("output_audio_transcript.delta", { delta: "Hello there." }),
    buildReply("output_audio.delta", { delta: SECOND }),
  );
}
