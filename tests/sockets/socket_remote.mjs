// A socket in Node.js.
//
// `node socket_remote.mjs TYPE bind|connect ENDPOINT COUNT` prints the endpoint once it is bound, sends or
// receives the texts "0" to COUNT - 1, and prints "done".

import assert from "node:assert/strict";
import * as zmq from "zeromq/draft.js";

const [type, direction, endpoint, count] = process.argv.slice(2);

// What a type does with each text.
const types = {
  gather: [zmq.Gather, async (socket, text) => assert.equal(String((await socket.receive())[0]), text)],
  scatter: [zmq.Scatter, (socket, text) => socket.send(text)],
};

const [Socket, pass] = types[type];
const socket = new Socket();
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
