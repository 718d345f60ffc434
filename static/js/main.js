/** The talk page: connect its parts. */

import { Call } from "./call.js";
import { isInCall } from "./reducer/connection.js";
import { pushToTalk } from "./ui/push_to_talk.js";
import { fillPickers, remember, recall } from "./ui/devices.js";
import { keepDraft, takeDraft } from "./ui/draft.js";
import { Pickers } from "./ui/pickers.js";
import { LocalModel } from "./ui/local_model.js";
import { makeItemId } from "./net/protocol.js";
import { listUndelivered } from "./reducer/outgoing_messages.js";
import { buildInitialState } from "./reducer/session.js";
import { View } from "./ui/view.js";
import { WakeLock } from "./ui/wakelock.js";
import { BrowserSpeech } from "./webspeech/browser_speech.js";
import { SpeechOptions } from "./webspeech/speech_options.js";

const root = /** @type {HTMLElement} */ (document.getElementById("talk"));
/** @type {PageData} */
const data = JSON.parse(document.getElementById("talk-data")?.textContent ?? "");
const wakeLock = new WakeLock();
const view = new View(root, { onAction });
const patience = view.part("patience");
patience.value = recall("patience");
const browserSpeech = new BrowserSpeech(window, readSpeechSettings);
const pickers = new Pickers(view, data, browserSpeech, (choice) => {
  call.dispatch({ type: "choose", ...choice });
  speech.show();
  localModel.show();
});
const speech = new SpeechOptions(view, browserSpeech, pickers, (half, by) => call.dispatch({ type: half, by }));
const localModel = new LocalModel(view, pickers, data.localModel, () => {
  if (!isInCall(call.state)) speech.show();
});
/** @type {SessionOptions} */
const choice = { ...pickers.choice, ...speech.choice, patience: getPatience() };
const vocabulary = { backchannels: new Set(data.backchannels), commands: new Set(data.commands) };
const call = new Call(buildInitialState({ ...choice, conversation: data.conversation, vocabulary }), {
  worklets: { capture: root.dataset.captureUrl ?? "", playback: root.dataset.playbackUrl ?? "" },
  browserSpeech,
  onChange,
  onLevel: (who, level) => view.setLevel(who, level),
});

function getPatience() {
  return /** @type {Patience} */ (patience.value);
}

/** @type {() => SpeechSettings} */
function readSpeechSettings() {
  const { language, speed, patience: usual } = pickers.assistant ?? { language: "", speed: 1, patience: "" };
  return { language, rate: speed, patience: call.state.patience || usual, voice: pickers.browserVoice };
}

/** @type {(state: State, before: State) => void} */
function onChange(state, before) {
  view.announce(before, state);
  speech.follow(state);
  wakeLock.keep(isInCall(state));
  if (before.microphone !== state.microphone) listDevices();
  if (before.phase !== state.phase) onPhase(state, before);
  if (!isInCall(state)) draw();
}

/**
 * Move the focus away from what has just been hidden.
 * @type {(state: State, before: State) => void}
 */
function onPhase(state, before) {
  draw();
  if (isInCall(state) && !isInCall(before)) {
    pickers.sample.stop();
    requestAnimationFrame(drawOn);
  }
  if (state.phase === "live" && before.startedAt === null) view.part(state.microphone === "none" ? "text" : "mute").focus();
  if (state.phase === "ended" || state.phase === "failed") view.part("again").focus();
  if (isInCall(before) && !isInCall(state)) localModel.check(); // what answered may have gone meanwhile
  if (!isInCall(state)) view.showOptions(false);
}

function draw() {
  view.render(call.state, call.lagSamples, performance.now());
}

function drawOn() {
  if (!isInCall(call.state)) return;
  draw();
  requestAnimationFrame(drawOn);
}

/** @type {(action: string, about: string) => void} */
function onAction(action, about) {
  /** @type {{ [action: string]: () => void }} */
  const actions = {
    again: () => location.reload(),
    continue: () => startAgain(),
    resend: () => sendAgain(about),
    transcribe: () => call.dispatch({ type: "transcribe.again", id: about }),
    dismiss: () => call.dispatch({ type: "notice", about, notice: null }),
    microphone: () => (isInCall(call.state) ? call.useMicrophone(recall("microphone")) : call.start()),
    retry: () => call.dispatch({ type: "retry" }),
    sound: () => call.resumeSound(),
    type: () => call.startTyping(),
  };
  actions[action]();
}

/** Start again as before, with or without the microphone. Call it inside the tap. */
function startAgain() {
  return call.state.microphone === "none" ? call.startTyping() : call.start();
}

/** @type {(id: string) => void} */
function sendAgain(id) {
  if (!isInCall(call.state)) startAgain();
  call.dispatch({ type: "resend", id });
}

function listDevices() {
  const chosen = { microphone: call.sound?.microphone.deviceId ?? "", speaker: recall("speaker") };
  return fillPickers(view.part("microphones"), view.part("speakers"), chosen);
}

/**
 * Show or hide the options, and move the focus along, so that the keyboard is not left on something hidden.
 * @type {(open: boolean) => void}
 */
function showOptions(open) {
  view.showOptions(open);
  view.part(open ? "options-close" : "options-button").focus();
}

/** @type {(name: keyof Parts, type: "click" | "change" | "submit", handler: (event: Event) => void) => void} */
function on(name, type, handler) {
  view.part(name).addEventListener(type, (event) => {
    handler(event);
    // After a click the space bar belongs to push-to-talk again, not to the button. Keyboard users keep their place.
    if (event instanceof MouseEvent && type === "click" && event.detail > 0) view.part(name).blur();
  });
}

on("start", "click", () => call.start());
on("type", "click", () => call.startTyping());
on("again", "click", () => call.start());
on("mute", "click", () => call.dispatch({ type: "mute", on: !call.state.muted }));
on("hang-up", "click", () => call.dispatch({ type: "hang.up" }));
on("options-button", "click", () => showOptions(!root.classList.contains("options-open")));
on("options-close", "click", () => showOptions(false));
on("push-option", "change", () => call.dispatch({ type: "push", on: view.part("push-option").checked }));
on("patience", "change", () => {
  remember("patience", patience.value);
  call.dispatch({ type: "patience", patience: getPatience() });
});
on("latency-option", "change", () => {
  const { checked } = view.part("latency-option");
  remember("latency", checked ? "shown" : "");
  view.showLatency(checked);
});
on("microphones", "change", () => {
  const { value } = view.part("microphones");
  remember("microphone", value);
  call.useMicrophone(value);
});
on("speakers", "change", () => {
  const { value } = view.part("speakers");
  remember("speaker", value);
  call.useSpeaker(value);
});
on("text-form", "submit", (event) => {
  event.preventDefault();
  const text = view.part("text").value.trim();
  if (!text) return;
  call.dispatch({ type: "text", id: makeItemId(), text });
  view.part("text").value = "";
});
pushToTalk(
  view.part("push"),
  () => call.state.push && call.state.phase === "live",
  () => call.dispatch({ type: "hold" }),
  () => call.letGo(),
);

document.addEventListener("keydown", ({ key }) => {
  if (key !== "Escape" || !root.classList.contains("options-open")) return;
  showOptions(false);
});
navigator.mediaDevices?.addEventListener("devicechange", listDevices);
window.addEventListener("online", () => call.dispatch({ type: "network.online" }));
window.addEventListener("offline", () => call.dispatch({ type: "network.offline" }));
window.addEventListener("beforeunload", (event) => {
  if (isInCall(call.state) && listUndelivered(call.state).length > 0) event.preventDefault();
});
window.addEventListener("pagehide", () => {
  const { state } = call;
  keepDraft(root.dataset.person, [...listUndelivered(state).map((id) => state.items[id].text), view.part("text").value]);
  call.leave();
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && isInCall(call.state)) call.wake();
});

view.part("text").value = takeDraft(root.dataset.person);
view.part("latency-option").checked = recall("latency") === "shown";
view.showLatency(view.part("latency-option").checked);
speech.show();
listDevices();
draw();
