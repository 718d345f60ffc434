// A stand-in for the speech services of a browser, which headless Chromium and node lack. The test says what is heard:
// recogniser.hear("Hello", true); spoken lists what was said aloud: {text, lang, rate, voice, ended: null | "whole" | "cut"}.
(() => {
  const MS_PER_LETTER = 60;

  class Recognition {
    constructor() {
      this.results = [];
      this.isOver = false;
    }

    start() {
      recogniser.started.push(this);
      recogniser.current = this;
      setTimeout(() => this.#tell("start", {}), 1);
    }

    /** The last words become final, as with a real one. */
    stop() {
      recogniser.stops += 1;
      if (recogniser.isStuck) return;
      setTimeout(() => {
        const last = this.results.at(-1);
        if (last && !last.isFinal) this.hear(last[0].transcript, true);
        this.end();
      }, 1);
    }

    abort() {
      setTimeout(() => this.end("aborted"), 1);
    }

    hear(transcript, isFinal) {
      const open = this.results.at(-1)?.isFinal === false ? this.results.slice(0, -1) : this.results;
      this.results = [...open, Object.assign([{ transcript }], { isFinal })];
      this.#tell("result", { results: this.results });
    }

    end(error) {
      if (this.isOver) return;
      if (error) this.#tell("error", { error });
      this.isOver = true;
      if (recogniser.current === this) recogniser.current = null;
      this.onend?.({});
    }

    #tell(type, event) {
      if (!this.isOver) this[`on${type}`]?.(event);
    }
  }

  const recogniser = {
    Recognition,
    started: [],
    stops: 0,
    isStuck: false,
    current: null, // the one that listens
    hear: (text, isFinal = false) => recogniser.current.hear(text, isFinal),
    end: (error) => recogniser.current.end(error),
  };

  class Utterance {
    constructor(text) {
      this.text = text;
      this.volume = 1;
    }
  }

  const spoken = [];
  const voices = [
    { voiceURI: "urn:anna", name: "Anna", lang: "de-DE", default: true, localService: true },
    { voiceURI: "urn:daniel", name: "Daniel", lang: "en-GB", default: false, localService: true },
    { voiceURI: "urn:samantha", name: "Samantha", lang: "en-US", default: false, localService: true },
  ];
  const queue = [];
  let timer = null;

  function startNext() {
    const [utterance] = queue;
    if (timer !== null || !utterance) return;
    if (synthesis.failure) {
      queue.shift();
      timer = setTimeout(() => finish(() => utterance.onerror?.({ error: synthesis.failure })), 1);
      return;
    }
    timer = setTimeout(() => begin(utterance), 5);
  }

  function begin(utterance) {
    const { text, lang, rate, voice } = utterance;
    const entry = { text, lang, rate, voice: voice?.name ?? null, ended: null, at: Date.now() };
    if (utterance.volume > 0) spoken.push(entry);
    utterance.entry = entry;
    utterance.onstart?.({});
    const isForgotten = synthesis.forgetsEnds;
    timer = setTimeout(
      () => {
        if (isForgotten) return;
        entry.ended = "whole";
        queue.shift();
        finish(() => utterance.onend?.({}));
      },
      (text.length * MS_PER_LETTER) / (rate ?? 1),
    );
  }

  function finish(tell) {
    clearTimeout(timer);
    timer = null;
    tell();
    startNext();
  }

  const synthesis = {
    failure: "",
    forgetsEnds: false,
    getVoices: () => voices,
    addEventListener: () => {},
    speak(utterance) {
      queue.push(utterance);
      startNext();
    },
    cancel() {
      const cut = queue.splice(0);
      clearTimeout(timer);
      timer = null;
      for (const utterance of cut) {
        if (utterance.entry) utterance.entry.ended = "cut";
        utterance.onerror?.({ error: utterance.entry ? "interrupted" : "canceled" });
      }
    },
  };

  Object.assign(globalThis, { recogniser, spoken, synthesis });
  if (typeof window === "undefined") {
    globalThis.SpeechSynthesisUtterance = Utterance;
    return;
  }
  window.SpeechRecognition = window.webkitSpeechRecognition = Recognition;
  window.SpeechSynthesisUtterance = Utterance;
  Object.defineProperty(window, "speechSynthesis", { value: synthesis });
})();
