import assert from "node:assert/strict";
import { test } from "node:test";

import { FrameMaker } from "../../static/js/audio/frames.js";
import { JitterBuffer } from "../../static/js/audio/jitter.js";
import { Playout } from "../../static/js/audio/playout.js";
import { Resampler } from "../../static/js/audio/resampler.js";

const RATES = [8000, 16000, 22050, 44100, 48000, 96000, 192000];

function sine(hz, rate, samples, amplitude = 0.5) {
  return Float32Array.from({ length: samples }, (_, i) => amplitude * Math.sin((2 * Math.PI * hz * i) / rate));
}

/** In pieces of 128, as a worklet gets them. */
function resampled(input, from, to) {
  const resampler = new Resampler(from, to);
  const output = [];
  for (let at = 0; at < input.length; at += 128) output.push(...resampler.push(input.subarray(at, at + 128)));
  return Float32Array.from(output);
}

function decibels(samples) {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  return 10 * Math.log10(power + 1e-20);
}

function middle(samples) {
  return samples.subarray(Math.floor(samples.length * 0.2), Math.floor(samples.length * 0.8));
}

for (const rate of RATES) {
  test(`a tone keeps its shape and its place from ${rate} Hz to 24 kHz and back`, () => {
    for (const [from, to] of [[rate, 24000], [24000, rate]]) {
      const tone = resampled(sine(1000, from, from), from, to);
      const wanted = sine(1000, to, tone.length);
      const error = middle(tone.map((sample, i) => sample - wanted[i]));
      assert.ok(decibels(error) < -70, `${from} to ${to}: the error has ${decibels(error)} dB`);
    }
  });

  test(`no sample is lost or made up, but for the filter's own delay, at ${rate} Hz`, () => {
    const tone = resampled(new Float32Array(rate), rate, 24000);
    assert.ok(Math.abs(tone.length - 24000) <= 110, `${tone.length} samples of 24000`);
  });
}

test("what 24 kHz cannot hold is removed instead of folded back", () => {
  for (const hz of [12500, 13000, 15000, 19000, 23000]) {
    const folded = middle(resampled(sine(hz, 48000, 48000), 48000, 24000));
    assert.ok(decibels(folded) < -70, `${hz} Hz comes back with ${decibels(folded)} dB`);
  }
});

test("speech up to 9.5 kHz passes unchanged", () => {
  for (const hz of [100, 3000, 6000, 9500]) {
    const level = decibels(middle(resampled(sine(hz, 44100, 44100), 44100, 24000)));
    assert.ok(Math.abs(level - decibels(sine(hz, 44100, 44100))) < 0.1, `${hz} Hz: ${level} dB`);
  }
});

test("frames are whole, carry their level, and clip instead of wrapping around", () => {
  const frames = new FrameMaker(48000, 960);
  const full = [];
  for (let i = 0; i < 375; i++) full.push(...frames.push(new Float32Array(128).fill(1.5)));
  assert.equal(full.length, 24);
  assert.ok(full.every(({ pcm }) => pcm.length === 960));
  assert.equal(full[10].pcm[500], 32767);
  assert.ok(Math.abs(full[10].level - 1.5) < 0.01);
  const rest = frames.flush();
  assert.ok(rest.pcm.length > 0 && rest.pcm.length < 960);
  assert.equal(frames.flush().pcm.length, 0);
});

function drained(buffer, block = 240) {
  let pulled = 0;
  for (let count; (count = buffer.pull(new Float32Array(block))) > 0;) pulled += count;
  return pulled;
}

test("a reply waits for its lead, a short one only for its end", () => {
  const buffer = new JitterBuffer();
  buffer.add("a", new Int16Array(buffer.lead - 1));
  assert.equal(drained(buffer), 0);
  buffer.add("a", new Int16Array(1));
  assert.equal(drained(buffer), buffer.lead);

  const short = new JitterBuffer();
  short.add("b", new Int16Array(10));
  assert.equal(drained(short), 0);
  short.end("b");
  assert.equal(drained(short), 10);
  assert.deepEqual([short.finished().item, short.current], ["b", null]);
});

test("a gap makes the lead grow, replies without one let it shrink, and an end is no gap", () => {
  const buffer = new JitterBuffer();
  const first = buffer.lead;
  buffer.add("a", new Int16Array(2400));
  drained(buffer);
  assert.equal(buffer.lead, first);
  buffer.add("a", new Int16Array(4800));
  const grown = buffer.lead;
  assert.ok(grown > first);
  buffer.end("a");
  drained(buffer);
  buffer.finished();
  assert.equal(buffer.lead, grown);

  for (let i = 0; i < 30; i++) {
    buffer.add(`b${i}`, new Int16Array(24000));
    buffer.end(`b${i}`);
    drained(buffer);
    buffer.finished();
  }
  assert.equal(buffer.lead, first);
});

test("the buffer counts what was played, reply by reply, and is bounded", () => {
  const buffer = new JitterBuffer();
  buffer.add("a", new Int16Array(5000));
  buffer.add("b", new Int16Array(5000));
  buffer.pull(new Float32Array(1200));
  assert.deepEqual([buffer.current.item, buffer.current.played, buffer.queued], ["a", 1200, 8800]);
  for (let minute = 0; minute < 20; minute++) buffer.add("b", new Int16Array(60 * 24000));
  assert.ok(buffer.queued <= 600 * 24000);
  assert.equal(buffer.clear().played, 1200);
  assert.equal(buffer.queued, 0);
});

function rendered(playout, quanta) {
  const samples = [];
  const events = [];
  for (let i = 0; i < quanta; i++) {
    const out = new Float32Array(128);
    events.push(...playout.render(out));
    samples.push(...out);
  }
  return { samples: Float32Array.from(samples), events };
}

function loudTone(samples) {
  return Int16Array.from(sine(440, 24000, samples, 0.9), (sample) => sample * 32767);
}

function largestStep(samples) {
  let largest = 0;
  for (let i = 1; i < samples.length; i++) largest = Math.max(largest, Math.abs(samples[i] - samples[i - 1]));
  return largest;
}

// A 440 Hz tone of 0.9 at 44.1 kHz moves by 0.0565 a sample at most; a cut would jump by up to 0.9.
const CLICK = 0.08;

test("a reply is played to its last sample and reported as finished", () => {
  const playout = new Playout(44100);
  playout.buffer.add("a", loudTone(12000));
  playout.buffer.end("a");
  const { samples, events } = rendered(playout, 200);
  assert.deepEqual(events, [{ type: "finished", item: "a", samples: 12000 }]);
  const sounding = samples.filter((sample) => Math.abs(sample) > 1e-4).length / 44100;
  assert.ok(Math.abs(sounding - 0.5) < 0.01, `${sounding} s of 0.5 s`);
  assert.ok(largestStep(samples) < CLICK);
});

test("an end that is told only after the last sample was played still finishes the reply", () => {
  const playout = new Playout(48000);
  playout.buffer.add("a", loudTone(4800));
  assert.deepEqual(rendered(playout, 200).events, []);
  playout.buffer.end("a");
  assert.deepEqual(rendered(playout, 1).events, [{ type: "finished", item: "a", samples: 4800 }]);
});

test("a stop is silent within 15 ms, without a click, and says what was played", () => {
  const playout = new Playout(44100);
  playout.buffer.add("a", loudTone(48000));
  const before = rendered(playout, 100);
  playout.stop();
  const after = rendered(playout, 20);
  assert.equal(after.events.length, 1);
  assert.equal(after.events[0].type, "stopped");
  const playedSec = after.events[0].samples / 24000;
  assert.ok(Math.abs(playedSec - (100 * 128) / 44100) < 0.02, `${playedSec} s`);
  assert.ok(after.samples.subarray(0.015 * 44100).every((sample) => sample === 0));
  assert.ok(largestStep(Float32Array.from([...before.samples, ...after.samples])) < CLICK);
});

test("a stop while nothing plays is answered at once", () => {
  const playout = new Playout(48000);
  playout.stop();
  assert.deepEqual(rendered(playout, 3).events, [{ type: "stopped", item: null, samples: 0 }]);
});

test("a gap makes no click either", () => {
  const playout = new Playout(44100);
  playout.buffer.add("a", loudTone(3000));
  const first = rendered(playout, 100);
  playout.buffer.add("a", loudTone(9000));
  const second = rendered(playout, 100);
  assert.ok(largestStep(Float32Array.from([...first.samples, ...second.samples])) < CLICK);
});
