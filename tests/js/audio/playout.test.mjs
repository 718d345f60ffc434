import assert from "node:assert/strict";
import { test } from "node:test";

import { Playout } from "../../../static/js/audio/playout.js";

function makeSine(hz, rate, samples, amplitude) {
  return Float32Array.from({ length: samples }, (_, i) => amplitude * Math.sin((2 * Math.PI * hz * i) / rate));
}

function render(playout, quanta) {
  const samples = [];
  const events = [];
  for (let i = 0; i < quanta; i++) {
    const out = new Float32Array(128);
    events.push(...playout.render(out));
    samples.push(...out);
  }
  return { samples: Float32Array.from(samples), events };
}

function makeLoudTone(samples) {
  return Int16Array.from(makeSine(440, 24000, samples, 0.9), (sample) => sample * 32767);
}

function findLargestStep(samples) {
  let largest = 0;
  for (let i = 1; i < samples.length; i++) largest = Math.max(largest, Math.abs(samples[i] - samples[i - 1]));
  return largest;
}

// A 440 Hz tone of 0.9 at 44.1 kHz moves by 0.0565 a sample at most; a cut would jump by up to 0.9.
const CLICK = 0.08;

test("a reply is played to its last sample and reported as finished", () => {
  const playout = new Playout(44100);
  playout.buffer.add("a", makeLoudTone(12000));
  playout.buffer.end("a");
  const { samples, events } = render(playout, 200);
  assert.deepEqual(events, [{ type: "finished", item: "a", samples: 12000 }]);
  const sounding = samples.filter((sample) => Math.abs(sample) > 1e-4).length / 44100;
  assert.ok(Math.abs(sounding - 0.5) < 0.01, `${sounding} s of 0.5 s`);
  assert.ok(findLargestStep(samples) < CLICK);
});

test("an end that is told only after the last sample was played still finishes the reply", () => {
  const playout = new Playout(48000);
  playout.buffer.add("a", makeLoudTone(4800));
  assert.deepEqual(render(playout, 200).events, []);
  playout.buffer.end("a");
  assert.deepEqual(render(playout, 1).events, [{ type: "finished", item: "a", samples: 4800 }]);
});

test("a stop is silent within 15 ms, without a click, and says what was played", () => {
  const playout = new Playout(44100);
  playout.buffer.add("a", makeLoudTone(48000));
  const before = render(playout, 100);
  playout.stop();
  const after = render(playout, 20);
  assert.equal(after.events.length, 1);
  assert.equal(after.events[0].type, "stopped");
  const playedSec = after.events[0].samples / 24000;
  assert.ok(Math.abs(playedSec - (100 * 128) / 44100) < 0.02, `${playedSec} s`);
  assert.ok(after.samples.subarray(0.015 * 44100).every((sample) => sample === 0));
  assert.ok(findLargestStep(Float32Array.from([...before.samples, ...after.samples])) < CLICK);
});

test("a stop while nothing plays is answered at once", () => {
  const playout = new Playout(48000);
  playout.stop();
  assert.deepEqual(render(playout, 3).events, [{ type: "stopped", item: null, samples: 0 }]);
});

test("a gap makes no click either", () => {
  const playout = new Playout(44100);
  playout.buffer.add("a", makeLoudTone(3000));
  const first = render(playout, 100);
  playout.buffer.add("a", makeLoudTone(9000));
  const second = render(playout, 100);
  assert.ok(findLargestStep(Float32Array.from([...first.samples, ...second.samples])) < CLICK);
});

/** What a listener gets of 12,000 samples when `disturb(playout)` happens after so many quanta, and until it is over. */
function play(rate, disturb, quanta) {
  const playout = new Playout(rate);
  playout.buffer.add("a", makeLoudTone(12000));
  playout.buffer.end("a");
  const before = render(playout, quanta);
  const amid = disturb(playout);
  const after = render(playout, 400);
  return { before: before.samples, amid: amid?.samples ?? [], after: after.samples, events: after.events };
}

for (const rate of [24000, 44100, 48000]) {
  test(`a pause at ${rate} Hz loses nothing and repeats only what faded`, () => {
    const undisturbed = play(rate, () => null, 40);
    const wanted = [...undisturbed.before, ...undisturbed.after];
    const pause = (playout) => {
      playout.pause();
      const amid = render(playout, 50);
      playout.resume();
      return amid;
    };
    const { before, amid, after, events } = play(rate, pause, 40);
    const fade = Math.round(rate * 0.008);
    assert.deepEqual(before, undisturbed.before);
    assert.ok(amid.subarray(fade).every((sample) => sample === 0), "silent after the fade-out");
    const at = before.length;
    assert.ok(after.subarray(0, fade).every((sample, i) => Math.abs(sample) <= Math.abs(wanted[at + i])), "the fade-in");
    assert.deepEqual(after.subarray(fade, undisturbed.after.length), undisturbed.after.subarray(fade));
    assert.deepEqual(events, [{ type: "finished", item: "a", samples: 12000 }]);
    assert.ok(findLargestStep(Float32Array.from([...before, ...amid, ...after])) < CLICK * (44100 / rate));
  });
}

test("the playhead stands still while paused, and says so", () => {
  const playout = new Playout(48000);
  playout.buffer.add("a", makeLoudTone(12000));
  render(playout, 40);
  const { samples } = playout.position;
  assert.ok(Math.abs(samples - (40 * 128) / 2) <= 40, `${samples}`); // the resampler holds some back
  playout.pause();
  render(playout, 1);
  assert.deepEqual(playout.position.samples, samples);
  render(playout, 50);
  playout.buffer.add("a", makeLoudTone(4800));
  assert.deepEqual(playout.position, { item: "a", samples });
  playout.stop();
  const { samples: silence, events } = render(playout, 1);
  assert.ok(silence.every((sample) => sample === 0));
  assert.deepEqual(events, [{ type: "stopped", item: "a", samples }]);
});

test("a change of mind amid the fade makes a dip, no click and no repetition", () => {
  const undisturbed = play(48000, () => null, 40);
  const waver = (playout) => {
    playout.pause();
    const amid = render(playout, 2);
    playout.resume();
    return amid;
  };
  const { before, amid, after } = play(48000, waver, 40);
  assert.ok(findLargestStep(Float32Array.from([...before, ...amid, ...after])) < CLICK);
  assert.deepEqual(after.subarray(256, 5000), undisturbed.after.subarray(512, 5256));
});

test("a reply that comes while paused waits, and a stop amid the fade is a stop", () => {
  const playout = new Playout(48000);
  playout.pause();
  playout.buffer.add("a", makeLoudTone(4800));
  playout.buffer.end("a");
  const { samples, events } = render(playout, 100);
  assert.deepEqual([samples.every((sample) => sample === 0), events], [true, []]);
  playout.resume();
  render(playout, 5);
  playout.pause();
  render(playout, 1);
  playout.stop();
  assert.equal(render(playout, 3).events[0].type, "stopped");
  playout.buffer.add("b", makeLoudTone(4800));
  assert.ok(render(playout, 20).samples.some((sample) => sample !== 0), "it plays again");
});

test("what comes after a stop that a sleeping sound system has not performed is played when it wakes", () => {
  const playout = new Playout(48000);
  playout.add("a", makeLoudTone(48000));
  render(playout, 100);
  playout.stop();
  playout.add("b", makeLoudTone(4800));
  playout.buffer.end("b");
  const { samples, events } = render(playout, 200);
  assert.deepEqual(events, [{ type: "finished", item: "b", samples: 4800 }]);
  assert.ok(findLargestStep(samples) < CLICK);
});
