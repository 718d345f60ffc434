/** Keep the screen on during a call, since a phone that locks takes the microphone away. */

/** The lock on the screen. */
export class WakeLock {
  constructor() {
    this.wanted = false;
    /** @type {WakeLockSentinel | null} */
    this.lock = null;
    document.addEventListener("visibilitychange", () => this.#take());
  }

  /** @type {(wanted: boolean) => void} */
  keep(wanted) {
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    if (wanted) this.#take();
    else this.lock?.release();
  }

  async #take() {
    // The browser drops the lock with the page's visibility, and may refuse it on a low battery.
    if (!this.wanted || document.visibilityState !== "visible" || !navigator.wakeLock) return;
    this.lock = await navigator.wakeLock.request("screen").catch(() => null);
    if (!this.wanted) this.lock?.release();
  }
}
