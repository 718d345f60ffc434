/** The Realtime protocol, as far as this page speaks it. */

interface PcmFormat {
  type: "audio/pcm";
  rate: number;
}

interface TurnDetection {
  type: "semantic_vad";
  eagerness: string;
  create_response: boolean;
  interrupt_response: boolean;
}

interface SessionConfig {
  type: "realtime";
  extensions?: string[];
  output_modalities?: string[];
  audio: {
    input: { format?: PcmFormat; turn_detection: TurnDetection | null };
    output?: { format: PcmFormat; voice?: string };
  };
}

type ClientEvent = { event_id?: string } & (
  | { type: "session.update"; session: SessionConfig }
  | { type: "session.ping"; after?: string }
  | { type: "input_audio_buffer.clear" | "input_audio_buffer.commit" }
  | { type: "response.create" | "response.cancel" }
  | { type: "conversation.item.create"; item: ProtocolMessage }
  | { type: "conversation.item.input_audio_transcription.retry" | "conversation.item.delete"; item_id: string }
  | { type: "conversation.item.truncate"; item_id: string; content_index: number; audio_end_ms: number; heard?: string }
  | { type: "output_audio_buffer.started"; response_id: string; played_ms: number }
);

interface ContentPart {
  type: string;
  text?: string;
  transcript?: string | null;
}

interface ProtocolMessage {
  id: string;
  type: "message";
  role: "user" | "assistant" | "system";
  content: ContentPart[];
}

type ProtocolItem =
  | ProtocolMessage
  | { id: string; type: "mcp_call"; name: string }
  | { id: string; type: "function_call" | "function_call_output" };

interface ServerError {
  code: string | null;
  message: string;
  event_id?: string | null;
}

interface FinishedResponse {
  id: string;
  status: "completed" | "cancelled" | "incomplete" | "failed";
  status_details?: { error?: { message: string } | null } | null;
  timing?: Timing;
}

type TranscriptDelta = { item_id: string; delta: string };
type Transcript = { item_id: string; transcript: string };
type ReplyDelta = { response_id: string; item_id: string; delta: string };

type ServerEvent = { event_id?: string } & (
  | { type: "session.created" }
  | { type: "session.resumption"; token: string; seconds: number }
  | { type: "session.resumed"; received_frames: number }
  | { type: "session.updated" }
  | { type: "session.storage"; status: string; message: string }
  | { type: "conversation.created"; conversation: { id: string } }
  | { type: "conversation.item.added"; item: ProtocolItem; previous_item_id?: string | null }
  | { type: "conversation.item.done"; item: ProtocolItem; previous_item_id?: string | null }
  | { type: "conversation.item.deleted"; item_id: string }
  | ({ type: "conversation.item.input_audio_transcription.delta" } & TranscriptDelta)
  | ({ type: "conversation.item.input_audio_transcription.completed" } & Transcript)
  | { type: "conversation.item.input_audio_transcription.failed"; item_id: string; error: { message: string }; can_retry?: boolean }
  | { type: "input_audio_buffer.speech_started"; item_id: string }
  | { type: "input_audio_buffer.speech_stopped"; item_id: string }
  | { type: "input_audio_buffer.committed"; item_id: string }
  | { type: "output_audio_buffer.started"; response_id: string }
  | { type: "output_audio_buffer.cleared"; response_id: string }
  | { type: "response.created"; response: { id: string } }
  | { type: "response.output_item.added"; response_id: string; item: ProtocolItem }
  | { type: "response.mcp_call.completed" }
  | { type: "response.mcp_call.failed" }
  | ({ type: "response.output_text.delta" } & ReplyDelta)
  | ({ type: "response.output_audio_transcript.delta" } & ReplyDelta)
  | ({ type: "response.output_audio.delta" } & ReplyDelta)
  | { type: "response.output_text.done"; item_id: string }
  | { type: "response.output_audio.done"; item_id: string }
  | { type: "response.done"; response: FinishedResponse }
  | { type: "error"; error: ServerError }
);

/** An event as text, or sound. */
type OutgoingFrame = string | Int16Array<ArrayBuffer>;

interface TalkAddress {
  assistant?: string;
  conversation?: string | null;
  timeZone?: string;
  resumption?: string | null;
  after?: string;
}

type ServerEventOf<Type extends ServerEvent["type"]> = Extract<ServerEvent, { type: Type }>;
type ServerHandler<Type extends ServerEvent["type"]> = (state: State, event: ServerEventOf<Type>, now: number) => Step;

/** What a closed connection asks for; see net/close_codes.js. */
interface CloseWay {
  way: "ended" | "now" | "retry" | "wait" | "gone" | "over";
  label?: string;
  notice?: Notice;
}
