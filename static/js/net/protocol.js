/** The Realtime protocol as this page speaks it: build client events, and read server events. */

/** @type {PcmFormat} */
const PCM = { type: "audio/pcm", rate: 24000 };

/**
 * An event that keeps house (a truncation that may come too late, a clearing): its refusal is no news for a person.
 * The server echoes the event id in its error, which is how it is recognised.
 */
const QUIET = "quiet";
/** The first event of a connection: its answer comes when the server has told what it has of the conversation. */
const HELLO = "hello";

/** The page is the output audio buffer, and wants the words while they are spoken. */
const EXTENSIONS = ["playback", "captions", "retry", "storage", "resume"];
/** By a person's patience; without one it is that of their settings, or the assistant's own: the server's `auto`. */
const EAGERNESS = { "": "auto", quick: "high", balanced: "medium", patient: "low" };

/**
 * Return the first event of a connection: the session's settings, by the state.
 * @type {(state: State) => ClientEvent}
 */
export function buildGreeting(state) {
  return { ...buildSessionUpdate(state), event_id: HELLO };
}

/**
 * Return whether the error is about the first event of the connection.
 * @type {(error: ServerError) => boolean}
 */
export function isAboutGreeting(error) {
  return error.event_id === HELLO;
}

/**
 * Return the event that sets the session as the state has it.
 * @type {(state: State) => ClientEvent}
 */
export function buildSessionUpdate(state) {
  const input = { format: PCM, turn_detection: buildDetection(state) };
  const output = state.voice ? { format: PCM, voice: state.voice } : { format: PCM };
  const output_modalities = [state.speak === "browser" ? "text" : "audio"];
  /** @type {SessionConfig} */
  const session = { type: "realtime", extensions: EXTENSIONS, output_modalities, audio: { input, output } };
  return { type: "session.update", session };
}

/**
 * Return the event that sets the session as the state has it, though that has probably not changed.
 * @type {(state: State) => ClientEvent}
 */
export function confirmSettings(state) {
  return { ...buildSessionUpdate(state), event_id: QUIET };
}

/**
 * Return the event that sets only the turn detection.
 * @type {(state: State) => ClientEvent}
 */
export function buildTurnDetection(state) {
  const input = { turn_detection: buildDetection(state) };
  return { type: "session.update", session: { type: "realtime", audio: { input } } };
}

/**
 * Return whether the server replies by itself to the speech that it hears.
 * @type {(state: State) => boolean}
 */
export function answersSpeech(state) {
  return buildDetection(state)?.create_response ?? false;
}

/**
 * Return the turn detection to ask for.
 *
 * If the browser speaks, the page judges what the site hears, since the server could not tell an echo from it.
 * @type {(state: State) => TurnDetection | null}
 */
function buildDetection({ push, microphone, patience, listen, speak }) {
  if (push || microphone === "none" || listen === "browser") return null;
  const answers = speak === "site";
  return { type: "semantic_vad", eagerness: EAGERNESS[patience], create_response: answers, interrupt_response: answers };
}

/**
 * Return the event that the server answers at once with `session.pong`, whatever the session is doing. `after` is the id
 * of the last event that has come, if the server keeps what follows it.
 * @type {(after?: string) => ClientEvent}
 */
export function ping(after) {
  return after ? { type: "session.ping", event_id: QUIET, after } : { type: "session.ping", event_id: QUIET };
}

/** @type {() => ClientEvent} */
export function clearInput() {
  return { type: "input_audio_buffer.clear", event_id: QUIET };
}

/** @type {() => ClientEvent} */
export function commitInput() {
  return { type: "input_audio_buffer.commit" };
}

/**
 * Return the event that asks to transcribe again what speech to text has failed at (the server's extension `retry`).
 * @type {(id: string) => ClientEvent}
 */
export function transcribeAgain(id) {
  return { type: "conversation.item.input_audio_transcription.retry", event_id: id, item_id: id };
}

/** @type {() => ClientEvent} */
export function createResponse() {
  return { type: "response.create" };
}

/** @type {() => ClientEvent} */
export function cancelResponse() {
  return { type: "response.cancel", event_id: QUIET };
}

/** @type {(id: string, text: string) => ClientEvent} */
export function buildTypedItem(id, text) {
  /** @type {ProtocolMessage} */
  const item = { id, type: "message", role: "user", content: [{ type: "input_text", text }] };
  return { type: "conversation.item.create", event_id: id, item };
}

/** @type {(item: string, samples: number) => Extract<ClientEvent, { type: "conversation.item.truncate" }>} */
export function truncate(item, samples) {
  const audio_end_ms = Math.floor(samples / 24);
  return { type: "conversation.item.truncate", event_id: QUIET, item_id: item, content_index: 0, audio_end_ms };
}

/**
 * Return the event that cuts a reply in text which was spoken here. `heard` is the part that was spoken.
 * @type {(item: string, heard: string) => ClientEvent}
 */
export function truncateText(item, heard) {
  return { ...truncate(item, 0), heard };
}

/** @type {(item: string) => ClientEvent} */
export function deleteItem(item) {
  return { type: "conversation.item.delete", event_id: QUIET, item_id: item };
}

/**
 * Return the event that reports playback. `heard` is how many samples of the response have sounded.
 * @type {(responseId: string, heard: number) => ClientEvent}
 */
export function buildPlaybackStarted(responseId, heard) {
  const played_ms = Math.max(0, Math.floor(heard / 24));
  return { type: "output_audio_buffer.started", event_id: QUIET, response_id: responseId, played_ms };
}

/**
 * Return the event in a text frame of the server, or null if it is not one.
 * @type {(frame: string) => ServerEvent | null}
 */
export function parse(frame) {
  try {
    const event = JSON.parse(frame);
    return typeof event?.type === "string" ? event : null;
  } catch {
    return null;
  }
}

/**
 * Return whether the error is of no interest to the user.
 * @type {(error: ServerError) => boolean}
 */
export function isQuiet(error) {
  return error.event_id === QUIET || error.code === "response_cancel_not_active";
}

/**
 * Return the words of a message item, spoken or typed.
 * @type {(item: ProtocolMessage) => string}
 */
export function getText(item) {
  return (item.content ?? []).map((part) => part.transcript ?? part.text ?? "").join("");
}

/**
 * Return how many samples a base64 text of PCM16 holds, without decoding it.
 * @type {(base64: string) => number}
 */
export function countSamples(base64) {
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  return ((base64.length / 4) * 3 - padding) / 2;
}

/**
 * Return the samples of a base64 text of PCM16.
 * @type {(base64: string) => Int16Array<ArrayBuffer>}
 */
export function decodePcm(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new Int16Array(bytes.buffer);
}

/**
 * Return a new item id. Ids made by a client have at most 32 characters.
 * @type {() => string}
 */
export function makeItemId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `item_${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
