// A responder or a requester in Node.js, implemented from docs/rpc.md alone.
//
// `node rpc_remote.mjs responder` prints its endpoint; `node rpc_remote.mjs requester ENDPOINT` prints "done".

import assert from "node:assert/strict";
import { Client, Server } from "zeromq/draft.js";

const [REQUEST, REPLY, PART, ERROR, CANCEL, CREDIT, END] = [0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17];
const [TIMEOUT, CREDITED, TRACE] = [0x01, 0x02, 0x04];
const APPLICATION = 0x10;

function envelope(kind, id, ...rest) {
  const header = Buffer.alloc(9);
  header.writeUInt8(kind, 0);
  header.writeBigUInt64BE(id, 1);
  return Buffer.concat([header, ...rest]);
}

function open(message) {
  return [message.readUInt8(0), message.readBigUInt64BE(1), message.subarray(9)];
}

function number(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function text(value) {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(Buffer.byteLength(value));
  return Buffer.concat([length, Buffer.from(value)]);
}

function error(code, detail, words) {
  return Buffer.concat([Buffer.from([code]), number(detail), Buffer.from(words)]);
}

function readRequest(rest) {
  const flags = rest.readUInt8(0);
  assert.equal(flags & ~(TIMEOUT | CREDITED | TRACE), 0);
  let at = 1;
  const readNumber = () => rest.readUInt32BE((at += 4) - 4);
  const readText = () => {
    const length = rest.readUInt16BE(at);
    at += 2 + length;
    return rest.toString("utf8", at - length, at);
  };
  const request = { credit: 0 };
  if (flags & TIMEOUT) request.timeout = readNumber();
  if (flags & CREDITED) request.credit = readNumber();
  if (flags & TRACE) request.trace = [readText(), readText()];
  request.body = rest.subarray(at);
  return request;
}

// Sends messages one after another, because a socket of Node.js accepts one at a time.
function sender(socket) {
  let last = Promise.resolve();
  return (...message) => (last = last.then(() => socket.send(...message)));
}

async function responder() {
  const server = new Server();
  await server.bind("tcp://127.0.0.1:*");
  console.log(server.lastEndpoint);
  const send = sender(server);
  const streams = new Map();

  function go(key) {
    const stream = streams.get(key);
    while (stream.next < stream.end && stream.credit > 0) {
      stream.credit -= 1;
      send(envelope(PART, stream.id, Buffer.from(String(stream.next++))), stream.to);
    }
    if (stream.next === stream.end) {
      send(envelope(END, stream.id), stream.to);
      streams.delete(key);
    }
  }

  for await (const [message, { routingId }] of server) {
    const [kind, id, rest] = open(message);
    const [to, key] = [{ routingId }, `${routingId}/${id}`];
    if (kind === CANCEL) {
      assert.equal(rest.length, 0);
      console.log("cancelled");
    } else if (kind === CREDIT) {
      const stream = streams.get(key);
      if (stream) {
        stream.credit += rest.readUInt32BE(0);
        go(key);
      }
    } else {
      assert.equal(kind, REQUEST);
      const { body, credit, timeout, trace } = readRequest(rest);
      const [word, argument] = body.toString().split(" ");
      if (word === "fail") {
        send(envelope(ERROR, id, error(APPLICATION, Number(argument), "as you wish")), to);
      } else if (word === "time") {
        send(envelope(REPLY, id, Buffer.from(String(timeout))), to);
      } else if (word === "trace") {
        send(envelope(REPLY, id, Buffer.from(trace.join(" "))), to);
      } else if (word === "count") {
        streams.set(key, { id, to, credit, next: 0, end: Number(argument) });
        go(key);
      } else if (word !== "sleep") {
        send(envelope(REPLY, id, body), to);
      }
    }
  }
}

async function requester(endpoint) {
  const client = new Client();
  client.connect(endpoint);
  const send = sender(client);
  const calls = new Map();
  let nextId = 0n;

  // Makes a call. `take` receives each message of the reply, and returns `last` with the last one.
  function call(flags, fields, body, take) {
    const id = nextId++;
    const replied = new Promise((resolve) => calls.set(id, { resolve, take }));
    send(envelope(REQUEST, id, Buffer.from([flags]), ...fields, Buffer.from(body)));
    return { id, replied };
  }

  const one = (kind, rest) => ({ last: [kind, rest.toString()] });
  const plain = (body) => call(0, [], body, one).replied;

  (async () => {
    for await (const [message] of client) {
      const [kind, id, rest] = open(message);
      const { resolve, take } = calls.get(id) ?? {};
      const outcome = take?.(kind, rest, id);
      if (outcome?.last) {
        calls.delete(id);
        resolve(outcome.last);
      }
    }
  })();

  // Each call gets its own reply.
  const bodies = Array.from({ length: 100 }, (_, at) => `number ${at}`);
  const replies = await Promise.all(bodies.map(plain));
  assert.deepEqual(replies, bodies.map((body) => [REPLY, body]));

  // An error has a code, a number and a text.
  const failed = await call(0, [], "fail", (kind, rest) => ({ last: [kind, rest] })).replied;
  assert.equal(failed[0], ERROR);
  assert.deepEqual(failed[1], error(APPLICATION, 42, "as you wish"));

  // The time and the trace are sent with the request.
  const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const traced = call(TRACE, [text(parent), text("vendor=1")], "trace", one);
  assert.deepEqual(await traced.replied, [REPLY, `${parent} vendor=1`]);
  const hurried = call(TIMEOUT, [number(20)], "sleep", (kind, rest) => ({ last: [kind, rest[0]] }));
  assert.deepEqual(await hurried.replied, [ERROR, 0x11]);

  // A stream continues while it has credit.
  const parts = [];
  const stream = call(CREDITED, [number(2)], "count", (kind, rest, id) => {
    if (kind === END) return { last: kind };
    assert.equal(kind, PART);
    parts.push(Number(rest));
    send(envelope(CREDIT, id, number(1)));
  });
  assert.equal(await stream.replied, END);
  assert.deepEqual(parts, Array.from({ length: 50 }, (_, at) => at));

  // A message of a later version is refused under its id.
  const later = call(0, [], "x", one);
  assert.deepEqual(await later.replied, [REPLY, "x"]);
  const strange = new Promise((resolve) => calls.set(999n, { resolve, take: (kind, rest) => ({ last: [kind, rest[0]] }) }));
  send(envelope(0x21, 999n, Buffer.from("the future")));
  assert.deepEqual(await strange, [ERROR, 0x15]);

  // This call is cancelled.
  const { id } = call(0, [], "sleep", one);
  await send(envelope(CANCEL, id));
  console.log("done");
  client.close();
}

const [role, endpoint] = process.argv.slice(2);
await (role === "responder" ? responder() : requester(endpoint));
