import assert from "node:assert/strict";
import { test } from "node:test";

import { FrameMaker } from "../../../static/js/audio/frames.js";
import { JitterBuffer } from "../../../static/js/audio/jitter_buffer.js";
import { Resampler } from "../../../static/js/audio/resampler.js";

const RATES = [8000, 16000, 22050, 44100, 48000, 96000, 192000];

function makeSine(hz, rate, samples, amplitude = 0.5) {
  return Float32Array.from({ length: samples }, (_, i) => amplitude * Math.sin((2 * Math.PI * hz * i) / rate));
}

/** In pieces of 128, as a worklet gets them. */
function resample(input, from, to) {
  const resampler = new Resampler(from, to);
  const output = [];
  for (let at = 0; at < input.length; at += 128) output.push(...resampler.push(input.subarray(at, at + 128)));
  return Float32Array.from(output);
}

function measureDb(samples) {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  return 10 * Math.log10(power + 1e-20);
}

function cutMiddle(samples) {
  return samples.subarray(Math.floor(samples.length * 0.2), Math.floor(samples.length * 0.8));
}

for (const rate of RATES) {
  test(`a tone keeps its shape and its place from ${rate} Hz to 24 kHz and back`, () => {
    for (const [from, to] of [[rate, 24000], [24000, rate]]) {
      const tone = resample(makeSine(1000, from, from), from, to);
      const wanted = makeSine(1000, to, tone.length);
      const error = cutMiddle(tone.map((sample, i) => sample - wanted[i]));
      assert.ok(measureDb(error) < -70, `${from} to ${to}: the error has ${measureDb(error)} dB`);
    }
  });

  test(`no sample is lost or made up, but for the filter's own delay, at ${rate} Hz`, () => {
    const tone = resample(new Float32Array(rate), rate, 24000);
    assert.ok(Math.abs(tone.length - 24000) <= 110, `${tone.length} samples of 24000`);
  });
}

test("what 24 kHz cannot hold is removed instead of folded back", () => {
  for (const hz of [12500, 13000, 15000, 19000, 23000]) {
    const folded = cutMiddle(resample(makeSine(hz, 48000, 48000), 48000, 24000));
    assert.ok(measureDb(folded) < -70, `${hz} Hz comes back with ${measureDb(folded)} dB`);
  }
});

test("speech up to 9.5 kHz passes unchanged", () => {
  for (const hz of [100, 3000, 6000, 9500]) {
    const level = measureDb(cutMiddle(resample(makeSine(hz, 44100, 44100), 44100, 24000)));
    assert.ok(Math.abs(level - measureDb(makeSine(hz, 44100, 44100))) < 0.1, `${hz} Hz: ${level} dB`);
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

function drain(buffer, block = 240) {
  let pulled = 0;
  for (let count; (count = buffer.pull(new Float32Array(block))) > 0;) pulled += count;
  return pulled;
}

test("a reply waits for its lead, a short one only for its end", () => {
  const buffer = new JitterBuffer();
  buffer.add("a", new Int16Array(buffer.lead - 1));
  assert.equal(drain(buffer), 0);
  buffer.add("a", new Int16Array(1));
  assert.equal(drain(buffer), buffer.lead);

  const short = new JitterBuffer();
  short.add("b", new Int16Array(10));
  assert.equal(drain(short), 0);
  short.end("b");
  assert.equal(drain(short), 10);
  assert.deepEqual([short.finished().item, short.current], ["b", null]);
});

test("a gap makes the lead grow, replies without one let it shrink, and an end is no gap", () => {
  const buffer = new JitterBuffer();
  const first = buffer.lead;
  buffer.add("a", new Int16Array(2400));
  drain(buffer);
  assert.equal(buffer.lead, first);
  buffer.add("a", new Int16Array(4800));
  const grown = buffer.lead;
  assert.ok(grown > first);
  buffer.end("a");
  drain(buffer);
  buffer.finished();
  assert.equal(buffer.lead, grown);

  for (let i = 0; i < 30; i++) {
    buffer.add(`b${i}`, new Int16Array(24000));
    buffer.end(`b${i}`);
    drain(buffer);
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
