import assert from "node:assert/strict";
import { test } from "node:test";

import { getAnnouncement, getStatus } from "../../../static/js/ui/status.js";
import {
  created, buildItem, startCall, buildPlayback, buildReply, responseCreated, buildResponseDone, SECOND, startReply, speechStarted, speechStopped, PageCall, buildTranscript,
} from "../../support/page_call.mjs";

test("a spoken turn goes through its states", () => {
  const call = new PageCall();
  assert.equal(call.status, "ready");
  assert.equal(call.tell({ type: "start" }).status, "connecting");
  assert.deepEqual(call.tell({ type: "microphone.ready" }).done, ["connect"]);
  assert.deepEqual(call.hear(created).sent, ["session.update"]);
  assert.deepEqual(call.effects[0].event.session.extensions, ["playback", "captions", "retry", "storage", "resume"]);
  assert.equal(call.status, "listening");
  assert.equal(call.hear(speechStarted).status, "hearing");
  assert.equal(call.hear(speechStopped).status, "thinking");
  call.hear(buildTranscript("Hi"));
  assert.equal(call.hear(responseCreated).status, "thinking");
  call.hear(buildReply("output_audio_transcript.delta", { delta: "Hello." }));
  assert.deepEqual(call.hear(buildReply("output_audio.delta", { delta: SECOND })).done, ["play"]);
  assert.equal(call.status, "speaking");
  assert.deepEqual(call.hear(buildReply("output_audio.done"), buildResponseDone("completed")).done, []);
  assert.equal(call.status, "speaking");
  assert.equal(call.tell(buildPlayback("finished", 24000)).status, "listening");
  assert.deepEqual(call.state.order, ["u1", "a1"]);
});

test("a noise without words leaves no trace and no thinking", () => {
  const call = startCall().hear(speechStarted, speechStopped);
  call.hear(buildTranscript(" "));
  assert.deepEqual(call.state.order, []);
  assert.equal(call.status, "listening");
});

test("failures of a turn are told in the server's words, and the conversation goes on", () => {
  const call = startCall().hear(speechStarted, speechStopped, responseCreated);
  call.hear(buildResponseDone("failed", { status_details: { error: { message: "The language model did not answer." } } }));
  assert.equal(call.state.notices.turn.text, "The language model did not answer.");
  assert.equal(call.status, "listening");
  call.hear({ ...speechStarted, item_id: "u2" });
  assert.equal(call.state.notices.turn, undefined);
  call.hear({ type: "conversation.item.input_audio_transcription.failed", item_id: "u2", error: { message: "No." } });
  assert.equal(call.state.notices.turn.text, "No.");
});

test("typing interrupts, truncates, and only then sends", () => {
  const call = startReply().tell({ type: "text", id: "t1", text: "Stop." });
  assert.deepEqual(call.sent, ["response.cancel"]);
  assert.deepEqual(call.done, ["send", "stopPlay"]);
  call.tell(buildPlayback("stopped", 100));
  assert.deepEqual(call.sent, ["conversation.item.truncate", "conversation.item.create", "response.create"]);
  assert.deepEqual(call.words.at(-1), "Stop.");
});

test("typing while nothing is said sends at once", () => {
  const call = startCall().tell({ type: "text", id: "t1", text: "Hi." });
  assert.deepEqual(call.sent, ["conversation.item.create", "response.create"]);
  assert.equal(call.status, "thinking");
});

test("push-to-talk commits what was held, and forgives a slip", () => {
  const call = startCall().tell({ type: "push", on: true });
  assert.equal(call.effects.at(-1).event.session.audio.input.turn_detection, null);
  assert.deepEqual(call.tell({ type: "hold" }).sent, ["input_audio_buffer.clear"]);
  assert.equal(call.status, "hearing");
  call.now += 900;
  assert.deepEqual(call.tell({ type: "let.go" }).sent, ["input_audio_buffer.commit", "response.create"]);
  call.hear(responseCreated, buildResponseDone("completed")).tell({ type: "hold" });
  call.now += 50;
  assert.deepEqual(call.tell({ type: "let.go" }).sent, ["input_audio_buffer.clear"]);
  assert.match(call.state.notices.turn.text, /Hold the button/);
  assert.deepEqual(call.tell({ type: "let.go" }).effects, []);
});

test("holding over a reply cancels it and clears the way", () => {
  const call = startReply().tell({ type: "push", on: true }, { type: "hold" });
  assert.deepEqual(call.sent, ["response.cancel", "input_audio_buffer.clear"]);
  assert.ok(call.done.includes("stopPlay"));
});

test("a lost connection comes back into the same conversation, later each time", () => {
  const call = startCall();
  const delays = [0, 1, 2, 3, 4, 5, 6, 7].map(() => {
    call.tell({ type: "socket.closed", code: 1006, random: 0.999 });
    return call.effects[0].delayMs;
  });
  assert.equal(call.status, "reconnecting");
  assert.equal(call.state.conversation, "conv_1");
  assert.ok(delays[0] <= 500 && delays[3] > delays[2] && delays[7] <= 15000, delays.join());
  assert.equal(call.hear(created).status, "listening");
  assert.equal(call.state.attempt, 0);
});

test("the network's return is not waited for", () => {
  const call = startCall().tell({ type: "network.offline" });
  assert.deepEqual(call.done, ["probe"]);
  assert.match(call.state.notices.network.text, /offline/);
  call.tell({ type: "socket.closed", code: 1006, random: 0.5 }, { type: "network.online" });
  assert.deepEqual(call.effects, [{ do: "connect", delayMs: 0 }]);
  assert.deepEqual(call.state.notices, {});
});

test("a reply that was received is played to its end while connecting again", () => {
  const call = startReply().tell({ type: "socket.closed", code: 1001, random: 0 });
  assert.deepEqual(call.done, ["endPlay", "connect"]);
  call.tell(buildPlayback("progress", 100));
  call.hear(created, { type: "conversation.item.added", item: buildItem("a1", "assistant", "Hello there."), previous_item_id: "u1" });
  assert.equal(call.state.items.a1.played, 100);
  call.tell(buildPlayback("finished", 24000));
  assert.equal(call.status, "listening");
});

test("what the server kept of a reply replaces what the broken line left of it", () => {
  const call = startReply().tell({ type: "socket.closed", code: 1006, random: 0 });
  call.tell(buildPlayback("finished", 24000));
  call.hear(created, { type: "conversation.item.added", item: buildItem("a1", "assistant", "Hello there. Friend."), previous_item_id: "u1" });
  assert.deepEqual([call.words.at(-1), call.state.items.a1.track], ["Hello there. Friend.", undefined]);
});

test("a busy server is waited for, visibly, and can be tried at once", () => {
  const call = new PageCall().tell({ type: "start" }, { type: "microphone.ready" });
  call.hear({ type: "error", error: { type: "server_error", code: "server_busy", message: "All places are taken." } });
  call.tell({ type: "socket.closed", code: 1013, random: 0 });
  assert.equal(call.status, "error");
  assert.deepEqual(call.state.notices.server, { tone: "error", text: "All places are taken.", action: "retry" });
  assert.equal(call.state.retryAt, 11000);
  assert.deepEqual(call.tell({ type: "retry" }).effects, [{ do: "connect", delayMs: 0 }]);
  assert.deepEqual(call.hear(created).state.notices, {});
});

test("final refusals are not tried again, and say why", () => {
  for (const [code, error] of [[1008, "too_many_sessions"], [1006, "insufficient_quota"], [4000, "x"]]) {
    const call = startCall().tell({ type: "socket.closed", code: 1006, random: 0 });
    call.hear({ type: "error", error: { type: "invalid_request_error", code: error, message: "Why." } });
    call.tell({ type: "socket.closed", code, random: 0 });
    assert.equal(call.state.phase, "failed");
    assert.deepEqual(call.done, ["disconnect", "release"]);
    assert.equal(call.state.notices.server.text, "Why.");
  }
});

test("a session that was too old is followed by another one, and so is a conversation in which nothing was said", () => {
  const refused = (call, code) => {
    call.hear({ type: "error", error: { type: "invalid_request_error", code, message: "Why." } });
    return call.tell({ type: "socket.closed", code: 1008, random: 0 });
  };
  const old = refused(startCall(), "session_expired");
  assert.deepEqual([old.done, old.state.conversation], [["connect"], "conv_1"]);
  const empty = refused(startCall(), "not_found");
  assert.deepEqual([empty.done, empty.state.conversation], [["connect"], null]);
  assert.equal(refused(startReply(), "not_found").state.phase, "failed");
});

test("an error of housekeeping is no news, others are", () => {
  const error = { type: "invalid_request_error", code: "item_truncate_invalid_item_id", message: "No.", event_id: "quiet" };
  const call = startCall().hear({ type: "error", error });
  assert.deepEqual(call.state.notices, {});
  call.hear({ type: "error", error: { ...error, event_id: null } });
  assert.equal(call.state.notices.turn.text, "No.");
});

test("hanging up amid a reply tells what was heard before it leaves", () => {
  const call = startReply().tell({ type: "hang.up" });
  assert.deepEqual(call.done, ["send", "stopPlay"]);
  assert.equal(call.status, "ended");
  call.tell(buildPlayback("stopped", 4800));
  assert.deepEqual(call.done, ["send", "disconnect", "release"]);
  assert.deepEqual(startCall().tell({ type: "hang.up" }).done, ["disconnect", "release"]);
  assert.deepEqual(call.tell({ type: "socket.closed", code: 1006, random: 0 }).effects, []);
});

test("another voice in a running call opens the session anew, in the same conversation", () => {
  const call = startReply().tell({ type: "choose", assistant: "tutor", voice: "de" });
  assert.deepEqual(call.done, ["send", "stopPlay"]);
  call.tell(buildPlayback("stopped", 48));
  assert.deepEqual(call.done, ["send", "disconnect", "connect"]);
  assert.equal(call.status, "reconnecting");
  assert.equal(call.hear(created).effects[0].event.session.audio.output.voice, "de");
  assert.deepEqual(startCall().tell({ type: "choose", assistant: "tutor", voice: "" }).done, ["disconnect", "connect"]);
});

test("without a microphone one types, and may get one later", () => {
  const notice = { tone: "error", text: "Not allowed.", action: "microphone" };
  const call = new PageCall().tell({ type: "start" }, { type: "microphone.failed", notice });
  assert.deepEqual([call.state.phase, call.state.notices.microphone], ["idle", notice]);
  call.tell({ type: "start" }, { type: "start.typing" }).hear(created);
  assert.equal(call.effects[0].event.session.audio.input.turn_detection, null);
  assert.equal(call.status, "ready");
  call.tell({ type: "microphone.ready" });
  assert.deepEqual(call.effects[0].event.session.audio.input.turn_detection, {
    type: "semantic_vad", eagerness: "auto", create_response: true, interrupt_response: true,
  });
});

test("an unplugged microphone is said, and plugged in again forgotten", () => {
  const call = startCall().tell({ type: "microphone.failed", notice: { tone: "error", text: "Unplugged.", action: "microphone" } });
  assert.equal(call.status, "error");
  assert.equal(call.tell({ type: "microphone.ready" }).status, "listening");
  assert.deepEqual(call.state.notices, {});
});

test("a continued conversation shows what was said before, once", () => {
  const call = startCall({ conversation: "conv_1" });
  const earlier = [buildItem("e1", "user", "Hi", "input_audio"), buildItem("e2", "assistant", "Hello."), buildItem("e3", "system", "Be brief.")];
  for (const one of [...earlier, ...earlier]) {
    for (const type of ["conversation.item.added", "conversation.item.done"]) {
      call.hear({ type, item: one, previous_item_id: null });
    }
  }
  assert.deepEqual(call.words, ["Hi", "Hello."]);
});

test("what was being said as the server was killed can be tried again, and earlier words that nobody heard do not wait", () => {
  const words = "conversation.item.input_audio_transcription";
  const call = startCall({ conversation: "conv_1" });
  for (const id of ["e1", "e2"]) {
    call.hear({ type: "conversation.item.added", item: buildItem(id, "user", "", "input_audio"), previous_item_id: null });
  }
  assert.deepEqual([call.state.items.e1.pending, call.state.items.e2.pending], [false, false]);
  call.hear({ type: `${words}.failed`, item_id: "e2", error: { message: "The server stopped." }, can_retry: true });
  assert.equal(call.state.items.e2.retry, "offered");
  assert.equal(call.state.notices.turn.text, "The server stopped.");
});

test("unknown server events pass, unknown own events are a mistake", () => {
  assert.deepEqual(startCall().hear({ type: "rate_limits.updated", rate_limits: [] }).effects, []);
  assert.throws(() => startCall().tell({ type: "nonsense" }));
});

test("a screen reader is told what it cannot hear, and nothing over the voice", () => {
  const before = startCall().state;
  assert.equal(getAnnouncement(before, startCall().hear(speechStarted).state), "");
  assert.equal(getAnnouncement(before, startReply().state), "");
  assert.equal(getAnnouncement(before, startCall().tell({ type: "mute", on: true }).state), "Muted");
  const lost = startCall().tell({ type: "socket.closed", code: 1006, random: 0 }).state;
  assert.match(getAnnouncement(before, lost), /^Connection lost/);
});

test("a person's patience takes effect at once, comes along, and may be left to the assistant again", () => {
  const eagerness = ({ event }) => event.session.audio.input.turn_detection.eagerness;
  const call = startCall({ patience: "patient" });
  assert.equal(eagerness(call.tell({ type: "socket.closed", code: 1006, random: 0 }).hear(created).effects[0]), "low");
  assert.equal(eagerness(call.tell({ type: "patience", patience: "quick" }).effects[0]), "high");
  assert.equal(eagerness(call.tell({ type: "patience", patience: "" }).effects[0]), "auto");
  call.tell({ type: "push", on: true }, { type: "patience", patience: "balanced" });
  assert.equal(call.effects[0].event.session.audio.input.turn_detection, null);
});

test("words appear while they are spoken, and the transcript replaces them", () => {
  const call = startCall().hear(speechStarted, buildDelta("I drea"), buildDelta("m of"));
  assert.deepEqual([call.words, call.state.items.u1.pending], [["I dream of"], true]);
  const said = buildItem("u1", "user", null, "input_audio");
  call.hear(speechStopped, { type: "conversation.item.added", item: said, previous_item_id: null });
  assert.deepEqual([call.words, call.state.items.u1.pending], [["I dream of"], true]);
  call.hear(buildTranscript("I dreamt of it."), { type: "conversation.item.done", item: said, previous_item_id: null });
  assert.deepEqual([call.words, call.state.items.u1.pending], [["I dreamt of it."], false]);
  assert.deepEqual(startCall().hear(speechStarted, buildDelta("Uh"), speechStopped, buildTranscript("")).words, []);
});

test("a tool that the assistant uses is named while it runs", () => {
  const used = { type: "response.output_item.added", response_id: "r1", item: { id: "t1", type: "mcp_call", name: "current_time" } };
  const call = startCall().hear({ type: "response.created", response: { id: "r1" } }, used);
  assert.deepEqual(getStatus(call.state), { name: "thinking", label: "Looking it up", hint: "Using “current time”." });
  assert.equal(getStatus(call.hear({ type: "response.mcp_call.completed", item_id: "t1" }).state).label, "Thinking");
  assert.equal(startCall().hear(used).state.tool, null); // of a response that is over
});

function buildDelta(text) {
  return { type: "conversation.item.input_audio_transcription.delta", item_id: "u1", content_index: 0, delta: text };
}
