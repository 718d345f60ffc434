import assert from "node:assert/strict";
import { test } from "node:test";

import {
  created, startCall, buildPlayback, buildReply, responseCreated, buildResponseDone, SECOND, startReply, speechStarted, speechStopped, buildTranscript,
} from "../../support/page_call.mjs";

const cough = { ...speechStarted, item_id: "u2" };
const coughOver = { ...speechStopped, item_id: "u2" };
const started = { type: "output_audio_buffer.started", response_id: "r1" };
const cleared = { type: "output_audio_buffer.cleared", response_id: "r1" };
const [words, sound] = ["output_audio_transcript.delta", "output_audio.delta"];
const next = { response_id: "r2", item_id: "a2" };

function startPausedReply() {
  return startReply().tell(buildPlayback("progress", 9600)).hear(cough);
}

test("speech pauses the reply, and without words it goes on where it was", () => {
  const call = startReply().tell(buildPlayback("progress", 9600));
  assert.deepEqual(call.hear(cough).done, ["pausePlay", "awaitVerdict"]);
  assert.equal(call.status, "hearing");
  assert.deepEqual(call.hear(coughOver).effects, [{ do: "awaitVerdict", delayMs: 4000 }]);
  assert.equal(call.status, "hearing");
  assert.deepEqual(call.hear(started).done, ["resumePlay"]);
  assert.equal(call.status, "speaking");
  call.hear(buildTranscript("", "u2"), buildReply("output_audio.done"), buildResponseDone("completed")).tell(buildPlayback("finished", 24000));
  assert.equal(call.status, "listening");
  assert.deepEqual(call.words, ["", ""]);
  assert.equal(call.state.items.a1.cut, undefined);
});

test("words confirm the interruption: silence, and what was played is told", () => {
  const call = startPausedReply();
  assert.deepEqual(call.hear(cleared).done, ["stopPlay"]);
  assert.equal(call.status, "hearing");
  call.tell(buildPlayback("stopped", 12000));
  assert.deepEqual(call.sent, ["conversation.item.truncate"]);
  assert.equal(call.effects[0].event.audio_end_ms, 500);
  assert.equal(call.state.items.a1.cut, true);
});

test("a reply that was all sent, but still sounds, is interrupted in the same two steps", () => {
  const call = startReply().hear(buildReply("output_audio.done"), buildResponseDone("completed"));
  assert.deepEqual(call.hear(cough).done, ["pausePlay", "awaitVerdict"]);
  assert.deepEqual(call.hear(cleared).done, ["stopPlay"]);
  assert.deepEqual(call.tell(buildPlayback("stopped", 24)).sent, ["conversation.item.truncate"]);
});

test("what still comes of a paused reply is queued, of a cleared one neither played nor shown", () => {
  const call = startPausedReply();
  assert.deepEqual(call.hear(buildReply(sound, { delta: SECOND })).done, ["play"]);
  call.hear(cleared, buildReply(words, { delta: " More." }));
  assert.equal(call.state.items.a1.track.clauses.length, 1);
  assert.deepEqual(call.hear(buildReply(sound, { delta: SECOND })).done, []);
});

test("a reply that has no sound yet is paused too, and begins when it may", () => {
  const call = startCall().hear(speechStarted, speechStopped, responseCreated);
  assert.deepEqual(call.hear(cough).done, ["pausePlay", "awaitVerdict"]);
  call.hear(buildReply(words, { delta: "Late." }));
  assert.deepEqual(call.hear(buildReply(sound, { delta: SECOND })).done, ["play"]);
  assert.equal(call.status, "hearing");
  assert.equal(call.hear(started).status, "speaking");
  assert.equal(startCall().hear(speechStarted, speechStopped, responseCreated, cough, started).status, "thinking");
});

test("without a verdict it goes on, and a late verdict still counts", () => {
  const call = startPausedReply().hear(coughOver).tell({ type: "verdict.overdue" });
  assert.deepEqual(call.done, ["resumePlay"]);
  assert.equal(call.status, "speaking");
  assert.deepEqual(call.hear(started).done, []);
  assert.deepEqual(call.hear(cleared).done, ["stopPlay"]);
  assert.deepEqual(startPausedReply().hear(started).tell({ type: "verdict.overdue" }).done, []);
});

test("the next reply's first sound clears the way by itself, and is played once it is clear", () => {
  const call = startPausedReply().hear({ type: "response.created", response: { id: "r2" } }, buildReply(words, { ...next, delta: "So." }));
  assert.deepEqual(call.hear(buildReply(sound, { ...next, delta: SECOND })).done, ["stopPlay"]);
  assert.deepEqual(call.hear(buildReply("output_audio.done", next)).done, []);
  assert.deepEqual(call.hear(buildReply(sound, { delta: SECOND })).done, []);
  call.tell(buildPlayback("stopped", 12000));
  assert.deepEqual(call.done, ["send", "play", "endPlay"]);
  assert.deepEqual([call.state.playing, call.state.items.a1.cut], ["a2", true]);
  assert.deepEqual(call.hear(cleared).done, [], "a late word about the first reply does not stop the second");
});

test("speech over nothing pauses nothing, and a reply that ended by itself is not truncated", () => {
  assert.deepEqual(startCall().hear(speechStarted).done, []);
  const call = startPausedReply().tell(buildPlayback("finished", 24000)).hear(cleared);
  assert.deepEqual(call.tell({ type: "playback.stopped", item: null, samples: 0, heard: 0 }).done, []);
});

test("typing, hanging up and another voice do not wait for a verdict", () => {
  const events = [{ type: "text", id: "t1", text: "Stop." }, { type: "hang.up" }, { type: "choose", assistant: "b", voice: "" }];
  for (const event of events) {
    const call = startPausedReply().tell(event);
    assert.deepEqual(call.done, ["send", "stopPlay"]);
    assert.equal(call.tell(buildPlayback("stopped", 12000)).sent[0], "conversation.item.truncate");
    assert.equal(call.state.paused, null);
  }
});

test("push-to-talk forgets the speech under way, so the reply goes on", () => {
  const call = startPausedReply().tell({ type: "push", on: true });
  assert.deepEqual(call.done, ["resumePlay", "send", "send"]);
  assert.equal(call.status, "speaking");
});

test("nobody thinks about a backchannel", () => {
  const call = startPausedReply().hear(started, coughOver, buildTranscript("Mhm.", "u2"));
  assert.equal(call.state.thinking, false);
  call.hear(cleared); // it was more than that, as its last words show
  assert.equal(call.state.thinking, true);
});

test("a paused reply ends with its connection", () => {
  const call = startPausedReply().tell({ type: "socket.closed", code: 1006, random: 0 });
  assert.deepEqual(call.done, ["stopPlay", "connect"]);
  call.tell(buildPlayback("stopped", 12000)).hear(created);
  assert.equal(call.status, "listening");
});

test("the server is told once when a response is heard, and how much of it was", () => {
  const call = startReply().tell(buildPlayback("progress", 4800, { lag: 4800 }));
  assert.deepEqual(call.sent, []);
  call.tell(buildPlayback("progress", 6000, { lag: 4800 }));
  assert.deepEqual(call.effects[0].event, {
    type: "output_audio_buffer.started", event_id: "quiet", response_id: "r1", played_ms: 50,
  });
  assert.equal(call.state.items.a1.heardAt, 950);
  assert.deepEqual(call.tell(buildPlayback("progress", 7200, { lag: 4800 }), buildPlayback("finished", 24000)).sent, []);
});

test("a reply shorter than the sound system's delay is told at its end, and heard later", () => {
  const call = startReply().tell(buildPlayback("finished", 2400, { lag: 4800 }));
  assert.equal(call.effects[0].event.played_ms, 0);
  assert.equal(call.state.items.a1.heardAt, 1100);
});
