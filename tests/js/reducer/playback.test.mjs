import assert from "node:assert/strict";
import { test } from "node:test";

import {
  created, live, played, reply, responseCreated, responseDone, SECOND, speaking, speechStarted, speechStopped, transcript,
} from "../../support/told.mjs";

const cough = { ...speechStarted, item_id: "u2" };
const coughOver = { ...speechStopped, item_id: "u2" };
const started = { type: "output_audio_buffer.started", response_id: "r1" };
const cleared = { type: "output_audio_buffer.cleared", response_id: "r1" };
const [words, sound] = ["output_audio_transcript.delta", "output_audio.delta"];
const next = { response_id: "r2", item_id: "a2" };

function paused() {
  return speaking().tell(played("progress", 9600)).hear(cough);
}

test("speech pauses the reply, and without words it goes on where it was", () => {
  const call = speaking().tell(played("progress", 9600));
  assert.deepEqual(call.hear(cough).done, ["pausePlay", "awaitVerdict"]);
  assert.equal(call.status, "hearing");
  assert.deepEqual(call.hear(coughOver).effects, [{ do: "awaitVerdict", delayMs: 4000 }]);
  assert.equal(call.status, "hearing");
  assert.deepEqual(call.hear(started).done, ["resumePlay"]);
  assert.equal(call.status, "speaking");
  call.hear(transcript("", "u2"), reply("output_audio.done"), responseDone("completed")).tell(played("finished", 24000));
  assert.equal(call.status, "listening");
  assert.deepEqual(call.words, ["", ""]);
  assert.equal(call.state.items.a1.cut, undefined);
});

test("words confirm the interruption: silence, and what was played is told", () => {
  const call = paused();
  assert.deepEqual(call.hear(cleared).done, ["stopPlay"]);
  assert.equal(call.status, "hearing");
  call.tell(played("stopped", 12000));
  assert.deepEqual(call.sent, ["conversation.item.truncate"]);
  assert.equal(call.effects[0].event.audio_end_ms, 500);
  assert.equal(call.state.items.a1.cut, true);
});

test("a reply that was all sent, but still sounds, is interrupted in the same two steps", () => {
  const call = speaking().hear(reply("output_audio.done"), responseDone("completed"));
  assert.deepEqual(call.hear(cough).done, ["pausePlay", "awaitVerdict"]);
  assert.deepEqual(call.hear(cleared).done, ["stopPlay"]);
  assert.deepEqual(call.tell(played("stopped", 24)).sent, ["conversation.item.truncate"]);
});

test("what still comes of a paused reply is queued, of a cleared one neither played nor shown", () => {
  const call = paused();
  assert.deepEqual(call.hear(reply(sound, { delta: SECOND })).done, ["play"]);
  call.hear(cleared, reply(words, { delta: " More." }));
  assert.equal(call.state.items.a1.track.clauses.length, 1);
  assert.deepEqual(call.hear(reply(sound, { delta: SECOND })).done, []);
});

test("a reply that has no sound yet is paused too, and begins when it may", () => {
  const call = live().hear(speechStarted, speechStopped, responseCreated);
  assert.deepEqual(call.hear(cough).done, ["pausePlay", "awaitVerdict"]);
  call.hear(reply(words, { delta: "Late." }));
  assert.deepEqual(call.hear(reply(sound, { delta: SECOND })).done, ["play"]);
  assert.equal(call.status, "hearing");
  assert.equal(call.hear(started).status, "speaking");
  assert.equal(live().hear(speechStarted, speechStopped, responseCreated, cough, started).status, "thinking");
});

test("without a verdict it goes on, and a late verdict still counts", () => {
  const call = paused().hear(coughOver).tell({ type: "verdict.overdue" });
  assert.deepEqual(call.done, ["resumePlay"]);
  assert.equal(call.status, "speaking");
  assert.deepEqual(call.hear(started).done, []);
  assert.deepEqual(call.hear(cleared).done, ["stopPlay"]);
  assert.deepEqual(paused().hear(started).tell({ type: "verdict.overdue" }).done, []);
});

test("the next reply's first sound clears the way by itself, and is played once it is clear", () => {
  const call = paused().hear({ type: "response.created", response: { id: "r2" } }, reply(words, { ...next, delta: "So." }));
  assert.deepEqual(call.hear(reply(sound, { ...next, delta: SECOND })).done, ["stopPlay"]);
  assert.deepEqual(call.hear(reply("output_audio.done", next)).done, []);
  assert.deepEqual(call.hear(reply(sound, { delta: SECOND })).done, []);
  call.tell(played("stopped", 12000));
  assert.deepEqual(call.done, ["send", "play", "endPlay"]);
  assert.deepEqual([call.state.playing, call.state.items.a1.cut], ["a2", true]);
  assert.deepEqual(call.hear(cleared).done, [], "a late word about the first reply does not stop the second");
});

test("speech over nothing pauses nothing, and a reply that ended by itself is not truncated", () => {
  assert.deepEqual(live().hear(speechStarted).done, []);
  const call = paused().tell(played("finished", 24000)).hear(cleared);
  assert.deepEqual(call.tell({ type: "playback.stopped", item: null, samples: 0, heard: 0 }).done, []);
});

test("typing, hanging up and another voice do not wait for a verdict", () => {
  const events = [{ type: "text", id: "t1", text: "Stop." }, { type: "hang.up" }, { type: "choose", assistant: "b", voice: "" }];
  for (const event of events) {
    const call = paused().tell(event);
    assert.deepEqual(call.done, ["send", "stopPlay"]);
    assert.equal(call.tell(played("stopped", 12000)).sent[0], "conversation.item.truncate");
    assert.equal(call.state.paused, null);
  }
});

test("push-to-talk forgets the speech under way, so the reply goes on", () => {
  const call = paused().tell({ type: "push", on: true });
  assert.deepEqual(call.done, ["resumePlay", "send", "send"]);
  assert.equal(call.status, "speaking");
});

test("nobody thinks about what was said isIgnored", () => {
  const call = paused().hear(started, coughOver, transcript("Mhm.", "u2"));
  assert.equal(call.state.thinking, false);
  call.hear(cleared); // it was more than that, as its last words show
  assert.equal(call.state.thinking, true);
});

test("a paused reply ends with its connection", () => {
  const call = paused().tell({ type: "socket.closed", code: 1006, random: 0 });
  assert.deepEqual(call.done, ["stopPlay", "connect"]);
  call.tell(played("stopped", 12000)).hear(created);
  assert.equal(call.status, "listening");
});

test("the server is told once when a response is heard, and how much of it was", () => {
  const call = speaking().tell(played("progress", 4800, { lag: 4800 }));
  assert.deepEqual(call.sent, []);
  call.tell(played("progress", 6000, { lag: 4800 }));
  assert.deepEqual(call.effects[0].event, {
    type: "output_audio_buffer.started", event_id: "quiet", response_id: "r1", played_ms: 50,
  });
  assert.equal(call.state.items.a1.heardAt, 950);
  assert.deepEqual(call.tell(played("progress", 7200, { lag: 4800 }), played("finished", 24000)).sent, []);
});

test("a reply shorter than the sound system's delay is told at its end, and heard later", () => {
  const call = speaking().tell(played("finished", 2400, { lag: 4800 }));
  assert.equal(call.effects[0].event.played_ms, 0);
  assert.equal(call.state.items.a1.heardAt, 1100);
});
