import "../../support/web_speech.js";

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Listener } from "../../../static/js/webspeech/listener.js";
import { joinWords, joinResults } from "../../../static/js/webspeech/recognition_results.js";

const { recogniser } = globalThis;
let told;
let listener;
let page;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 100_000 });
  told = [];
  page = { isHidden: false, language: "de", patience: "balanced", isAndroid: false };
  Object.assign(recogniser, { started: [], stops: 0, isStuck: false, current: null });
  let count = 0;
  listener = new Listener(recogniser.Recognition, {
    settings: () => page,
    newId: () => `w${++count}`,
    isHidden: () => page.isHidden,
    onWords: ({ id, text }) => told.push(["words", id, text]),
    onUtterance: ({ id, text }) => told.push(["utterance", id, text]),
    onFailed: ({ text }) => told.push(["failed", text]),
  });
});

afterEach(() => mock.timers.reset());

async function openListener() {
  const opening = listener.open();
  pass(1);
  await opening;
}

function pass(ms) {
  for (let passed = 0; passed < ms; passed += 1) mock.timers.tick(1); // a timer may set another one
}

test("words grow, and so long after a finished phrase they are the utterance", async () => {
  await openListener();
  assert.deepEqual([recogniser.current.lang, recogniser.current.continuous, recogniser.current.interimResults], ["de", true, true]);
  recogniser.hear("I dream");
  recogniser.hear("I dream of", true);
  pass(300);
  recogniser.hear(" flying");
  pass(1900);
  recogniser.hear(" flying.", true);
  pass(499);
  assert.deepEqual(told.at(-1), ["words", "w1", "I dream of flying."]);
  pass(1);
  assert.deepEqual(told.at(-1), ["utterance", "w1", "I dream of flying."]);
  recogniser.hear("And", false);
  assert.deepEqual(told.at(-1), ["words", "w2", "And"], "what was told is not told again");
  assert.equal(recogniser.started.length, 1);
});

test("words that the browser leaves open are asked for, and listening goes on at once", async () => {
  await openListener();
  recogniser.hear("Hello");
  pass(2000);
  assert.equal(recogniser.stops, 1);
  pass(1);
  assert.deepEqual(told.at(-1), ["utterance", "w1", "Hello"]);
  pass(1);
  assert.equal(recogniser.started.length, 2);
});

test("a recogniser that does not settle is left, and loses nothing", async () => {
  await openListener();
  recogniser.hear("Hello");
  recogniser.isStuck = true;
  pass(4000);
  assert.deepEqual(told.at(-1), ["utterance", "w1", "Hello"]);
  assert.equal(recogniser.started.length, 2);
});

test("an utterance goes on across recognitions that end by themselves", async () => {
  await openListener();
  recogniser.hear("My name is", true);
  recogniser.end();
  pass(1);
  recogniser.hear("Ada");
  assert.deepEqual(told.at(-1), ["words", "w1", "My name is Ada"]);
  recogniser.end();
  pass(499);
  assert.equal(told.at(-1)[0], "words");
  pass(1);
  assert.deepEqual(told.at(-1), ["utterance", "w1", "My name is Ada"]);
  recogniser.hear("Hi", true);
  pass(500);
  assert.deepEqual(told.at(-1), ["utterance", "w2", "Hi"]);
});

test("silence and a minute's end only start it anew", async () => {
  await openListener();
  for (let round = 0; round < 20; round++) {
    pass(8000);
    recogniser.end("no-speech");
  }
  assert.equal(recogniser.started.length, 21);
  assert.deepEqual(told, []);
});

test("what ends at once is tried less and less often, and given up in words", async () => {
  await openListener();
  const waits = [];
  while (told.length === 0) {
    recogniser.end("aborted");
    const endedAt = Date.now();
    while (recogniser.current === null && told.length === 0) pass(1);
    waits.push(Date.now() - endedAt);
  }
  assert.deepEqual(waits.slice(0, -1), [200, 400, 800, 1600, 3200, 4000]);
  assert.match(told[0][1], /keeps stopping\. This site listens instead/);
  assert.equal(recogniser.started.length, 7);
});

test("each failure is told: in the opening as a refusal, later as an event", async () => {
  for (const error of ["network", "service-not-allowed", "not-allowed", "audio-capture", "language-not-supported"]) {
    const opening = listener.open();
    recogniser.end(error);
    await assert.rejects(opening, ({ tone, text }) => tone === "info" && /This site listens instead\.$/.test(text));
    await openListener();
    recogniser.hear("Half a");
    recogniser.end(error);
    assert.deepEqual(told.at(-2)[0], "utterance", "what was heard by then counts");
    assert.match(told.at(-1)[1], /This site listens instead/);
    pass(10_000);
  }
  assert.equal(recogniser.started.length, 10);
});

test("switched off it tells what it had, and at least that there was nothing", async () => {
  await openListener();
  recogniser.hear("Stop it");
  listener.keep(false);
  pass(1);
  assert.deepEqual(told.at(-1), ["utterance", "w1", "Stop it"]);
  listener.keep(true);
  pass(1);
  listener.keep(false);
  pass(1);
  assert.deepEqual(told.at(-1), ["utterance", null, ""]);
  pass(10_000);
  assert.equal(recogniser.started.length, 2);
});

test("with the button held, neither a pause nor a recognition's end is the utterance's", async () => {
  await openListener();
  listener.keep(true, true);
  recogniser.hear("One", true);
  pass(5000);
  recogniser.end();
  pass(1);
  recogniser.hear("two");
  pass(5000);
  assert.deepEqual(told.at(-1), ["words", "w1", "One two"]);
  listener.keep(false, true);
  pass(1);
  assert.deepEqual(told.at(-1), ["utterance", "w1", "One two"]);
});

test("a page that nobody sees waits, and listens again when it is seen", async () => {
  await openListener();
  page.isHidden = true;
  recogniser.end("not-allowed");
  pass(60_000);
  assert.deepEqual([recogniser.started.length, told], [1, []]);
  page.isHidden = false;
  listener.wake();
  pass(1);
  recogniser.hear("Hi");
  assert.deepEqual(told, [["words", "w1", "Hi"]]);
});

test("a hang-up is the end of it", async () => {
  await openListener();
  recogniser.hear("Bye");
  listener.close();
  pass(60_000);
  assert.deepEqual(told, [["words", "w1", "Bye"]]);
  assert.equal(recogniser.started.length, 1);
});

test("patience is that of the person", async () => {
  await openListener();
  for (const [patience, wait] of [["quick", 100], ["patient", 1500], ["", 500]]) {
    page.patience = patience;
    recogniser.hear("Well", true);
    pass(wait - 1);
    assert.equal(told.at(-1)[0], "words");
    pass(1);
    assert.equal(told.at(-1)[0], "utterance");
  }
});

test("results are joined as their script wants it, and Android's repetitions are one", () => {
  const results = (...texts) => texts.map((transcript) => Object.assign([{ transcript }], { isFinal: true }));
  assert.equal(joinResults(results("one", " two", "three"), 1, false).text, "two three");
  assert.equal(joinResults(results("hello", "Hello how", "hello how are you"), 0, true).text, "hello how are you");
  assert.deepEqual(joinResults([], 0, false), { text: "", isFinal: false });
  assert.equal(joinWords("今日は", "元気"), "今日は元気");
});
