// Runs before the page's own scripts: gives the page ears at its loudspeaker, and a diary.
// window.diary: [ms, what, detail], what being "state", "microphone" (the constraints asked for), "event"
// (from the server), "sent", "sound" or "silence". window.replies: the audio the server sent, base64, by item.
(() => {
  const diary = (window.diary = []);
  const note = (what, detail) => diary.push([performance.now(), what, detail]);
  const ears = [];
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode) {
      const ear = new AnalyserNode(target.context, { fftSize: 512 });
      connect.call(this, ear);
      ears.push(ear);
    }
    return connect.call(this, target, ...rest);
  };

  // Chromium's noise suppression takes a synthetic voice for noise, now more and now less: the page's wish is noted,
  // and the sound is taken as it is.
  const media = navigator.mediaDevices;
  const getUserMedia = media?.getUserMedia.bind(media);
  const PLAIN = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  if (media) {
    media.getUserMedia = ({ audio }) => {
      note("microphone", audio);
      return getUserMedia({ audio: { ...audio, ...PLAIN } });
    };
  }

  const latest = new Float32Array(512);
  function measureLevel(ear) {
    ear.getFloatTimeDomainData(latest);
    return Math.sqrt(latest.reduce((sum, sample) => sum + sample * sample, 0) / latest.length);
  }
  window.outputLevel = () => Math.max(0, ...ears.filter((ear) => ear.context.state !== "closed").map(measureLevel));
  let sounding = false;
  setInterval(() => {
    const now = window.outputLevel();
    if (sounding === now > (sounding ? 0.0005 : 0.01)) return;
    sounding = !sounding;
    note(sounding ? "sound" : "silence");
  }, 5);

  // Every sample that goes to the loudspeaker from now on: {rate, samples: floats}.
  window.record = async () => {
    const recording = (window.recording = { rate: 0, samples: [] });
    const heard = ears.filter((ear) => ear.context.state !== "closed");
    const tape = new MediaStreamAudioDestinationNode(heard[0].context, { channelCount: 1 });
    for (const ear of heard) ear.connect(tape);
    const [track] = tape.stream.getAudioTracks();
    for await (const piece of new MediaStreamTrackProcessor({ track, maxBufferSize: 1000 }).readable) {
      const samples = new Float32Array(piece.numberOfFrames);
      piece.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
      recording.rate = piece.sampleRate;
      recording.samples.push(...samples);
      piece.close();
    }
  };

  window.replies = {};
  window.audioSent = { frames: 0, silent: 0, samples: 0 };
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (typeof data === "string") note("sent", JSON.parse(data));
    else {
      window.audioSent.frames += 1;
      window.audioSent.samples += data.length;
      window.audioSent.silent += data.every((sample) => sample === 0) ? 1 : 0;
    }
    return send.call(this, data);
  };
  const NativeSocket = window.WebSocket;
  window.WebSocket = class extends NativeSocket {
    constructor(...args) {
      super(...args);
      note("connect", String(args[0]));
      this.addEventListener("message", ({ data }) => {
        const event = JSON.parse(data);
        if (event.type !== "response.output_audio.delta") note("event", event);
        else (window.replies[event.item_id] ??= []).push(event.delta);
      });
    }
  };

  document.addEventListener("DOMContentLoaded", () => {
    const talk = document.getElementById("talk");
    if (!talk) return;
    note("state", talk.dataset.state);
    new MutationObserver(() => note("state", talk.dataset.state)).observe(talk, { attributeFilter: ["data-state"] });
  });
})();
