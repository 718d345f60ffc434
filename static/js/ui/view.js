/** The talk page as it looks: bring the session's state into the document. It makes no decisions. */

import { buildButton } from "./button.js";
import { isInCall } from "../reducer/connection.js";
import { describeLatency } from "../reducer/latency.js";
import { describeEngines, getAnnouncement, lacks, getStatus } from "./status.js";
import { isUnacknowledged } from "../reducer/outgoing_messages.js";
import { Captions } from "./captions.js";

/** @type {{ [action: string]: string }} */
const ACTIONS = {
  microphone: "Try the microphone again",
  type: "Type instead",
  sound: "Turn on sound",
  retry: "Try now",
  again: "Reload the page",
  continue: "Continue here",
};
const CONTINUE = "continue";
const SIGN_IN = "sign-in";
const DISMISSED = new Set(["turn", "speaker", "listening", "speaking"]);
const LIST = new Intl.ListFormat("en", { type: "conjunction" });
/** @type {Engine[]} */
const ENGINES = ["stt", "llm", "tts"];
const QUIETEST_DB = -54;
const FALL_PER_FRAME = 0.06; // of the meter's length: quick to rise, slow to fall, as the eye expects

/** @typedef {"user" | "assistant"} Speaker */

/** @type {Speaker[]} */
const SPEAKERS = ["user", "assistant"];

/** The elements of the page. */
export class View {
  /**
   * `root` holds the elements with a data-part; `onAction(action, about)`: a notice's button was pressed.
   * @param {HTMLElement} root
   * @param {{ onAction: (action: string, about: string) => void }} handlers
   */
  constructor(root, { onAction }) {
    this.root = root;
    this.onAction = onAction;
    this.captions = new Captions(this.part("captions"), this.part("scroller"), { user: "You", assistant: "Assistant" }, onAction);
    /** @type {Record<Speaker, { heard: number, shown: number }>} */
    this.levels = { user: { heard: 0, shown: 0 }, assistant: { heard: 0, shown: 0 } };
    /** @type {State["notices"] | null} */
    this.notices = null;
    /** @type {string | null} */
    this.conversation = null;
  }

  /**
   * Return the element with this data-part.
   * @type {<Name extends keyof Parts>(name: Name) => Parts[Name]}
   */
  part(name) {
    return /** @type {Parts[typeof name]} */ (this.root.querySelector(`[data-part="${name}"]`));
  }

  /**
   * Show a sound level: the root mean square, 0 to 1.
   * @type {(who: Speaker, level: number) => void}
   */
  setLevel(who, level) {
    const db = 20 * Math.log10(level + 1e-9);
    this.levels[who].heard = Math.max(0, Math.min(1, 1 - db / QUIETEST_DB));
  }

  /** @type {(before: State, after: State) => void} */
  announce(before, after) {
    const words = getAnnouncement(before, after);
    if (words) this.part("announcer").textContent = words;
  }

  /**
   * Update the page, once for each frame.
   * @type {(state: State, lag: number, now: number) => void}
   */
  render(state, lag, now) {
    const status = getStatus(state);
    const inCall = isInCall(state);
    set(this.root, "state", status.name);
    set(this.root, "phase", inCall ? "call" : state.phase);
    document.body.classList.toggle("in-call", inCall);
    this.#text("status", status.label);
    this.#text("hint", state.phase === "busy" ? formatCountdown((state.retryAt ?? now) - now) : status.hint);
    this.#text("latency", describeLatency(state));
    this.#renderControls(state);
    this.#renderNotices(state);
    this.captions.render(state, lag);
    this.#renderLevels(status.name);
  }

  /**
   * Show or hide the options. They are no part of the session's state.
   * @type {(open: boolean) => void}
   */
  showOptions(open) {
    this.root.classList.toggle("options-open", open);
    this.part("options-button").setAttribute("aria-expanded", String(open));
  }

  /** @type {(shown: boolean) => void} */
  showLatency(shown) {
    this.part("latency").hidden = !shown;
  }

  /**
   * Show the assistant. `patience` is what applies if none is chosen here; "" if nobody chose.
   * @type {(assistant: Assistant) => void}
   */
  showAssistant({ name, description, patience }) {
    this.part("assistant-name").textContent = name;
    this.part("assistant-meter").textContent = name;
    this.part("description").textContent = description;
    this.part("usual-patience").textContent = `Default (${patience || "balanced"})`;
    this.captions.names.assistant = name;
  }

  /**
   * Show who listens and speaks: "site" or "browser".
   *
   * `demos` names those of stt, llm and tts that the demo would serve, `missing` those that nothing serves, `foreign`
   * those for want of the language; `engines` names all. `can` is {listen, speak}: what this browser offers.
   * @type {(by: Record<Half, Side>, site: Pick<Assistant, "demos" | "missing" | "foreign" | "engines" | "language"> & { can: Record<Half, boolean> }) => void}
   */
  showSpeech({ listen, speak }, { demos, missing, foreign, engines, language, can }) {
    set(this.root, "listen", listen);
    set(this.root, "speak", speak);
    /** @type {Record<Engine, string | false>} */
    const kinds = { stt: listen === "site" && "listen", llm: "answer", tts: speak === "site" && "speak" };
    const done = ENGINES.filter((kind) => kinds[kind] && demos.includes(kind) && !missing.includes(kind));
    this.part("demo").hidden = done.length + missing.length + foreign.length === 0;
    this.part("demo-is").hidden = done.length === 0;
    this.#text("demo-does", LIST.format(done.map((kind) => kinds[kind] || "")));
    this.#text("demo-lacks", lacks({ missing, foreign, language, can }, { listen, speak }));
    this.#text("engines", describeEngines(engines, { listen, speak }));
    const isDeaf = missing.includes("stt") && listen === "site" && !can.listen;
    this.part("start").hidden = isDeaf;
    this.part("type").classList.toggle("primary", isDeaf);
    this.part("type").classList.toggle("quiet", !isDeaf);
  }

  /** @type {(state: State) => void} */
  #renderControls(state) {
    const isLive = state.phase === "live";
    const mute = this.part("mute");
    mute.setAttribute("aria-pressed", String(state.muted));
    mute.disabled = state.push || !["on", "lost"].includes(state.microphone);
    const push = this.part("push");
    push.hidden = !state.push || state.microphone === "none";
    push.disabled = !isLive;
    push.classList.toggle("held", state.heldSince !== null);
    this.#text("push-label", state.heldSince === null ? "Hold to talk" : "Release to send");
    this.part("text").disabled = this.part("send").disabled = state.startedAt === null;
    this.part("push-option").checked = state.push;
    this.part("start").disabled = state.phase === "asking";
    this.part("type").disabled = state.phase === "asking";
    this.part("no-captions").hidden = state.order.length > 0;
    // A conversation without a word is not kept.
    this.part("history").hidden = state.conversation === null || state.order.every((id) => isUnacknowledged(state.items[id]));
    this.#renderAgain(state);
    if (state.conversation) this.#link("history", state.conversation);
  }

  /**
   * Show the button to start again, unless a notice has a button of its own that says better how to go on.
   * @type {(state: State) => void}
   */
  #renderAgain({ phase, conversation, notices }) {
    const again = this.part("again");
    again.hidden = [CONTINUE, SIGN_IN].includes(notices.server?.action ?? "");
    this.part("history").classList.toggle("primary", !again.hidden);
    this.#text("again", phase !== "failed" ? "Keep talking" : conversation === null ? "Start a new one" : "Try again");
    this.conversation = conversation;
  }

  /** @type {(name: "history", conversation: string) => void} */
  #link(name, conversation) {
    const link = this.part(name);
    const href = (this.root.dataset.conversationUrl ?? "").replace("CONVERSATION", conversation);
    if (link.getAttribute("href") !== href) link.setAttribute("href", href);
  }

  /** @type {(state: State) => void} */
  #renderNotices({ notices }) {
    if (notices === this.notices) return;
    this.notices = notices;
    const shown = Object.entries(notices).map(([about, notice]) => this.#notice(about, notice));
    this.part("notices").replaceChildren(...shown);
  }

  /** @type {(about: string, notice: Notice) => HTMLElement} */
  #notice(about, { tone, text, action }) {
    const notice = document.createElement("div");
    notice.className = `notice ${tone}`;
    const words = document.createElement("p");
    words.textContent = text;
    const buttons = document.createElement("div");
    buttons.className = "row";
    if (action === SIGN_IN) buttons.append(this.#signIn());
    if (action && action in ACTIONS) buttons.append(buildButton(ACTIONS[action], () => this.onAction(action, about), action === CONTINUE));
    if (DISMISSED.has(about)) buttons.append(buildButton("Dismiss", () => this.onAction("dismiss", about)));
    notice.append(words, buttons);
    return notice;
  }

  /** Return a link to sign in, which leads back to this conversation. */
  #signIn() {
    const { signInUrl, talkUrl } = this.root.dataset;
    const query = this.conversation ? `?${new URLSearchParams({ conversation: this.conversation })}` : "";
    const link = document.createElement("a");
    link.className = "button primary small";
    link.href = `${signInUrl}?${new URLSearchParams({ next: talkUrl + query })}`;
    link.textContent = "Sign in";
    return link;
  }

  /** @type {(name: string) => void} */
  #renderLevels(name) {
    for (const who of SPEAKERS) {
      const level = this.levels[who];
      level.shown = Math.max(level.heard, level.shown - FALL_PER_FRAME);
      this.part(`level-${who}`).style.transform = `scaleX(${level.shown.toFixed(3)})`;
    }
    /** @type {Speaker} */
    const speaker = name === "speaking" ? "assistant" : "user";
    this.part("orb").style.setProperty("--level", this.levels[speaker].shown.toFixed(3));
  }

  /** @type {(name: keyof Parts, text: string) => void} */
  #text(name, text) {
    const part = this.part(name);
    if (part.textContent !== text) part.textContent = text;
  }
}

/**
 * Set a value only if it differs: writing the same value again costs a style recalculation, sixty times a second.
 * @type {(element: HTMLElement, key: string, value: string) => void}
 */
function set(element, key, value) {
  if (element.dataset[key] !== value) element.dataset[key] = value;
}

/** @type {(ms: number) => string} */
function formatCountdown(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return seconds > 0 ? `Trying again in ${seconds} s.` : "Trying again.";
}
