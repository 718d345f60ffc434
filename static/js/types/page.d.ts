/** The page, its sound, and the browser's own speech. */

// Sound

/** A frame of the microphone: PCM16 mono at 24 kHz, and its root mean square, 0 to 1. */
interface Frame {
  pcm: Int16Array<ArrayBuffer>;
  level: number;
}

interface QueuedReply {
  item: string;
  chunks: Int16Array[];
  offset: number;
  queued: number;
  played: number;
  ended: boolean;
  dry: boolean;
  starved: boolean;
}

type PlayoutEvent = { type: "finished" | "stopped"; item: string | null; samples: number };

type PlayerMessage =
  | { type: "audio"; item: string; pcm: Int16Array }
  | { type: "end"; item: string }
  | { type: "pause" | "resume" | "stop" };

/** What the playback worklet reports. */
type PlayerReport = { type: "progress" | "finished" | "stopped"; item: string | null; samples: number; level?: number };

interface SoundHandlers {
  /** Of the microphone, 25 times a second. */
  onFrame: (frame: Frame) => void;
  onNotice: (about: "microphone" | "sound", notice: Notice | null) => void;
  /** The microphone is gone. */
  onLost: (notice: Notice) => void;
  onEvent: (event: PlaybackEvent) => void;
  /** Of the reply that sounds: root mean square, 0 to 1. */
  onLevel: (level: number) => void;
}

// What a worklet's scope has beside the language; lib.dom knows only the page's half.
declare const sampleRate: number;
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;
declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
  abstract process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean;
}

// The browser's own speech

/** The browser's recogniser, which lib.dom does not know: not every browser has it. */
interface Recognition {
  lang: string;
  interimResults: boolean;
  continuous: boolean;
  onstart: (() => void) | null;
  onresult: ((event: { results: SpeechRecognitionResultList }) => void) | null;
  onerror: ((event: { error: string }) => void) | null;
  onend: (() => void) | null;
  start(): void;
  stop(): void;
  abort(): void;
}
type RecognitionClass = new () => Recognition;

interface SpeechBrowser {
  SpeechRecognition?: RecognitionClass;
  webkitSpeechRecognition?: RecognitionClass;
  speechSynthesis?: SpeechSynthesis;
  SpeechSynthesisUtterance: typeof SpeechSynthesisUtterance;
  document: Document;
  navigator: Navigator;
  performance: Performance;
}

interface SpeechSettings {
  language: string;
  rate: number;
  patience: string;
  voice: SpeechSynthesisVoice | null;
}

interface ListenerHandlers {
  onWords: (words: HeardWords) => void;
  onUtterance: (words: HeardUtterance) => void;
  onFailed: (notice: Notice) => void;
}

interface SpeakerHandlers {
  onEvent: (event: PlaybackEvent) => void;
  onFailed: (notice: Notice) => void;
}

/** A clause of a reply, and what to say of it. */
interface ClauseToSay {
  text: string;
  words: string;
}

// The page

interface CallParts {
  /** Their URLs. */
  worklets: { capture: string; playback: string };
  browserSpeech: import("../webspeech/browser_speech.js").BrowserSpeech;
  onChange: (state: State, before: State) => void;
  /** Root mean square, 0 to 1. */
  onLevel: (who: "user" | "assistant", level: number) => void;
}

type Engine = "stt" | "llm" | "tts";
type Half = "listen" | "speak";

/** What serves an assistant. It may change while the page is open. */
interface AssistantEngines {
  demos: Engine[];
  missing: Engine[];
  /** Of these, what is for want of the assistant's language. */
  foreign: Engine[];
  /** For people: what each does, and its name. */
  engines: [role: string, name: string][];
  usesLocalModel: boolean;
  /** The demo answers only until there is a language model on the site's machine. */
  wantsLocalModel: boolean;
}

/** Whether there is a language model on the site's machine, in words. */
interface LocalModelState {
  tone: "ready" | "gone" | "empty" | "missing" | "off";
  text: string;
  command: string;
  models: [name: string, label: string][];
  picked: string;
}

interface Assistant extends AssistantEngines {
  slug: string;
  name: string;
  description: string;
  language: string;
  speed: number;
  patience: string;
  voice: string;
  voices: [id: string, label: string][];
  /** Where they can be heard, with VOICE in place of the id; "" where they cannot. */
  samples: string;
  isOneEngine: boolean;
}

interface PageData {
  assistants: Assistant[];
  chosen: string;
  conversation: string | null;
  localModel: LocalModelState;
  backchannels: string[];
  commands: string[];
}

/** Elements of the talk page by their data-part. */
interface Parts {
  "again": HTMLButtonElement;
  "announcer": HTMLElement;
  "assistant-meter": HTMLElement;
  "assistant-name": HTMLElement;
  "assistants": HTMLSelectElement;
  "captions": HTMLOListElement;
  "demo": HTMLElement;
  "demo-does": HTMLElement;
  "demo-is": HTMLElement;
  "demo-lacks": HTMLElement;
  "description": HTMLElement;
  "engines": HTMLElement;
  "hang-up": HTMLButtonElement;
  "hint": HTMLElement;
  "history": HTMLAnchorElement;
  "latency": HTMLElement;
  "latency-option": HTMLInputElement;
  "level-assistant": HTMLElement;
  "level-user": HTMLElement;
  "listen": HTMLSelectElement;
  "local-model": HTMLElement;
  "local-model-command": HTMLElement;
  "local-model-form": HTMLFormElement;
  "local-model-look": HTMLButtonElement;
  "local-model-text": HTMLElement;
  "local-models": HTMLSelectElement;
  "microphones": HTMLSelectElement;
  "mute": HTMLButtonElement;
  "no-captions": HTMLElement;
  "notices": HTMLElement;
  "options-button": HTMLButtonElement;
  "options-close": HTMLButtonElement;
  "orb": HTMLElement;
  "patience": HTMLSelectElement;
  "push": HTMLButtonElement;
  "push-label": HTMLElement;
  "push-option": HTMLInputElement;
  "sample": HTMLButtonElement;
  "sample-status": HTMLElement;
  "scroller": HTMLElement;
  "send": HTMLButtonElement;
  "speak": HTMLSelectElement;
  "speakers": HTMLSelectElement;
  "start": HTMLButtonElement;
  "status": HTMLElement;
  "text": HTMLInputElement;
  "text-form": HTMLFormElement;
  "type": HTMLButtonElement;
  "usual-patience": HTMLElement;
  "voices": HTMLSelectElement;
}
