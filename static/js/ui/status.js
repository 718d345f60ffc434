/**
 * What must be clear at a glance: the name of the state (its shape and colour are in talk.css), its label, and what one
 * can do.
 */

/** @typedef {[name: string, label: string, hint: string]} StatusWords */

const LANGUAGES = new Intl.DisplayNames("en", { type: "language" });

/** @type {{ [phase in Phase]?: StatusWords }} */
const FIXED = {
  idle: ["ready", "Ready when you are", ""],
  asking: ["connecting", "Waiting for the microphone", "Please allow it when the browser asks."],
  connecting: ["connecting", "Connecting", ""],
  reconnecting: ["reconnecting", "Connection lost", "Reconnecting to this conversation."],
  busy: ["error", "The server is busy", ""],
  failed: ["error", "The conversation ended", ""],
  ended: ["ended", "Conversation ended", ""],
};

const RESUMING = "Reconnecting. What you say is kept.";

/**
 * Return {name, label, hint}.
 * @type {(state: State) => { name: string, label: string, hint: string }}
 */
export function getStatus(state) {
  const [name, label, fixedHint] = FIXED[state.phase] ?? getLiveStatus(state);
  const hint = state.phase === "reconnecting" && state.isResuming ? RESUMING : fixedHint;
  if (!["failed", "busy"].includes(state.phase) || !state.endLabel) return { name, label, hint };
  return { name: state.notices.server?.tone === "info" ? "ended" : name, label: state.endLabel, hint };
}

/** @type {(state: State) => StatusWords} */
function getLiveStatus(state) {
  const isHearing = state.hearing || state.heldSince !== null || state.paused !== null;
  if (isHearing) return ["hearing", "Hearing you", state.push ? "Release to send." : ""];
  if (state.playing !== null && !state.stopping) return ["speaking", "Speaking", describeInterruption(state)];
  if (state.tool) return ["thinking", "Looking it up", `Using “${state.tool}”.`];
  if (state.thinking) return ["thinking", "Thinking", ""];
  if (state.microphone === "lost") return ["error", "Microphone disconnected", "You can still type."];
  if (state.microphone === "none") return ["ready", "Ready", "Type a message and hear the answer."];
  if (state.push) return ["listening", "Ready to listen", "Hold the button or the space bar while you speak."];
  if (state.muted) return ["muted", "Muted", "The assistant cannot hear you."];
  return ["listening", "Listening", "Just speak."];
}

/** @type {(state: State) => string} */
function describeInterruption({ microphone, push, muted }) {
  if (microphone !== "on") return "Type to interrupt.";
  if (push) return "Hold the button to interrupt.";
  return muted ? "You are muted." : "Speak to interrupt.";
}

/**
 * Return the text for a screen reader, or "" if it should stay quiet.
 *
 * While the assistant speaks or listens in turn, an announcement would talk over the voice and into the microphone.
 * @type {(before: State, after: State) => string}
 */
export function getAnnouncement(before, after) {
  const [old, now] = [getStatus(before), getStatus(after)];
  if (before.muted !== after.muted && after.phase === "live") return after.muted ? "Muted" : "Microphone on";
  if (before.phase === after.phase || old.label === now.label) return "";
  return [now.label, now.hint].filter(Boolean).join(". ");
}

/**
 * Return a language's English name; what was written, if that is no language.
 * @type {(language: string) => string}
 */
function nameLanguage(language) {
  try {
    return LANGUAGES.of(language) ?? language;
  } catch {
    return language;
  }
}

/**
 * Return one sentence for each engine that the site lacks, or lacks for the language.
 * @type {(site: Pick<Assistant, "missing" | "foreign" | "language"> & { can: Record<Half, boolean> }, by: Record<Half, Side>) => string}
 */
export function lacks({ missing, foreign, language, can }, { listen, speak }) {
  const name = nameLanguage(language);
  const noEars = foreign.includes("stt") ? `This site has no speech recognition for ${name}` : "Speech recognition is not installed on this server";
  const recogniser = {
    browser: `${noEars}, so your browser listens.`,
    site: can.listen ? `${noEars}. Choose “This browser” under “Listen with”, or type.` : `${noEars}, and this browser has none. Please type.`,
  };
  const voice = {
    browser: "Speech synthesis is not installed on this server, so your browser speaks.",
    site: "Speech synthesis is not installed on this server. Use a browser that can speak, or add a provider key.",
  };
  const poorVoice = {
    browser: `For ${name} this site has only a simple voice, so your browser speaks.`,
    site: `For ${name} this site has only this simple voice.`,
  };
  const voices = missing.includes("tts") ? voice : foreign.includes("tts") ? poorVoice : null;
  return [missing.includes("stt") && recogniser[listen], voices && voices[speak]].filter(Boolean).join(" ");
}

/**
 * Return what listens, answers and speaks, as one sentence.
 * @type {(engines: [role: string, name: string][], by: Record<Half, Side>) => string}
 */
export function describeEngines(engines, { listen, speak }) {
  /** @type {Record<string, Side>} */
  const by = { Listens: listen, Speaks: speak };
  const named = engines.map(([role, name]) => `${role}: ${by[role] === "browser" ? "this browser" : name}`);
  return `${named.join(" · ")}.`;
}
