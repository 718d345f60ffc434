import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { RealtimeSocket } from "../../../static/js/net/socket.js";

let now;
let wires;

class Wire {
  static OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  sent = [];

  constructor() {
    wires.push(this);
  }

  send(data) {
    this.sent.push(typeof data === "string" ? JSON.parse(data).type : data);
  }

  close() {
    this.readyState = 3;
  }
}

beforeEach((context) => {
  [now, wires] = [0, []];
  globalThis.WebSocket = Wire;
  context.mock.method(performance, "now", () => now);
  context.mock.timers.enable({ apis: ["setTimeout"] });
});

/** A socket that has heard a first word, and what came of it. */
function connectSocket(context) {
  const closes = [];
  const socket = new RealtimeSocket(() => {}, (code) => closes.push(code));
  const wait = (ms) => {
    for (let step = 0; step < ms / 50; step++) {
      now += 50;
      context.mock.timers.tick(50);
    }
  };
  socket.connect("ws://here");
  wait(50);
  const hear = (event = { type: "session.pong" }) => wires.at(-1).onmessage({ data: JSON.stringify(event) });
  hear();
  return { socket, closes, wait, hear };
}

test("a quiet line is asked, and lost within five seconds if it does not answer", (context) => {
  const { closes, wait } = connectSocket(context);
  wait(1900);
  assert.deepEqual(wires[0].sent, []);
  wait(200);
  assert.deepEqual([wires[0].sent, closes], [["session.ping"], []]);
  wait(2900);
  assert.deepEqual(closes, [1006]);
});

test("a line that answers is kept, and one that speaks by itself is not asked", (context) => {
  const { closes, wait, hear } = connectSocket(context);
  for (let second = 0; second < 20; second++) {
    wait(1000);
    hear();
  }
  assert.deepEqual(wires[0].sent, []);
  for (let turn = 0; turn < 5; turn++) {
    wait(2100);
    hear();
  }
  assert.deepEqual([wires[0].sent.length, closes], [5, []]);
});

test("a page that stood still asks again before it gives up", (context) => {
  const { socket, closes, wait } = connectSocket(context);
  socket.probe();
  now += 60_000; // the device slept, and its timers with it
  wait(2750);
  assert.deepEqual([wires[0].sent.length, closes], [2, []]);
  wait(2750);
  assert.deepEqual(closes, [1006]);
});

const offered = { type: "session.resumption", event_id: "event_1", token: "token", seconds: 30 };

test("what the lost connection took with it is sent again, before anything else", (context) => {
  const { socket, wait, hear } = connectSocket(context);
  hear(offered);
  const [sound, more] = [new Int16Array(2), new Int16Array(3)];
  socket.sendAudio(sound);
  socket.send({ type: "response.cancel" });
  socket.disconnect();
  socket.sendAudio(more);
  socket.connect("ws://here");
  wait(50);
  socket.send({ type: "response.create" });
  assert.deepEqual(wires[1].sent, []);
  hear({ type: "session.resumed", event_id: "event_2", received_frames: 1 });
  assert.deepEqual(wires[1].sent, ["response.cancel", more, "response.create"]);
  assert.equal(socket.lastEventId, "event_2");
});

test("another session gets only what was said meanwhile", (context) => {
  const { socket, wait, hear } = connectSocket(context);
  hear(offered);
  socket.sendAudio(new Int16Array(2));
  socket.disconnect();
  const said = new Int16Array(3);
  socket.sendAudio(said);
  socket.send({ type: "response.create" });
  socket.connect("ws://here");
  wait(50);
  hear({ type: "session.created" });
  assert.deepEqual(wires[1].sent, [said]);
});

test("too long an outage is for a new session", (context) => {
  const { socket, closes, wait, hear } = connectSocket(context);
  hear(offered);
  socket.disconnect();
  for (let second = 0; second < 50; second++) socket.sendAudio(new Int16Array(24000));
  socket.connect("ws://here");
  wait(50);
  hear({ type: "session.resumed", event_id: "event_2", received_frames: 0 });
  assert.deepEqual([closes, socket.lastEventId, wires[1].sent], [[1006], "", []]);
});

test("a server that keeps what it sent is told what came", (context) => {
  const { wait, hear } = connectSocket(context);
  for (let second = 0; second < 3; second++) {
    wait(1000);
    hear(offered);
  }
  assert.deepEqual(wires[0].sent, ["session.ping"]);
});
