/** One call: hold the session's state, perform what the reducer decides, and own the sound. */

import { isInCall } from "./reducer/connection.js";
import { asNotice, isNotice } from "./ui/notices.js";
import { recall } from "./ui/devices.js";
import { CallAudio } from "./audio/call_audio.js";
import { MicrophoneGate } from "./audio/microphone_gate.js";
import { buildTruncation } from "./reducer/playback.js";
import * as protocol from "./net/protocol.js";
import { reduce } from "./reducer/session.js";
import { RealtimeSocket, buildRealtimeUrl } from "./net/socket.js";
import { isListenerWanted } from "./reducer/recognised_words.js";

/**
 * @import { BrowserSpeech } from "./webspeech/browser_speech.js"
 * @import { Listener } from "./webspeech/listener.js"
 * @import { Speaker } from "./webspeech/speaker.js"
 */

/** A call, from the button to hanging up. */
export class Call {
  /**
   * @param {State} state
   * @param {CallParts} parts
   */
  constructor(state, { worklets, browserSpeech, onChange, onLevel }) {
    this.state = state;
    this.worklets = worklets;
    this.browserSpeech = browserSpeech;
    this.onChange = onChange;
    this.onLevel = onLevel;
    this.socket = new RealtimeSocket(
      (event) => this.dispatch({ type: "server", event }),
      (code) => this.dispatch({ type: "socket.closed", code, random: Math.random() }),
    );
    this.microphoneGate = new MicrophoneGate((pcm) => this.socket.sendAudio(pcm));
    /** @type {CallAudio | null} */ this.sound = null;
    /** @type {Listener | null} */ this.listener = null;
    /** @type {Speaker | null} */ this.speaker = null;
    /** @type {number | undefined} */ this.verdictTimer = undefined;
  }

  /**
   * Give an event to the reducer, and perform the effects that it returns.
   * @type {(event: SessionEvent) => void}
   */
  dispatch(event) {
    const before = this.state;
    const [state, effects] = reduce(before, event, performance.now());
    this.state = state;
    for (const effect of effects) this.#perform(effect);
    if (isInCall(this.state)) this.listener?.keep(isListenerWanted(this.state), this.state.push);
    if (state !== before) this.onChange(state, before);
  }

  /**
   * Start a call with the microphone. Call it inside the tap.
   *
   * Browsers let sound begin only there, and iOS plays nothing at all through a context that was made after the
   * microphone was asked for.
   */
  start() {
    this.dispatch({ type: "start" });
    this.#openSound();
    return this.#openInput();
  }

  /** Start a call without the microphone; replies are spoken all the same. Call it inside the tap. */
  async startTyping() {
    this.dispatch({ type: "start" });
    this.#openSound();
    try {
      await this.sound?.loaded;
      this.dispatch({ type: "start.typing" });
    } catch (problem) {
      this.#failInput(problem);
    }
  }

  /** Open the microphone, or the browser's recogniser, which opens its own. */
  #openInput() {
    return this.state.listen === "browser" ? this.#openListener() : this.#openMicrophone();
  }

  async #openListener() {
    this.sound?.microphone.release();
    try {
      await Promise.all([this.listener?.open(), this.sound?.loaded]);
      this.dispatch({ type: "microphone.ready" });
    } catch (problem) {
      if (isNotice(problem)) this.dispatch({ type: "listener.failed", notice: problem });
      else this.#failInput(problem);
    }
  }

  async #openMicrophone() {
    this.listener?.close();
    try {
      await Promise.all([this.sound?.microphone.open(recall("microphone")), this.sound?.loaded]);
      this.dispatch({ type: "microphone.ready" });
    } catch (problem) {
      this.#failInput(problem);
    }
  }

  /**
   * Report that the microphone cannot be used.
   * @type {(problem: unknown) => void}
   */
  #failInput(problem) {
    if (this.state.phase === "asking") this.#release();
    this.dispatch({ type: "microphone.failed", notice: asNotice(problem) });
  }

  /**
   * Switch to another microphone, or open the same one again, during a call.
   * @type {(deviceId: string) => Promise<void>}
   */
  async useMicrophone(deviceId) {
    try {
      await this.sound?.microphone.open(deviceId);
      this.dispatch({ type: "microphone.ready" });
    } catch (notice) {
      this.dispatch({ type: "microphone.failed", notice: asNotice(notice) });
    }
  }

  /**
   * Send the sound to another speaker.
   * @type {(deviceId: string) => Promise<void>}
   */
  async useSpeaker(deviceId) {
    const text = "That speaker cannot be used. The sound stays on the previous one.";
    const works = !this.sound || (await this.sound.useSpeaker(deviceId));
    this.dispatch({ type: "notice", about: "speaker", notice: works ? null : { tone: "error", text } });
  }

  /** Let the sound go on after the browser has suspended it. */
  resumeSound() {
    return this.sound?.resume();
  }

  /**
   * Recover when the page is visible again: a phone that slept has lost its sound, and perhaps its connection,
   * silently.
   */
  wake() {
    this.resumeSound();
    this.listener?.wake();
    this.socket.probe();
  }

  /** End what was said with the button held. */
  async letGo() {
    if (this.state.heldSince === null) return;
    if (this.state.listen === "site") await this.sound?.microphone.flush();
    this.dispatch({ type: "let.go" });
  }

  get lagSamples() {
    return this.sound?.player?.lagSamples ?? 0;
  }

  #openSound() {
    this.#release();
    this.sound = new CallAudio(this.worklets, recall("speaker"), {
      onFrame: (frame) => this.#onFrame(frame),
      onNotice: (about, notice) => this.#onNotice(about, notice),
      onLost: (notice) => this.dispatch({ type: "microphone.failed", notice }),
      onEvent: (event) => this.dispatch(event),
      onLevel: (level) => this.onLevel("assistant", level),
    });
    this.listener = this.browserSpeech.listener({
      onWords: (words) => this.dispatch({ type: "words", ...words }),
      onUtterance: (words) => this.dispatch({ type: "utterance", ...words }),
      onFailed: (notice) => this.dispatch({ type: "listener.failed", notice }),
    });
    this.speaker = this.browserSpeech.speaker({
      onEvent: (event) => this.dispatch(event),
      onFailed: (notice) => this.dispatch({ type: "speaker.failed", notice }),
    });
    if (this.state.speak === "browser") this.speaker?.unlock();
  }

  /** @type {(about: "microphone" | "sound", notice: Notice | null) => void} */
  #onNotice(about, notice) {
    const isKnown = about === "sound" && notice === (this.state.notices.sound ?? null);
    if (!isKnown) this.dispatch({ type: "notice", about, notice });
  }

  /** @type {(frame: Frame) => void} */
  #onFrame({ pcm, level }) {
    const { push, muted } = this.state;
    this.onLevel("user", muted && !push ? 0 : level);
    this.microphoneGate.take(pcm, this.state);
  }

  /** @type {(effect: Effect) => void} */
  #perform(effect) {
    const { socket, speaker } = this;
    const player = this.sound?.player;
    switch (effect.do) {
      case "connect": return socket.connect(this.#url(), effect.delayMs);
      case "disconnect": return socket.disconnect();
      case "probe": return socket.probe();
      case "send": return socket.send(effect.event);
      case "play": return player?.play(effect.item, protocol.decodePcm(effect.delta));
      case "say": return speaker?.say(effect.item, effect.text);
      case "endPlay": return speaker?.has(effect.item) ? speaker.end(effect.item) : player?.end(effect.item);
      case "pausePlay": return player?.pause();
      case "resumePlay": return player?.resume();
      case "stopPlay": return speaker?.isBusy ? speaker.stop() : player?.stop();
      case "awaitVerdict": return this.#awaitVerdict(effect.delayMs);
      case "openInput": return void this.#openInput();
      case "release": return this.#release();
      default: throw new Error(`The call knows no effect ${JSON.stringify(effect)}`);
    }
  }

  #url() {
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    return buildRealtimeUrl(location.href, { ...this.state, timeZone, after: this.socket.lastEventId });
  }

  /** @type {(delayMs: number) => void} */
  #awaitVerdict(delayMs) {
    clearTimeout(this.verdictTimer);
    this.verdictTimer = setTimeout(() => this.dispatch({ type: "verdict.overdue" }), delayMs);
  }

  #release() {
    clearTimeout(this.verdictTimer);
    for (const part of [this.listener, this.speaker, this.sound]) part?.close();
    this.sound = this.listener = this.speaker = null;
    this.onLevel("user", 0);
    this.onLevel("assistant", 0);
  }

  /** Hang up because the page is closing: there is no time to wait for the player's report. */
  leave() {
    const { playing, items } = this.state;
    if (!isInCall(this.state)) return;
    if (playing !== null) this.socket.send(buildTruncation(items[playing]));
    this.socket.disconnect();
    this.dispatch({ type: "hang.up" });
  }
}
