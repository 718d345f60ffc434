/** One call: keeps the session's state, performs what the reducer decides, and owns the sound. */

import { remembered, useSpeaker } from "./devices.js";
import { Microphone } from "./microphone.js";
import { Player } from "./player.js";
import * as protocol from "./protocol.js";
import { isInCall, reduce } from "./session.js";
import { RealtimeSocket, realtimeUrl } from "./socket.js";

const PRE_ROLL_FRAMES = 8; // 320 ms: people begin to speak as they press, not after
const AUTOPLAY_WAIT_MS = 1500;
const NO_SOUND = { tone: "error", text: "The browser holds the sound back until you ask for it.", action: "sound" };

export class Call {
  /** `worklets`: {capture, playback} URLs. `onChange(state, before)`; `onLevel("user" | "assistant", rms)`. */
  constructor(state, { worklets, onChange, onLevel }) {
    this.state = state;
    this.worklets = worklets;
    this.onChange = onChange;
    this.onLevel = onLevel;
    this.socket = new RealtimeSocket(
      (event) => this.dispatch({ type: "server", event }),
      (code) => this.dispatch({ type: "socket.closed", code, random: Math.random() }),
    );
    this.preRoll = [];
  }

  dispatch(event) {
    const before = this.state;
    const [state, effects] = reduce(before, event, performance.now());
    this.state = state;
    for (const effect of effects) this.#perform(effect);
    if (state !== before) this.onChange(state, before);
  }

  /**
   * Call it within the tap: browsers let sound begin only there, and iOS plays nothing at all through a context
   * that was made after the microphone was asked for.
   */
  start() {
    return this.#start(() => this.microphone.open(remembered("microphone")), { type: "microphone.ready" });
  }

  /** Without a microphone; the replies are spoken all the same. Within the tap, too. */
  startTyping() {
    return this.#start(() => null, { type: "start.typing" });
  }

  async #start(openMicrophone, ready) {
    this.dispatch({ type: "start" });
    this.#openSound();
    try {
      await Promise.all([openMicrophone(), this.#loadWorklets()]);
      this.dispatch(ready);
    } catch (problem) {
      this.#release();
      this.dispatch({ type: "microphone.failed", notice: asNotice(problem) });
    }
  }

  /** Another microphone, or the same one again, in a running call. */
  async useMicrophone(deviceId) {
    try {
      await this.microphone.open(deviceId);
      this.dispatch({ type: "microphone.ready" });
    } catch (notice) {
      this.dispatch({ type: "microphone.failed", notice: asNotice(notice) });
    }
  }

  async useSpeaker(deviceId) {
    const text = "That speaker could not be used. The sound stays where it was.";
    const works = !this.context || (await useSpeaker(this.context, deviceId));
    this.dispatch({ type: "notice", about: "speaker", notice: works ? null : { tone: "error", text } });
  }

  resumeSound() {
    return this.context?.resume();
  }

  probe() {
    this.socket.probe();
  }

  async letGo() {
    if (this.state.heldSince === null) return;
    await this.microphone.flush();
    this.dispatch({ type: "let.go" });
  }

  get lagSamples() {
    return this.player?.lagSamples ?? 0;
  }

  #openSound() {
    this.#release();
    this.context = new AudioContext({ latencyHint: "interactive" });
    this.context.resume();
    this.context.onstatechange = () => this.#watchSound();
    this.soundTimer = setTimeout(() => this.#watchSound(), AUTOPLAY_WAIT_MS);
    this.microphone = new Microphone(this.context, {
      onFrame: (frame) => this.#onFrame(frame),
      onNotice: (notice) => this.dispatch({ type: "notice", about: "microphone", notice }),
      onLost: (notice) => this.dispatch({ type: "microphone.failed", notice }),
    });
  }

  async #loadWorklets() {
    const context = this.context;
    const { capture, playback } = this.worklets;
    await Promise.all([context.audioWorklet.addModule(capture), context.audioWorklet.addModule(playback)]);
    if (context !== this.context) return; // given up meanwhile
    await useSpeaker(context, remembered("speaker"));
    this.player = new Player(context, {
      onEvent: (event) => this.dispatch(event),
      onLevel: (level) => this.onLevel("assistant", level),
    });
    this.microphone.listen();
  }

  #watchSound() {
    if (!this.context || this.context.state === "closed") return;
    const notice = this.context.state === "running" ? null : NO_SOUND;
    if (notice !== (this.state.notices.sound ?? null)) this.dispatch({ type: "notice", about: "sound", notice });
  }

  #onFrame({ pcm, level }) {
    const { phase, push, muted, heldSince, microphone } = this.state;
    this.onLevel("user", muted && !push ? 0 : level);
    if (phase !== "live" || microphone === "none") this.preRoll = [];
    else if (push && heldSince === null) this.preRoll = [...this.preRoll, pcm].slice(-PRE_ROLL_FRAMES);
    else if (push) this.#sendHeld(pcm);
    // Silence, not nothing: the server's clock and its endpointing run on what it receives.
    else this.socket.sendAudio(muted ? new Int16Array(pcm.length) : pcm);
  }

  #sendHeld(pcm) {
    for (const frame of [...this.preRoll, pcm]) this.socket.sendAudio(frame);
    this.preRoll = [];
  }

  #perform(effect) {
    const { socket, player, state } = this;
    switch (effect.do) {
      case "connect": return socket.connect(this.#url(), effect.delayMs);
      case "disconnect": return socket.disconnect();
      case "probe": return socket.probe();
      case "send": return socket.send(effect.event);
      case "play": return player.play(effect.item, protocol.decodePcm(effect.delta));
      case "endPlay": return player.end(effect.item);
      case "pausePlay": return player.pause();
      case "resumePlay": return player.resume();
      case "stopPlay": return player.stop();
      case "awaitVerdict": return this.#awaitVerdict(effect.delayMs);
      case "release": return this.#release();
      default: throw new Error(`The call knows no effect ${effect.do}`);
    }
  }

  #url() {
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    return realtimeUrl(location.href, { ...this.state, timeZone });
  }

  #awaitVerdict(delayMs) {
    clearTimeout(this.verdictTimer);
    this.verdictTimer = setTimeout(() => this.dispatch({ type: "verdict.overdue" }), delayMs);
  }

  #release() {
    clearTimeout(this.soundTimer);
    clearTimeout(this.verdictTimer);
    this.microphone?.close();
    this.player?.close();
    this.context?.close();
    this.context = this.microphone = this.player = null;
    this.onLevel("user", 0);
    this.onLevel("assistant", 0);
  }

  /** The page is going away: there is no time to wait for the player's report. */
  leave() {
    const { playing, items } = this.state;
    if (!isInCall(this.state)) return;
    if (playing !== null) this.socket.send(protocol.truncate(playing, items[playing].played));
    this.socket.disconnect();
    this.dispatch({ type: "hang.up" });
  }
}

function asNotice(problem) {
  if (problem?.tone) return problem;
  return { tone: "error", text: "The sound could not be started. Reload the page, or try another browser.", action: "again" };
}
