// A socket in Node.js.
//
// `node socket_remote.mjs TYPE bind|connect ENDPOINT COUNT` prints the endpoint once it is bound, sends or
// receives the texts "0" to COUNT - 1, and prints "done". RADIO and DISH use the group "a". A RADIO cannot
// detect that a DISH has joined: with `Infinity` as COUNT, it sends until it is killed.

import assert from "node:assert/strict";
import * as zmq from "zeromq/draft.js";

const [type, direction, endpoint, count] = process.argv.slice(2);

// The operation of each type for one text.
const types = {
  dish: [zmq.Dish, async (socket, text) => {
    const [body, { group }] = await socket.receive();
    assert.deepEqual([String(group), String(body)], ["a", text]);
  }],
  gather: [zmq.Gather, async (socket, text) => assert.equal(String((await socket.receive())[0]), text)],
  radio: [zmq.Radio, async (socket, text) => {
    await socket.send("discarded", { group: "b" });
    await socket.send(text, { group: "a" });
  }],
  scatter: [zmq.Scatter, (socket, text) => socket.send(text)],
};

const [Socket, pass] = types[type];
const socket = new Socket();
if (type === "dish") socket.join("a");
// The queue has no limit, so that no message is dropped.
if (type === "radio") socket.sendHighWaterMark = 0;
if (direction === "bind") {
  await socket.bind(endpoint);
  console.log(socket.lastEndpoint);
} else {
  socket.connect(endpoint);
}
for (let number = 0; number < Number(count); number++) {
  await pass(socket, String(number));
}
console.log("done");
