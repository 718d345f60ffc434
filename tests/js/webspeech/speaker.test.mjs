import "../../support/web_speech.js";

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Clauses } from "../../../static/js/webspeech/clauses.js";
import { SpeechText } from "../../../static/js/webspeech/speech_text.js";
import { Speaker } from "../../../static/js/webspeech/speaker.js";
import { hasVoiceFor, getLabel, sortVoices } from "../../../static/js/webspeech/voices.js";

const { synthesis, spoken, SpeechSynthesisUtterance: Utterance } = globalThis;
let events;
let failures;
let speaker;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 100_000 });
  spoken.length = 0;
  Object.assign(synthesis, { failure: "", forgetsEnds: false });
  synthesis.cancel();
  [events, failures] = [[], []];
  speaker = new Speaker(synthesis, Utterance, {
    settings: () => ({ voice: synthesis.getVoices()[1], language: "en", rate: 1 }),
    now: () => Date.now(),
    onEvent: (event) => events.push(event),
    onFailed: ({ text }) => failures.push(text),
  });
});

afterEach(() => {
  speaker.close();
  mock.timers.reset();
});

function pass(ms) {
  for (let passed = 0; passed < ms; passed += 5) mock.timers.tick(5);
}

test("a reply is spoken clause by clause, and its time is told in samples", () => {
  for (const piece of ["Good mor", "ning, Ada. ", "It is six", " o'clock in the evening. "]) speaker.say("a1", piece);
  pass(10);
  assert.deepEqual(spoken.map(({ text, lang, voice, rate }) => [text, lang, voice, rate]), [["Good morning,", "en-GB", "Daniel", 1]]);
  assert.deepEqual(events[0], { type: "playback.clause", item: "a1", text: "Good morning, ", samples: 0, heard: 0 });
  pass(500);
  assert.ok(Math.abs(events.at(-1).samples - 500 * 24) < 200 * 24, events.at(-1).samples);
  speaker.end("a1");
  pass(6000);
  assert.deepEqual(spoken.map(({ text, ended }) => [text, ended]), [["Good morning,", "whole"], ["Ada. It is six o'clock in the evening.", "whole"]]);
  assert.equal(events.filter(({ type }) => type === "playback.clause").map(({ text }) => text).join(""), "Good morning, Ada. It is six o'clock in the evening. ");
  const { type, samples } = events.at(-1);
  const letters = spoken.reduce((sum, { text }) => sum + text.length, 0);
  assert.equal(type, "playback.finished");
  assert.ok(Math.abs(samples - letters * 60 * 24) < 100 * 24, `${samples}`);
  assert.equal(speaker.isBusy, false);
});

test("a stop is silent at once, and tells how far it came", async () => {
  speaker.say("a1", "This is a rather long sentence that is going to be cut. And this one is never said. ");
  pass(605);
  speaker.stop();
  assert.deepEqual(spoken.map(({ ended }) => ended), ["cut"]);
  await Promise.resolve();
  const { type, item, samples } = events.at(-1);
  assert.deepEqual([type, item], ["playback.stopped", "a1"]);
  assert.ok(Math.abs(samples - 600 * 24) <= 20 * 24, `${samples}`);
  pass(10_000);
  assert.equal(spoken.length, 1);
  speaker.stop();
  await Promise.resolve();
  assert.deepEqual([events.at(-1).item, events.at(-1).samples], [null, 0]);
});

test("the next reply waits for the one before", () => {
  speaker.say("a1", "One. ");
  speaker.end("a1");
  speaker.say("a2", "Two. ");
  speaker.end("a2");
  pass(2000);
  assert.deepEqual(events.filter(({ type }) => type === "playback.finished").map(({ item }) => item), ["a1", "a2"]);
});

test("a voice that fails, or never begins, is told once", () => {
  for (const how of ["synthesis-failed", "not-allowed"]) {
    synthesis.failure = how;
    speaker.say("a1", "Hello there. And");
    pass(20);
    assert.match(failures.at(-1), /This site speaks instead/);
    assert.equal(speaker.isBusy, false);
  }
  synthesis.failure = "";
  speaker.synthesis = { ...synthesis, speak: () => {}, cancel: () => {} };
  speaker.say("a2", "Hello there. More. ");
  pass(5005);
  assert.equal(failures.length, 3);
});

test("an end that the browser forgets is not waited for for ever", () => {
  synthesis.forgetsEnds = true;
  speaker.say("a1", "Hello. How are you today? ");
  pass(7000);
  synthesis.forgetsEnds = false;
  speaker.end("a1");
  pass(10_000);
  assert.equal(spoken.length, 2);
  assert.equal(events.at(-1).type, "playback.finished");
});

test("somebody else's silence ends only the clause", () => {
  speaker.say("a1", "Hello there. How are you today? ");
  speaker.end("a1");
  pass(20);
  synthesis.cancel();
  pass(3000);
  assert.deepEqual(spoken.map(({ ended }) => ended), ["cut", "whole"]);
  assert.deepEqual(failures, []);
});

test("a page speaks in the tap, unheard, so that it may speak later", () => {
  speaker.unlock();
  pass(100);
  assert.deepEqual([spoken, events], [[], []]);
});

function splitClauses(...pieces) {
  const clauses = new Clauses();
  return [...pieces.flatMap((piece) => clauses.feed(piece)), ...clauses.flush()];
}

test("nothing is lost between the clauses, and none is longer than Chrome speaks", () => {
  const long = `${"word ".repeat(100)}end. ${"字".repeat(200)}。 So, well, yes. Mr. Smith came at 5 p.m. on the 3. of May. `;
  for (const size of [1, 7, 1000]) {
    const pieces = long.match(new RegExp(`[^]{1,${size}}`, "gu"));
    const clauses = splitClauses(...pieces);
    assert.equal(clauses.map(({ text }) => text).join(""), long);
    assert.ok(clauses.every(({ text }) => text.length <= 160));
    assert.ok(!clauses.some(({ text }) => /Mr\. $/.test(text)));
  }
  const soon = splitClauses("Sure, I can. It is, in fact, easy: as you see. Now you. ");
  assert.deepEqual(soon.map(({ text }) => text), ["Sure, ", "I can. It is, ", "in fact, easy: as you see. ", "Now you. "]);
});

test("what nobody reads aloud is left out, and stays in the text", () => {
  const [clause] = splitClauses("**Hi** [there](https://a.example/x) 👋🏽 see https://b.example/path?q=1 for `more`");
  assert.equal(clause.words, "Hi there see b.example for more");
  const said = splitClauses("# Title\n- First thing\n", "Here:\n```\ncode(1);\nmore code();\n```\nThat was it.").map(({ words }) => words);
  assert.equal(said.filter(Boolean).join(" | ").includes("code"), false);
  assert.match(said.join(" "), /Title.*First thing.*Here:.*That was it\./);
});

test("voices are offered by the language, the system's own first", () => {
  const voices = synthesis.getVoices();
  assert.deepEqual(sortVoices(voices, "en-US").map(getLabel), ["Samantha (en-US)", "Daniel (en-GB)", "Anna (de-DE)"]);
  assert.deepEqual(sortVoices(voices, "de").map(({ name }) => name), ["Anna", "Daniel", "Samantha"]);
  assert.deepEqual([hasVoiceFor(voices, "en"), hasVoiceFor(voices, "fr"), hasVoiceFor(voices, ""), hasVoiceFor([], "")], [true, false, true, false]);
  assert.equal(getLabel({ name: "Google US English", lang: "en_US" }), "Google US English (en-US)");
});

const WRITTEN = JSON.parse(readFileSync(new URL("../../support/spoken_texts.json", import.meta.url), "utf8"));

test("what is spoken of what is written is what the server's voices are given", () => {
  for (const { written, spoken: expected } of WRITTEN) {
    const text = new SpeechText();
    assert.deepEqual(written.map((clause) => text.spoken(clause)), expected);
  }
});
