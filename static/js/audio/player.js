/**
 * Play replies through the playback worklet. Its events are those of worklets/playback.js, prefixed with "playback.".
 */

const STOP_TIMEOUT_MS = 200;

/** The player of one call. */
export class Player {
  /**
   * `onEvent({type, item, samples, heard})`, see playback.js; `onLevel(level)` while a reply sounds. After the worklet module is loaded.
   * @param {AudioContext} context
   * @param {{ onEvent: (event: PlaybackEvent) => void, onLevel: (level: number) => void }} handlers
   */
  constructor(context, { onEvent, onLevel }) {
    this.onEvent = onEvent;
    this.onLevel = onLevel;
    /** @type {{ item: string | null, samples: number }} */
    this.last = { item: null, samples: 0 };
    /** @type {number | undefined} */
    this.timer = undefined; // set while a stop waits for its answer
    this.context = context;
    this.node = new AudioWorkletNode(context, "playback", { numberOfInputs: 0, outputChannelCount: [1] });
    this.node.port.onmessage = ({ data }) => this.#receive(data);
    this.node.connect(context.destination);
  }

  /**
   * Return how far the sound at the ear lags behind what is rendered, in samples at 24 kHz. Bluetooth adds 200 ms and
   * more.
   */
  get lagSamples() {
    return Math.round((this.context.outputLatency || this.context.baseLatency || 0) * 24000);
  }

  /**
   * Add audio to a reply. `pcm` (Int16Array, 24 kHz, mono) is transferred, so do not use it afterwards.
   * @type {(item: string, pcm: Int16Array<ArrayBuffer>) => void}
   */
  play(item, pcm) {
    this.node.port.postMessage({ type: "audio", item, pcm }, [pcm.buffer]);
  }

  /**
   * Note that no more audio will come for this item.
   * @type {(item: string) => void}
   */
  end(item) {
    this.node.port.postMessage({ type: "end", item });
  }

  /** Fade out at once and keep everything; `resume` goes on where it was. */
  pause() {
    this.node.port.postMessage({ type: "pause" });
  }

  /** Go on after `pause`. */
  resume() {
    this.node.port.postMessage({ type: "resume" });
  }

  /** Fade out at once and drop everything. "playback.stopped" always follows, even if the sound system is asleep. */
  stop() {
    this.node.port.postMessage({ type: "stop" });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#receive({ type: "stopped", ...this.last }), STOP_TIMEOUT_MS);
  }

  /** Stop without a report. */
  close() {
    clearTimeout(this.timer);
    this.node.port.onmessage = null;
    this.node.disconnect();
  }

  /** @type {(report: PlayerReport) => void} */
  #receive({ type, item, samples, level }) {
    if (type === "stopped" && this.timer === undefined) return;
    if (type === "stopped") {
      clearTimeout(this.timer);
      this.timer = undefined;
    }
    this.last = type === "progress" ? { item, samples } : { item: null, samples: 0 };
    this.onLevel(item === null || level === undefined ? 0 : level);
    this.onEvent({ type: `playback.${type}`, item, samples, heard: samples - this.lagSamples });
  }
}
