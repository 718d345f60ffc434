/**
 * The notice that says how to get a language model for this site's machine. It turns green by itself when one is there.
 * @import { Pickers } from "./pickers.js"
 * @import { View } from "./view.js"
 */

import { getField } from "./devices.js";

const POLL_MS = 5000; // while the notice waits, and can be seen
const SOON_MS = 1500; // after a question, when the site has had the time to look
/** @type {Record<LocalModelState["tone"], string>} */
const TONES = { ready: "success", gone: "warning", empty: "info", missing: "info", off: "info" };

export class LocalModel {
  /**
   * `onChange()`: the engines of the assistants have changed.
   * @param {View} view
   * @param {Pickers} pickers
   * @param {LocalModelState} state
   * @param {() => void} onChange
   */
  constructor(view, pickers, state, onChange) {
    this.view = view;
    this.pickers = pickers;
    this.state = state;
    this.onChange = onChange;
    this.form = view.part("local-model-form");
    this.timer = 0;
    this.hasTurnedGreen = false;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#lookAgain();
    });
    view.part("local-models").addEventListener("change", () => void this.#pick());
    document.addEventListener("visibilitychange", () => this.#schedule(0));
    this.show();
    if (pickers.assistant?.usesLocalModel) this.check();
  }

  /** Show what holds for the assistant that is chosen. */
  show() {
    const { assistant, view, state } = this;
    const notice = view.part("local-model");
    notice.hidden = state.tone === "off" || !(assistant.wantsLocalModel || (this.hasTurnedGreen && assistant.usesLocalModel));
    for (const tone of Object.values(TONES)) notice.classList.toggle(tone, tone === TONES[state.tone]);
    view.part("local-model-text").textContent = state.text;
    view.part("local-model-command").textContent = state.command;
    view.part("local-model-command").hidden = !state.command;
    view.part("local-model-look").hidden = state.tone === "ready";
    this.#offerModels();
    this.#schedule(POLL_MS);
  }

  /** Ask what there is now, and once more when the site has looked: a server may have gone. */
  check() {
    void this.#ask(this.form.dataset.stateUrl ?? "");
    this.#schedule(SOON_MS, true);
  }

  #offerModels() {
    const picker = this.view.part("local-models");
    const { models, picked } = this.state;
    getField(picker).hidden = !this.assistant.usesLocalModel || models.length < 2;
    picker.replaceChildren(new Option("The one used last", ""), ...models.map(([name, label]) => new Option(label, name)));
    picker.value = models.some(([name]) => name === picked) ? picked : "";
  }

  /** @type {(delayMs: number, isAsked?: boolean) => void} */
  #schedule(delayMs, isAsked = false) {
    clearTimeout(this.timer);
    const isSeen = this.view.part("local-model").offsetParent !== null; // not during a call
    if (document.hidden || !(isAsked || (isSeen && this.#isWaiting))) return;
    this.timer = setTimeout(() => void this.#ask(this.form.dataset.stateUrl ?? ""), delayMs);
  }

  async #lookAgain() {
    const button = this.view.part("local-model-look");
    button.disabled = true;
    await this.#ask(this.form.action, new FormData(this.form));
    button.disabled = false;
  }

  async #pick() {
    const body = new FormData(this.form);
    body.append("model", this.view.part("local-models").value);
    await this.#ask(this.view.part("local-models").dataset.url ?? "", body);
  }

  /**
   * Get the state, by a POST where there is a body. What fails is asked for again in time.
   * @type {(url: string, body?: FormData) => Promise<void>}
   */
  async #ask(url, body) {
    try {
      const method = body ? "POST" : "GET";
      const answer = await fetch(url, { method, body: body ?? null, headers: { Accept: "application/json" } });
      if (answer.ok && !answer.redirected) this.#take(await answer.json());
    } catch {
      // the site cannot be reached now
    }
    this.#schedule(POLL_MS);
  }

  /** @type {(state: LocalModelState & { assistants: Record<string, AssistantEngines> }) => void} */
  #take({ assistants, ...state }) {
    this.hasTurnedGreen ||= this.#isWaiting && state.tone === "ready";
    this.state = state;
    this.pickers.updateEngines(assistants);
    this.show();
    this.onChange();
  }

  // One that is ready, for an assistant that still wants it, was found while the site made up its answer.
  get #isWaiting() {
    return this.assistant.wantsLocalModel && this.state.tone !== "off";
  }

  /** @type {Pick<Assistant, "usesLocalModel" | "wantsLocalModel">} */
  get assistant() {
    return this.pickers.assistant ?? { usesLocalModel: false, wantsLocalModel: false };
  }
}
