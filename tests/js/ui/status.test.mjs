import assert from "node:assert/strict";
import { test } from "node:test";

import { lacks } from "../../../static/js/ui/status.js";

const SITE = { listen: "site", speak: "site" };
const BROWSER = { listen: "browser", speak: "browser" };
const ALL = { listen: true, speak: true };
const NONE = { listen: false, speak: false };

function tell(by, can, { missing = [], foreign = [], language = "" }) {
  return lacks({ missing, foreign, language, can }, by);
}

test("a language that nothing here knows is named", () => {
  const german = { missing: ["stt"], foreign: ["stt", "tts"], language: "de" };
  assert.equal(
    tell(BROWSER, ALL, german),
    "This site has no speech recognition for German, so your browser listens. For German this site has only a simple voice, so your browser speaks.",
  );
  assert.equal(
    tell(SITE, NONE, german),
    "This site has no speech recognition for German, and this browser has none. Please type. For German this site has only this simple voice.",
  );
  assert.match(tell(SITE, ALL, { ...german, language: "de-AT" }), /for Austrian German\. Choose/);
  assert.match(tell(SITE, ALL, { ...german, language: "no language" }), /for no language\. Choose/);
});

test("what is not installed is told as that", () => {
  assert.equal(tell(SITE, NONE, { missing: ["stt"] }), "Speech recognition is not installed on this server, and this browser has none. Please type.");
  assert.equal(tell(BROWSER, ALL, { missing: ["tts"] }), "Speech synthesis is not installed on this server, so your browser speaks.");
  assert.equal(tell(SITE, ALL, {}), "");
});
