/** What a glance must tell: the name of the state (its form and colour in talk.css), its words, and what one can do. */

const FIXED = {
  idle: ["ready", "Ready when you are", ""],
  asking: ["connecting", "Waiting for the microphone", "Please allow it when the browser asks."],
  connecting: ["connecting", "Connecting", ""],
  reconnecting: ["reconnecting", "Connection lost", "Reconnecting to this conversation."],
  busy: ["error", "The server is busy", ""],
  failed: ["error", "The conversation was ended", ""],
  ended: ["ended", "Conversation ended", ""],
};

/** Returns {name, label, hint}. */
export function statusOf(state) {
  const [name, label, hint] = FIXED[state.phase] ?? liveStatus(state);
  if (!["failed", "busy"].includes(state.phase) || !state.endLabel) return { name, label, hint };
  return { name: state.notices.server?.tone === "info" ? "ended" : name, label: state.endLabel, hint };
}

function liveStatus(state) {
  const isHearing = state.hearing || state.heldSince !== null || state.paused !== null;
  if (isHearing) return ["hearing", "Hearing you", state.push ? "Let go to send." : ""];
  if (state.playing !== null && !state.stopping) return ["speaking", "Speaking", interruption(state)];
  if (state.tool) return ["thinking", "Looking it up", `It uses “${state.tool}”.`];
  if (state.thinking) return ["thinking", "Thinking", ""];
  if (state.microphone === "lost") return ["error", "The microphone is gone", "You can still type."];
  if (state.microphone === "none") return ["ready", "Ready", "Type a message; the answer is spoken."];
  if (state.push) return ["listening", "Ready to listen", "Hold the button or the space bar while you speak."];
  if (state.muted) return ["muted", "Muted", "You are not heard."];
  return ["listening", "Listening", "Just speak."];
}

function interruption({ microphone, push, muted }) {
  if (microphone !== "on") return "Type to interrupt.";
  if (push) return "Hold the button to interrupt.";
  return muted ? "You are muted." : "Speak to interrupt.";
}

/**
 * Words for a screen reader, or "" where it should keep quiet: while the assistant speaks or listens in turn, an
 * announcement would talk over the voice and into the microphone.
 */
export function announcementOf(before, after) {
  const [old, now] = [statusOf(before), statusOf(after)];
  if (before.muted !== after.muted && after.phase === "live") return after.muted ? "Muted" : "Microphone on";
  if (before.phase === after.phase || old.label === now.label) return "";
  return [now.label, now.hint].filter(Boolean).join(". ");
}
