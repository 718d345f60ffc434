/** The assistant and voice pickers. */

import { remember, remembered } from "./devices.js";

export class Pickers {
  /** `data`: as the page gives it; `onChoice({assistant, voice})` when the person picks another. */
  constructor(view, { assistants, chosen }, onChoice) {
    this.view = view;
    this.assistants = new Map(assistants.map((assistant) => [assistant.slug, assistant]));
    this.onChoice = onChoice;
    this.assistantPicker = view.part("assistants");
    this.voicePicker = view.part("voices");
    if (this.assistants.has(chosen)) this.assistantPicker.value = chosen;
    this.#show();
    this.assistantPicker.addEventListener("change", () => this.#chosen());
    this.voicePicker.addEventListener("change", () => {
      remember(`voice of ${this.assistant.slug}`, this.voicePicker.value);
      this.onChoice(this.choice);
    });
  }

  get assistant() {
    return this.assistants.get(this.assistantPicker.value);
  }

  get choice() {
    return { assistant: this.assistant?.slug ?? "", voice: this.voicePicker.value };
  }

  #chosen() {
    this.#show();
    this.onChoice(this.choice);
  }

  #show() {
    if (!this.assistant) return;
    const { slug, voice, voices } = this.assistant;
    const isListed = voices.some(([id]) => id === voice) || !voice;
    const options = (isListed ? voices : [[voice, voice], ...voices]).map(([id, label]) => new Option(label, id));
    this.voicePicker.replaceChildren(...options);
    this.voicePicker.closest(".field").hidden = options.length === 0;
    const wanted = [remembered(`voice of ${slug}`), voice].find((id) => options.some(({ value }) => value === id));
    if (wanted) this.voicePicker.value = wanted;
    this.view.showAssistant(this.assistant);
  }
}
