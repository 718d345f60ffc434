/**
 * What of the microphone is sent: all of it, silence while it is muted, or what is said while a key is held. While a lost
 * connection is made again it waits to be sent.
 */

const PRE_ROLL_FRAMES = 8; // 320 ms: people begin to speak as they press, not after

export class MicrophoneGate {
  /** @param {(pcm: Frame["pcm"]) => void} send */
  constructor(send) {
    this.send = send;
    /** @type {Frame["pcm"][]} */
    this.preRoll = [];
  }

  /** @type {(pcm: Frame["pcm"], state: State) => void} */
  take(pcm, { phase, isResuming, push, muted, heldSince, microphone, listen }) {
    if ((phase !== "live" && !isResuming) || microphone === "none" || listen === "browser") this.preRoll = [];
    else if (push && heldSince === null) this.preRoll = [...this.preRoll, pcm].slice(-PRE_ROLL_FRAMES);
    else if (push) this.#sendHeld(pcm);
    // Silence, not nothing: the server's clock and its endpointing run on what it receives.
    else this.send(muted ? new Int16Array(pcm.length) : pcm);
  }

  /** @type {(pcm: Frame["pcm"]) => void} */
  #sendHeld(pcm) {
    for (const frame of [...this.preRoll, pcm]) this.send(frame);
    this.preRoll = [];
  }
}
