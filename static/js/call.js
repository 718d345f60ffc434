/** One call: hold the session's state, perform what the reducer decides, and own the sound. */

import { isInCall } from "./reducer/connection.js";
import { asNotice, isNotice } from "./ui/notices.js";
import { recall, useSpeaker } from "./ui/devices.js";
import { Microphone } from "./audio/microphone.js";
import { Player } from "./audio/player.js";
import { buildTruncation } from "./reducer/playback.js";
import * as protocol from "./net/protocol.js";
import { reduce } from "./reducer/session.js";
import { RealtimeSocket, buildRealtimeUrl } from "./net/socket.js";
import { wantsListener } from "./reducer/words.js";

const PRE_ROLL_FRAMES = 8; // 320 ms: people begin to speak as they press, not after
const AUTOPLAY_WAIT_MS = 1500;
/** @type {Notice} */
const NO_SOUND = { tone: "error", text: "Your browser blocked the sound. Turn it on to hear the assistant.", action: "sound" };

/**
 * @import { BrowserSpeech } from "./webspeech/browser.js"
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
    /** @type {Frame["pcm"][]} */ this.preRoll = [];
    /** @type {AudioContext | null} */ this.context = null;
    /** @type {Microphone | null} */ this.microphone = null;
    /** @type {Player | null} */ this.player = null;
    /** @type {Listener | null} */ this.listener = null;
    /** @type {Speaker | null} */ this.speaker = null;
    /** @type {Promise<void> | null} */ this.loading = null; // the worklets
    /** @type {number | undefined} */ this.soundTimer = undefined;
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
    if (isInCall(this.state)) this.listener?.keep(wantsListener(this.state), this.state.push);
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
      await this.loading;
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
    this.microphone?.release();
    try {
      await Promise.all([this.listener?.open(), this.loading]);
      this.dispatch({ type: "microphone.ready" });
    } catch (problem) {
      if (isNotice(problem)) this.dispatch({ type: "listener.failed", notice: problem });
      else this.#failInput(problem);
    }
  }

  async #openMicrophone() {
    this.listener?.close();
    try {
      await Promise.all([this.microphone?.open(recall("microphone")), this.loading]);
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
      await this.microphone?.open(deviceId);
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
    const works = !this.context || (await useSpeaker(this.context, deviceId));
    this.dispatch({ type: "notice", about: "speaker", notice: works ? null : { tone: "error", text } });
  }

  /** Let the sound go on after the browser has suspended it. */
  resumeSound() {
    return this.context?.resume();
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
    if (this.state.listen === "site") await this.microphone?.flush();
    this.dispatch({ type: "let.go" });
  }

  get lagSamples() {
    return this.player?.lagSamples ?? 0;
  }

  #openSound() {
    this.#release();
    const context = new AudioContext({ latencyHint: "interactive" });
    this.context = context;
    context.resume();
    context.onstatechange = () => this.#watchSound();
    this.soundTimer = setTimeout(() => this.#watchSound(), AUTOPLAY_WAIT_MS);
    const microphone = new Microphone(context, {
      onFrame: (frame) => this.#onFrame(frame),
      onNotice: (notice) => this.dispatch({ type: "notice", about: "microphone", notice }),
      onLost: (notice) => this.dispatch({ type: "microphone.failed", notice }),
    });
    this.microphone = microphone;
    this.loading = this.#loadWorklets(context, microphone);
    this.loading.catch(() => {}); // who waits for it is told
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

  /** @type {(context: AudioContext, microphone: Microphone) => Promise<void>} */
  async #loadWorklets(context, microphone) {
    const { capture, playback } = this.worklets;
    await Promise.all([context.audioWorklet.addModule(capture), context.audioWorklet.addModule(playback)]);
    if (context !== this.context) return; // given up meanwhile
    await useSpeaker(context, recall("speaker"));
    this.player = new Player(context, {
      onEvent: (event) => this.dispatch(event),
      onLevel: (level) => this.onLevel("assistant", level),
    });
    microphone.listen();
  }

  #watchSound() {
    if (!this.context || this.context.state === "closed") return;
    const notice = this.context.state === "running" ? null : NO_SOUND;
    if (notice !== (this.state.notices.sound ?? null)) this.dispatch({ type: "notice", about: "sound", notice });
  }

  /** @type {(frame: Frame) => void} */
  #onFrame({ pcm, level }) {
    const { phase, push, muted, heldSince, microphone, listen } = this.state;
    this.onLevel("user", muted && !push ? 0 : level);
    if (phase !== "live" || microphone === "none" || listen === "browser") this.preRoll = [];
    else if (push && heldSince === null) this.preRoll = [...this.preRoll, pcm].slice(-PRE_ROLL_FRAMES);
    else if (push) this.#sendHeld(pcm);
    // Silence, not nothing: the server's clock and its endpointing run on what it receives.
    else this.socket.sendAudio(muted ? new Int16Array(pcm.length) : pcm);
  }

  /** @type {(pcm: Frame["pcm"]) => void} */
  #sendHeld(pcm) {
    for (const frame of [...this.preRoll, pcm]) this.socket.sendAudio(frame);
    this.preRoll = [];
  }

  /** @type {(effect: Effect) => void} */
  #perform(effect) {
    const { socket, player, speaker } = this;
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
    return buildRealtimeUrl(location.href, { ...this.state, timeZone });
  }

  /** @type {(delayMs: number) => void} */
  #awaitVerdict(delayMs) {
    clearTimeout(this.verdictTimer);
    this.verdictTimer = setTimeout(() => this.dispatch({ type: "verdict.overdue" }), delayMs);
  }

  #release() {
    clearTimeout(this.soundTimer);
    clearTimeout(this.verdictTimer);
    for (const part of [this.listener, this.speaker, this.microphone, this.player, this.context]) part?.close();
    this.context = this.microphone = this.player = this.listener = this.speaker = null;
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
