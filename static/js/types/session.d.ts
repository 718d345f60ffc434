/** The session's state and what changes it. The modules share these types; only `tsc` reads them. */

// Times are in ms by the page's clock, audio in samples at the wire's 24 kHz, unless a name says otherwise.

type Side = "site" | "browser";
type Patience = "" | "quick" | "balanced" | "patient";
type Phase = "idle" | "asking" | "connecting" | "live" | "reconnecting" | "busy" | "ended" | "failed";

/** What the page tells a person; `action` names the button that helps. */
interface Notice {
  tone: "error" | "info";
  text: string;
  action?: string;
}

// Captions

/** A word, or a character where there are no words, up to `end` of its clause; in letters of English. */
interface SpokenUnit {
  end: number;
  said: number;
  pause: number;
}

interface Clause {
  text: string;
  start: number;
  units: SpokenUnit[];
  weight: number;
}

interface Track {
  readonly clauses: Clause[];
  readonly received: number;
  readonly ended: boolean;
}

// The session's state

/** When each step of the waterfall was done, after the endpoint. */
interface Timing {
  [step: string]: number;
}

interface ItemBase {
  id: string;
  role: "user" | "assistant";
  text: string;
  pending?: boolean;
  /** Of a message of the page's own, until the server has it. */
  delivery?: "sending" | "unsent";
  /** The page judges its words: those that came so far. */
  raw?: string;
  isTried?: boolean;
  isDoubted?: boolean;
  /** Of an utterance that was not understood. */
  retry?: "offered" | "asked";
  cut?: boolean;
  askedAt?: number | null;
  heardAt?: number;
  timing?: Timing;
  /** The browser speaks it. */
  aloud?: boolean;
}

interface WrittenItem extends ItemBase {
  track?: undefined;
  response?: string;
  played?: number;
}

interface SpokenItem extends ItemBase {
  track: Track;
  response: string;
  played: number;
}

type TalkItem = WrittenItem | SpokenItem;

/** What becomes of the item of that id. */
type ItemChange = { id: string; track?: Track; response?: string; played?: number } & Partial<ItemBase>;

interface Vocabulary {
  backchannels: Set<string>;
  commands: Set<string>;
}

/** The utterance that the page judges, and from which character of which reply on. */
interface JudgedUtterance {
  id: string | null;
  item: string | null;
  from?: number;
}

interface SessionOptions {
  assistant: string;
  voice?: string;
  conversation?: string | null;
  patience?: Patience;
  listen?: Side;
  speak?: Side;
  vocabulary?: Vocabulary;
}

interface State extends Required<SessionOptions> {
  phase: Phase;
  microphone: "off" | "on" | "lost" | "none";
  muted: boolean;
  push: boolean;
  heldSince: number | null;
  hearing: boolean;
  thinking: boolean;
  isIgnored: boolean;
  response: string | null;
  tool: string | null;
  dropped: string | null;
  playing: string | null;
  paused: string | null;
  stopping: boolean;
  afterStop: Effect[];
  silent: { item: string | null; at: number } | null;
  over: JudgedUtterance | null;
  unsent: string[];
  listed: boolean;
  owed: boolean;
  items: { [id: string]: TalkItem };
  askedAt: number | null;
  askedBefore: number | null;
  order: string[];
  notices: { [about: string]: Notice };
  refusal: string | null;
  endLabel: string;
  attempt: number;
  retryAt: number | null;
  resumption: string | null;
  isResuming: boolean;
  startedAt: number | null;
}

type Step = [state: State, effects: Effect[]];

type SendEffect = { do: "send"; event: ClientEvent };

type Effect =
  | { do: "connect" | "awaitVerdict"; delayMs: number }
  | { do: "disconnect" | "probe" | "pausePlay" | "resumePlay" | "stopPlay" | "openInput" | "release" }
  | SendEffect
  | { do: "play"; item: string; delta: string }
  | { do: "say"; item: string; text: string }
  | { do: "endPlay"; item: string };

// What happens to the session

interface PlaybackReport<Type extends string> {
  type: Type;
  item: string | null;
  samples: number;
  heard: number;
}

type ClauseReport = { type: "playback.clause"; item: string; text: string; samples: number; heard: number };

type PlaybackEvent =
  | PlaybackReport<"playback.progress">
  | PlaybackReport<"playback.finished">
  | PlaybackReport<"playback.stopped">
  | ClauseReport;

/** Words of the browser's recogniser. */
interface HeardWords {
  id: string;
  text: string;
}

/** All of them; the id is null where nothing was said before the button was let go. */
type HeardUtterance = { id: string | null; text: string };

type SessionEvent =
  | { type: "server"; event: ServerEvent }
  | { type: "start" }
  | { type: "start.typing" }
  | { type: "microphone.ready" }
  | { type: "microphone.failed"; notice: Notice }
  | { type: "listen"; by: Side }
  | { type: "listener.failed"; notice: Notice }
  | ({ type: "words" } & HeardWords)
  | ({ type: "utterance" } & HeardUtterance)
  | { type: "speak"; by: Side }
  | { type: "speaker.failed"; notice: Notice }
  | { type: "choose"; assistant: string; voice: string }
  | { type: "mute"; on: boolean }
  | { type: "push"; on: boolean }
  | { type: "patience"; patience: Patience }
  | { type: "hold" }
  | { type: "let.go" }
  | { type: "text"; id: string; text: string }
  | { type: "resend"; id: string }
  | { type: "transcribe.again"; id: string }
  | { type: "hang.up" }
  | { type: "retry" }
  | { type: "notice"; about: string; notice: Notice | null }
  | { type: "network.offline" }
  | { type: "network.online" }
  | { type: "socket.closed"; code: number; random: number }
  | { type: "verdict.overdue" }
  | PlaybackEvent;

type EventOf<Type extends SessionEvent["type"]> = Extract<SessionEvent, { type: Type }>;
type EventHandler<Type extends SessionEvent["type"]> = (state: State, event: EventOf<Type>, now: number) => Step;
