/** The talk page as it looks: from the session's state to the document. It decides nothing. */

import { button } from "./button.js";
import { isInCall } from "../reducer/connection.js";
import { latencyLine } from "../reducer/latency.js";
import { announcementOf, statusOf } from "./status.js";
import { isUnacknowledged } from "../reducer/sending.js";
import { Transcript } from "./transcript.js";

const ACTIONS = {
  microphone: "Try the microphone again",
  type: "Type instead",
  sound: "Turn the sound on",
  retry: "Try now",
  again: "Reload the page",
  continue: "Continue here",
};
const CONTINUE = "continue";
const SIGN_IN = "sign-in";
const DISMISSED = new Set(["turn", "speaker", "listening", "speaking"]);
const LIST = new Intl.ListFormat("en", { type: "conjunction" });
const QUIETEST_DB = -54;
const FALL_PER_FRAME = 0.06; // of the meter's length: quick to rise, slow to fall, as the eye expects

export class View {
  /** `root` holds the elements with a data-part; `onAction(action, about)`: a notice's button was pressed. */
  constructor(root, { onAction }) {
    this.root = root;
    this.onAction = onAction;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.transcript = new Transcript(this.part("captions"), this.part("scroller"), { user: "You", assistant: "Assistant" }, onAction);
    this.levels = { user: { heard: 0, shown: 0 }, assistant: { heard: 0, shown: 0 } };
    this.notices = null;
  }

  /** `level`: root mean square, 0 to 1. */
  setLevel(who, level) {
    const db = 20 * Math.log10(level + 1e-9);
    this.levels[who].heard = Math.max(0, Math.min(1, 1 - db / QUIETEST_DB));
  }

  announce(before, after) {
    const words = announcementOf(before, after);
    if (words) this.part("announcer").textContent = words;
  }

  /** Once a frame. */
  render(state, lag, now) {
    const status = statusOf(state);
    const inCall = isInCall(state);
    set(this.root, "state", status.name);
    set(this.root, "phase", inCall ? "call" : state.phase);
    document.body.classList.toggle("in-call", inCall);
    this.#text("status", status.label);
    this.#text("hint", state.phase === "busy" ? countdown(state.retryAt - now) : status.hint);
    this.#text("latency", latencyLine(state));
    this.#renderControls(state);
    this.#renderNotices(state);
    this.transcript.render(state, lag);
    this.#renderLevels(status.name);
  }

  /** For the eye only, hence not a state of the session. */
  showOptions(open) {
    this.root.classList.toggle("options-open", open);
    this.part("options-button").setAttribute("aria-expanded", String(open));
  }

  showLatency(shown) {
    this.part("latency").hidden = !shown;
  }

  /** `patience`: what holds where none is chosen here; "" where nobody chose. */
  showAssistant({ name, description, patience }) {
    this.part("assistant-name").textContent = name;
    this.part("assistant-meter").textContent = name;
    this.part("description").textContent = description;
    this.part("usual-patience").textContent = `As usual (${patience || "balanced"})`;
    this.transcript.names.assistant = name;
  }

  /**
   * Who listens and speaks: "site" or "browser". `demos`: of stt, llm and tts, what the site's demo would serve; `missing`:
   * what of that is not installed; `can`: {listen, speak}, what this browser has.
   */
  showSpeech({ listen, speak }, { demos, missing, can }) {
    set(this.root, "listen", listen);
    set(this.root, "speak", speak);
    const kinds = { stt: listen === "site" && "listen", llm: "answer", tts: speak === "site" && "speak" };
    const done = Object.entries(kinds).filter(([kind, verb]) => verb && demos.includes(kind) && !missing.includes(kind));
    this.part("demo").hidden = done.length === 0 && missing.length === 0;
    this.#text("demo-does", LIST.format(done.map(([, verb]) => verb)));
    this.#text("demo-lacks", lacks(missing, { listen, speak }, can));
    const isDeaf = missing.includes("stt") && listen === "site" && !can.listen;
    this.part("start").hidden = isDeaf;
    this.part("type").classList.toggle("primary", isDeaf);
    this.part("type").classList.toggle("quiet", !isDeaf);
  }

  #renderControls(state) {
    const isLive = state.phase === "live";
    const mute = this.part("mute");
    mute.setAttribute("aria-pressed", String(state.muted));
    mute.disabled = state.push || !["on", "lost"].includes(state.microphone);
    const push = this.part("push");
    push.hidden = !state.push || state.microphone === "none";
    push.disabled = !isLive;
    push.classList.toggle("held", state.heldSince !== null);
    this.#text("push-label", state.heldSince === null ? "Hold to talk" : "Let go to send");
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

  /** A notice that has a button of its own says better how it goes on. */
  #renderAgain({ phase, conversation, notices }) {
    const again = this.part("again");
    again.hidden = [CONTINUE, SIGN_IN].includes(notices.server?.action);
    this.part("history").classList.toggle("primary", !again.hidden);
    this.#text("again", phase !== "failed" ? "Go on talking" : conversation === null ? "Start a new one" : "Try again");
    this.conversation = conversation;
  }

  #link(name, conversation) {
    const link = this.part(name);
    const href = this.root.dataset.conversationUrl.replace("CONVERSATION", conversation);
    if (link.getAttribute("href") !== href) link.setAttribute("href", href);
  }

  #renderNotices({ notices }) {
    if (notices === this.notices) return;
    this.notices = notices;
    const shown = Object.entries(notices).map(([about, notice]) => this.#notice(about, notice));
    this.part("notices").replaceChildren(...shown);
  }

  #notice(about, { tone, text, action }) {
    const notice = document.createElement("div");
    notice.className = `notice ${tone}`;
    const words = document.createElement("p");
    words.textContent = text;
    const buttons = document.createElement("div");
    buttons.className = "row";
    if (action === SIGN_IN) buttons.append(this.#signIn());
    if (ACTIONS[action]) buttons.append(button(ACTIONS[action], () => this.onAction(action, about), action === CONTINUE));
    if (DISMISSED.has(about)) buttons.append(button("Dismiss", () => this.onAction("dismiss", about)));
    notice.append(words, buttons);
    return notice;
  }

  /** Back to this conversation, once signed in. */
  #signIn() {
    const { signInUrl, talkUrl } = this.root.dataset;
    const query = this.conversation ? `?${new URLSearchParams({ conversation: this.conversation })}` : "";
    const link = document.createElement("a");
    link.className = "button primary small";
    link.href = `${signInUrl}?${new URLSearchParams({ next: talkUrl + query })}`;
    link.textContent = "Sign in";
    return link;
  }

  #renderLevels(name) {
    for (const [who, level] of Object.entries(this.levels)) {
      level.shown = Math.max(level.heard, level.shown - FALL_PER_FRAME);
      this.part(`level-${who}`).style.transform = `scaleX(${level.shown.toFixed(3)})`;
    }
    const speaker = name === "speaking" ? "assistant" : "user";
    this.part("orb").style.setProperty("--level", this.levels[speaker].shown.toFixed(3));
  }

  #text(name, text) {
    const part = this.part(name);
    if (part.textContent !== text) part.textContent = text;
  }
}

/** Only what differs: writing the same value again costs a style recalculation, sixty times a second. */
function set(element, key, value) {
  if (element.dataset[key] !== value) element.dataset[key] = value;
}

/** One sentence for each half that the site has no engine for. */
function lacks(missing, { listen, speak }, can) {
  const ears = {
    browser: "Speech recognition is not installed on this server, so your browser listens.",
    site: can.listen
      ? "Speech recognition is not installed on this server: let this browser listen, below, or type."
      : "Speech recognition is not installed on this server, and this browser has none: please type.",
  };
  const voice = {
    browser: "Speech synthesis is not installed on this server, so your browser speaks.",
    site: "Speech synthesis is not installed on this server: let a browser speak that can, or add a provider key.",
  };
  const told = [missing.includes("stt") && ears[listen], missing.includes("tts") && voice[speak]];
  return told.filter(Boolean).join(" ");
}

function countdown(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return seconds > 0 ? `Trying again in ${seconds} s.` : "Trying again.";
}
