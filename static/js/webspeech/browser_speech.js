/** What this browser offers of the Web Speech API. */

import { makeItemId } from "../net/protocol.js";
import { Listener } from "./listener.js";
import { Speaker } from "./speaker.js";
import { hasVoiceFor, sortVoices } from "./voices.js";

/** The browser's recogniser and voices. */
export class BrowserSpeech {
  /**
   * `settings()`: {language ("" for the browser's own), rate, patience, voice}, asked for whenever one is needed.
   * @param {SpeechBrowser} browser
   * @param {() => SpeechSettings} settings
   */
  constructor(browser, settings) {
    this.Recognition = browser.SpeechRecognition ?? browser.webkitSpeechRecognition ?? null;
    this.synthesis = browser.speechSynthesis ?? null;
    this.Utterance = browser.SpeechSynthesisUtterance;
    this.browser = browser;
    this.settings = () => {
      const wanted = settings();
      return { ...wanted, language: wanted.language || browser.navigator.language };
    };
  }

  get canListen() {
    return this.Recognition !== null;
  }

  /**
   * Return whether there is a voice for the language, or any at all for "". Browsers report their voices late: see
   * `onVoices`.
   * @type {(language: string) => boolean}
   */
  canSpeak(language) {
    return hasVoiceFor(this.#voices(), language);
  }

  /**
   * Return the voices, those of the language first.
   * @type {(language: string) => SpeechSynthesisVoice[]}
   */
  sortVoices(language) {
    return sortVoices(this.#voices(), language || this.browser.navigator.language);
  }

  /** @type {(handler: () => void) => void} */
  onVoices(handler) {
    this.synthesis?.addEventListener?.("voiceschanged", handler);
  }

  /**
   * Return a recogniser, or null if the browser has none.
   * @type {(handlers: ListenerHandlers) => Listener | null}
   */
  listener(handlers) {
    const { Recognition } = this;
    if (Recognition === null) return null;
    const { document, navigator } = this.browser;
    const isAndroid = /Android/u.test(navigator.userAgent);
    const settings = () => ({ ...this.settings(), isAndroid });
    return new Listener(Recognition, { ...handlers, settings, newId: makeItemId, isHidden: () => document.hidden });
  }

  /** @type {(handlers: SpeakerHandlers) => Speaker | null} */
  speaker(handlers) {
    if (this.synthesis === null) return null;
    const { settings, browser } = this;
    return new Speaker(this.synthesis, this.Utterance, { ...handlers, settings, now: () => browser.performance.now() });
  }

  #voices() {
    return this.synthesis?.getVoices() ?? [];
  }
}
