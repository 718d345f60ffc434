/** Open the microphone, hand out frames in the wire's format, and notice when the microphone stops working. */

const CONSTRAINTS = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const FLUSH_TIMEOUT_MS = 100; // a sound system that has gone to sleep does not answer
const SILENCE_FRAMES = 375; // 15 s of digital zeros, which no working microphone gives in a real room

/**
 * What to tell a person, by the name of the browser's error.
 * @type {{ [name: string]: [text: string, action: string] }}
 */
const PROBLEMS = {
  NotAllowedError: ["Microphone access is blocked. Allow it in your browser’s settings for this site, or type instead.", "microphone"],
  NotFoundError: ["No microphone was found. Plug one in, or type instead.", "microphone"],
  OverconstrainedError: ["The selected microphone is not connected. Choose another one, or type instead.", "microphone"],
  NotReadableError: ["The microphone is in use by another program. Close that program, or type instead.", "microphone"],
};
/** @type {[text: string, action: string]} */
const OTHER_PROBLEM = ["The microphone could not be opened. Try again, or type instead.", "microphone"];
const INSECURE = "Browsers allow the microphone only on https pages or on localhost. You can type instead.";
const SILENT = "The microphone is silent. If you are speaking, check that it is switched on, or choose another one.";
/** @type {[text: string, action: string]} */
const UNPLUGGED = ["The microphone was unplugged. Plug it in or choose another one; you can also type.", "microphone"];

/** The microphone of one call. */
export class Microphone {
  /**
   * `onFrame({pcm, level})` 25 times a second, with silence while there is no microphone;
   * `onNotice(notice | null)` when something is the matter, or no longer; `onLost(notice)` when the device is gone.
   * @param {AudioContext} context
   * @param {{ onFrame: (frame: Frame) => void, onNotice: (notice: Notice | null) => void, onLost: (notice: Notice) => void }} handlers
   */
  constructor(context, { onFrame, onNotice, onLost }) {
    this.context = context;
    this.onFrame = onFrame;
    this.onNotice = onNotice;
    this.onLost = onLost;
    /** @type {MediaStream | null} */
    this.stream = null;
    /** @type {MediaStreamAudioSourceNode | null} */
    this.source = null;
    /** @type {AudioWorkletNode | null} */
    this.node = null;
    this.silentFrames = 0;
    /** @type {(() => void) | null} */
    this.flushed = null;
  }

  /** Begin to receive frames. Call it once the worklet module is loaded. */
  listen() {
    this.node = new AudioWorkletNode(this.context, "capture", { outputChannelCount: [1] });
    this.node.port.onmessage = ({ data }) => this.#receive(data);
    this.node.connect(this.context.destination); // it is silent, but only what is connected runs
    if (this.source) this.source.connect(this.node);
  }

  /**
   * Ask for the device; "" stands for the system's choice. Throws a notice: `tone`, `text` and `action`.
   * @type {(deviceId?: string) => Promise<void>}
   */
  async open(deviceId = "") {
    const stream = await request(deviceId);
    this.#drop();
    this.stream = stream;
    this.silentFrames = 0;
    this.source = this.context.createMediaStreamSource(stream);
    if (this.node) this.source.connect(this.node);
    const [track] = stream.getAudioTracks();
    track.onended = () => this.#lost();
    track.onmute = () => this.onNotice({ tone: "info", text: SILENT, action: "microphone" });
    track.onunmute = () => this.onNotice(null);
  }

  /** Return the id of the open device, or "". */
  get deviceId() {
    return this.stream?.getAudioTracks()[0]?.getSettings().deviceId ?? "";
  }

  /**
   * Resolve when the unfinished frame was handed out.
   * @type {() => Promise<void>}
   */
  flush() {
    return new Promise((resolve) => {
      this.flushed = resolve;
      setTimeout(resolve, FLUSH_TIMEOUT_MS);
      this.node?.port.postMessage({ type: "flush" });
    });
  }

  /** Close only the device; frames of silence go on. */
  release() {
    this.#drop();
  }

  /** Close the device, and hand out no more frames. */
  close() {
    this.#drop();
    if (this.node) this.node.port.onmessage = null;
    this.node?.disconnect();
  }

  /** @type {(message: Frame & { flushed: boolean }) => void} */
  #receive({ pcm, level, flushed }) {
    if (pcm.length > 0) this.onFrame({ pcm, level });
    if (flushed) this.flushed?.();
    else if (this.stream) this.#watch(level);
  }

  /** @type {(level: number) => void} */
  #watch(level) {
    if (level > 0 && this.silentFrames >= SILENCE_FRAMES) this.onNotice(null);
    this.silentFrames = level > 0 ? 0 : this.silentFrames + 1;
    if (this.silentFrames === SILENCE_FRAMES) this.onNotice({ tone: "info", text: SILENT, action: "microphone" });
  }

  #lost() {
    this.#drop();
    this.onLost(describeProblem(UNPLUGGED));
  }

  #drop() {
    this.source?.disconnect();
    for (const track of this.stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    this.stream = this.source = null;
  }
}

/** @type {(deviceId: string) => Promise<MediaStream>} */
async function request(deviceId) {
  if (!window.isSecureContext || !navigator.mediaDevices) throw describeProblem([INSECURE, "type"]);
  const device = deviceId ? { deviceId: { exact: deviceId } } : {};
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: { ...CONSTRAINTS, ...device } });
  } catch (error) {
    // A remembered device that is not plugged in today must not keep the others out.
    const { name } = /** @type {Error} */ (error);
    if (deviceId && name === "OverconstrainedError") return request("");
    throw describeProblem(PROBLEMS[name] ?? OTHER_PROBLEM);
  }
}

/** @type {(problem: [text: string, action: string]) => Notice} */
function describeProblem([text, action]) {
  return { tone: "error", text, action };
}
