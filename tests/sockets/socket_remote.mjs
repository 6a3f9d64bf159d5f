// Sockets in Node.js.
//
// Each line of the standard input describes a socket, in JSON: its `type`, its properties, `options`, and an
// endpoint to `bind` or to `connect`, which the script prints as soon as that is done. Then the socket sends or
// receives the texts "0" to `count` - 1, and the script prints "done". The next line closes the socket.
//
// A CLIENT expects each text back, and a SERVER returns it. The messages of classic types have three parts: the text,
// an empty one, and the text again. A PAIR, DEALER, REP or ROUTER returns each of them. RADIO and DISH use the group
// "a". A RADIO cannot detect that a DISH has joined, nor a PUB that a SUB has subscribed: they send until the next line,
// and "done" is not printed. An XPUB sends after ten subscriptions, and a "prompted_xpub" when it has received a message
// from an XSUB, which cancels the topic "9" afterwards. A SUB or XSUB subscribes to every digit, and cancels "9" after
// the last message. The XSUB sends a message when it has received one. Over udp, where messages can be lost, a DISH
// receives `count` texts of increasing numbers. The server of a mechanism admits remotes with the credentials
// `admitted`, an array of arrays of bytes.

import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { setImmediate } from "node:timers/promises";
import {
  Dealer, Pair, Publisher, Pull, Push, Reply, Request, Router, Subscriber, XPublisher, XSubscriber,
} from "zeromq";
import { Client, Dish, Gather, Radio, Scatter, Server } from "zeromq/draft.js";

const group = "a";

const digits = [..."0123456789"];

// What an XSUB sends to an XPUB.
const userMessage = ["user", "", "message"];

// Returns each message to its sender. A ROUTER receives an envelope as well.
async function echo(socket, count) {
  for (let number = 0; number < count; number++) {
    const parts = await socket.receive();
    assert.deepEqual(parts.slice(-3).map(String), [String(number), "", String(number)]);
    await socket.send(parts);
  }
}

// Sends requests, and expects each back.
async function ask(socket, count, ...envelope) {
  for (let number = 0; number < count; number++) {
    const request = [...envelope, String(number), "", String(number)];
    await socket.send(request);
    assert.deepEqual((await socket.receive()).map(String), request);
  }
}

// Publishes the numbers below `count`.
async function publish(socket, count) {
  for (let number = 0; number < count; number++) {
    await socket.send(["discarded", String(number)]);
    await socket.send([String(number), "", String(number)]);
  }
}

// The exchange of each type.
const types = {
  asking_dealer: [Dealer, (socket, { count }) => ask(socket, count, "id", "")],
  client: [Client, async (socket, { count }) => {
    for (let number = 0; number < count; number++) {
      await socket.send(String(number));
      assert.equal(String((await socket.receive())[0]), String(number));
    }
  }],
  dealer: [Dealer, (socket, { count }) => echo(socket, count)],
  dish: [Dish, async (socket, { bind, count }) => {
    const lossy = bind?.startsWith("udp:");
    for (let received = 0, next = 0; received < count; received++) {
      const [body, { group: of }] = await socket.receive();
      assert.equal(String(of), group);
      const number = Number(body);
      assert(lossy ? number >= next : number === next, `${body} instead of ${next}`);
      next = number + 1;
    }
  }],
  gather: [Gather, async (socket, { count }) => {
    for (let number = 0; number < count; number++) {
      assert.equal(String((await socket.receive())[0]), String(number));
    }
  }],
  pair: [Pair, (socket, { count }) => echo(socket, count)],
  // The XSUB can subscribe on several connections.
  prompted_xpub: [XPublisher, async (socket, { count }) => {
    const topics = new Set();
    for (;;) {
      const message = (await socket.receive()).map(String);
      if (message.length > 1) {
        assert.deepEqual(message, userMessage);
        break;
      }
      const topic = message[0].slice(1);
      assert(message[0][0] === "\x01" ? topics.add(topic) : topics.delete(topic));
    }
    assert.deepEqual([...topics].sort(), digits);
    await publish(socket, count);
    assert.deepEqual((await socket.receive()).map(String), ["\x009"]);
  }],
  pub: [Publisher, async (socket, _, nextLine) => {
    let stopped = false;
    nextLine.then(() => { stopped = true; });
    // One part each: a SUB that leaves within a message of several parts can end the process of libzmq.
    for (let number = 0; !stopped; number++) {
      await socket.send("discarded");
      await socket.send(String(number));
      await setImmediate();
    }
  }],
  pull: [Pull, async (socket, { count }) => {
    for (let number = 0; number < count; number++) {
      const parts = (await socket.receive()).map(String);
      assert.deepEqual(parts, [String(number), "", String(number)]);
    }
  }],
  push: [Push, async (socket, { count }) => {
    for (let number = 0; number < count; number++) {
      await socket.send([String(number), "", String(number)]);
    }
  }],
  radio: [Radio, async (socket, _, nextLine) => {
    let stopped = false;
    nextLine.then(() => { stopped = true; });
    for (let number = 0; !stopped; number++) {
      await socket.send("discarded", { group: "b" });
      await socket.send(String(number), { group });
      await setImmediate();
    }
  }],
  rep: [Reply, (socket, { count }) => echo(socket, count)],
  req: [Request, (socket, { count }) => ask(socket, count)],
  router: [Router, (socket, { count }) => echo(socket, count)],
  scatter: [Scatter, async (socket, { count }) => {
    for (let number = 0; number < count; number++) {
      await socket.send(String(number));
    }
  }],
  server: [Server, async (socket, { count }) => {
    for (let number = 0; number < count; number++) {
      const [body, remote] = await socket.receive();
      assert.equal(String(body), String(number));
      await socket.send(body, remote);
    }
  }],
  sub: [Subscriber, async (socket, { count }) => {
    for (let number = 0; number < count; number++) {
      const parts = (await socket.receive()).map(String);
      assert.deepEqual(parts, [String(number), "", String(number)]);
    }
    socket.unsubscribe("9");
  }],
  xpub: [XPublisher, async (socket, { count }) => {
    const subscriptions = [];
    for (let at = 0; at < 10; at++) subscriptions.push(String(await socket.receive()));
    assert.deepEqual(subscriptions.sort(), digits.map((digit) => `\x01${digit}`));
    await publish(socket, count);
  }],
  xsub: [XSubscriber, async (socket, { count }) => {
    for (let number = 0; number < count; number++) {
      const parts = (await socket.receive()).map(String);
      assert.deepEqual(parts, [String(number), "", String(number)]);
      if (number === 0) await socket.send(userMessage);
    }
    await socket.send("\x009");
  }],
};

// The ZAP handler (RFC 27), which PLAIN requires. The user id is empty, because a DISH would mistake it for a
// message without a group.
async function authenticate() {
  for await (const [version, request, , , , , ...credentials] of handler) {
    assert.deepEqual(credentials, admitted);
    await handler.send([version, request, "200", "OK", "", ""]);
  }
}

async function run(description, nextLine) {
  const { type, bind, connect, options } = description;
  const [Socket, exchange] = types[type];
  const socket = new Socket(options);
  admitted = description.admitted.map((bytes) => Buffer.from(bytes));
  if (type === "dish") socket.join(group);
  if (type === "sub") socket.subscribe(...digits);
  if (type === "xsub") {
    for (const digit of digits) await socket.send(`\x01${digit}`);
  }
  const untilNextLine = ["pub", "radio"].includes(type);
  if (untilNextLine || type.endsWith("xpub")) {
    // The queue has no limit, so that no message is dropped.
    socket.sendHighWaterMark = 0;
    if (untilNextLine) socket.linger = 0;
  }
  if (bind) {
    await socket.bind(bind);
  } else {
    socket.connect(connect);
  }
  console.log(socket.lastEndpoint);
  // The input ends early if the test fails.
  let finished = untilNextLine;
  nextLine.then(() => { if (!finished) process.exit(1); });
  await exchange(socket, description, nextLine);
  finished = true;
  if (!untilNextLine) console.log("done");
  // The remote has received all messages by then: libzmq may discard the last of them when it closes.
  await nextLine;
  socket.close();
}

let admitted = [];
const handler = new Reply();
await handler.bind("inproc://zeromq.zap.01");
authenticate();

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
for (let line = await lines.next(); !line.done;) {
  const nextLine = lines.next();
  await run(JSON.parse(line.value), nextLine);
  line = await nextLine;
}
handler.close();
