/**
 * The assistant and voice pickers.
 * @import { View } from "./view.js"
 * @import { BrowserSpeech } from "../webspeech/browser_speech.js"
 */

import { getField, remember, recall } from "./devices.js";
import { VoiceSample } from "./voice_sample.js";
import { getLabel } from "../webspeech/voices.js";

export class Pickers {
  /**
   * `data`: as the page gives it; `onChoice({assistant, voice})` when the person picks another.
   * @param {View} view
   * @param {PageData} data
   * @param {BrowserSpeech} browserSpeech
   * @param {(choice: { assistant: string, voice: string }) => void} onChoice
   */
  constructor(view, { assistants, chosen }, browserSpeech, onChoice) {
    this.view = view;
    this.assistants = new Map(assistants.map((assistant) => [assistant.slug, assistant]));
    this.browserSpeech = browserSpeech;
    this.onChoice = onChoice;
    /** @type {Side} */
    this.speaker = "site"; // whose voices are offered
    this.assistantPicker = view.part("assistants");
    this.voicePicker = view.part("voices");
    this.sample = new VoiceSample(view);
    if (this.assistants.has(chosen)) this.assistantPicker.value = chosen;
    this.#show();
    this.assistantPicker.addEventListener("change", () => {
      this.#show();
      this.onChoice(this.choice);
    });
    this.voicePicker.addEventListener("change", () => {
      remember(this.#voiceName(), this.voicePicker.value);
      this.sample.offer(this.#sampleUrl);
      if (this.speaker === "site") this.onChoice(this.choice);
    });
  }

  get assistant() {
    return this.assistants.get(this.assistantPicker.value);
  }

  /** Return what is chosen. `voice` is the site's, even while the browser speaks. */
  get choice() {
    return { assistant: this.assistant?.slug ?? "", voice: this.#wanted("site", this.#siteVoices()) };
  }

  /** Return where the chosen voice of the site can be heard, "" where it cannot. */
  get #sampleUrl() {
    const { voice } = this.choice;
    return this.speaker === "site" && voice ? (this.assistant?.samples.replace("VOICE", encodeURIComponent(voice)) ?? "") : "";
  }

  /** Return the browser's voice that is to speak, or null for its own choice. */
  get browserVoice() {
    const chosen = this.#wanted("browser", this.#browserVoices());
    return this.#voicesOfBrowser().find(({ voiceURI }) => voiceURI === chosen) ?? null;
  }

  /**
   * Offer the voices of "site" or "browser".
   * @type {(speaker: Side) => void}
   */
  offerVoicesOf(speaker) {
    if (speaker === this.speaker) return;
    this.speaker = speaker;
    this.showVoices();
  }

  showVoices() {
    const voices = this.speaker === "site" ? this.#siteVoices() : this.#browserVoices();
    this.voicePicker.replaceChildren(...voices.map(([id, label]) => new Option(label, id)));
    getField(this.voicePicker).hidden = voices.length === 0;
    this.voicePicker.value = this.#wanted(this.speaker, voices);
    this.sample.offer(this.#sampleUrl);
  }

  /**
   * Take over what serves the assistants now, by slug.
   * @type {(engines: Record<string, AssistantEngines>) => void}
   */
  updateEngines(engines) {
    for (const [slug, assistant] of this.assistants) Object.assign(assistant, engines[slug]);
  }

  #show() {
    if (!this.assistant) return;
    this.showVoices();
    this.view.showAssistant(this.assistant);
  }

  /**
   * Return the voice that was chosen here, else the assistant's own, else the first of all.
   * @type {(speaker: Side, voices: [id: string, label: string][]) => string}
   */
  #wanted(speaker, voices) {
    const wishes = [recall(this.#voiceName(speaker)), speaker === "site" ? this.assistant?.voice : ""];
    return wishes.find((wish) => voices.some(([id]) => id === wish)) ?? voices[0]?.[0] ?? "";
  }

  /**
   * Return [[id, label], …].
   * @type {() => [id: string, label: string][]}
   */
  #siteVoices() {
    const { voice, voices } = this.assistant ?? { voice: "", voices: [] };
    const isListed = voices.some(([id]) => id === voice) || !voice;
    return isListed ? voices : [[voice, voice], ...voices];
  }

  /** @type {() => [id: string, label: string][]} */
  #browserVoices() {
    return this.#voicesOfBrowser().map((voice) => [voice.voiceURI, getLabel(voice)]);
  }

  #voicesOfBrowser() {
    return this.browserSpeech.sortVoices(this.assistant?.language ?? "");
  }

  /** @type {(speaker?: Side) => string} */
  #voiceName(speaker = this.speaker) {
    const name = `voice of ${this.assistant?.slug}`;
    return speaker === "site" ? name : `browser ${name}`;
  }
}
