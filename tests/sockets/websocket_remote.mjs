// A CLIENT or SERVER over the npm package `ws`, with the minimum of ZMTP that NULL needs.
//
// node websocket_remote.mjs client URL CA     connects, and prints the reply to a request
// node websocket_remote.mjs excess URL CA     sends a message of 4 MB, and prints the status code of the close frame
// node websocket_remote.mjs server PEM        prints its port, and answers requests; PEM has a certificate and its key

import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import WebSocket, { WebSocketServer } from "ws";

// The package, like browsers, refuses the slash of RFC 45.
const [SUBPROTOCOL, OF_RFC] = ["ZWS2.0-NULL", "ZWS2.0/NULL"];
const MESSAGE = 0;
const COMMAND = 2;

function ready(socketType) {
  const text = (value) => Buffer.from(value, "latin1");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(socketType.length);
  const parts = [[COMMAND], [5], text("READY"), [11], text("Socket-Type"), length, text(socketType)];
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}

const message = (text) => Buffer.concat([Buffer.from([MESSAGE]), Buffer.from(text)]);

const [role, ...files] = process.argv.slice(2);
if (role === "client") {
  const [url, authority] = files;
  const socket = new WebSocket(url, [SUBPROTOCOL], { ca: readFileSync(authority) });
  socket.on("error", (error) => {
    console.log(`error ${error.code}`);
  });
  socket.on("open", () => {
    socket.send(ready("CLIENT"));
    // In fragments, with a ping between them.
    const [first, second] = [message("re"), Buffer.from("quest")];
    socket.send(first, { fin: false });
    socket.ping();
    socket.send(second);
  });
  socket.on("message", (data) => {
    if (data[0] === MESSAGE) {
      console.log(`reply ${data.subarray(1)}`);
      socket.close(1000);
    }
  });
} else if (role === "excess") {
  const [url, authority] = files;
  const socket = new WebSocket(url, [SUBPROTOCOL], { ca: readFileSync(authority) });
  socket.on("error", (error) => {
    console.log(`error ${error.code}`);
  });
  socket.on("open", () => {
    socket.send(ready("CLIENT"));
    socket.send(message("x".repeat(4_000_000)));
  });
  socket.on("close", (code) => {
    console.log(`closed ${code}`);
  });
} else {
  const pem = readFileSync(files[0]);
  const https = createServer({ cert: pem, key: pem });
  const server = new WebSocketServer({ noServer: true });
  https.on("upgrade", (request, socket, head) => {
    if (request.headers["sec-websocket-protocol"] !== OF_RFC) {
      socket.destroy();
      return;
    }
    delete request.headers["sec-websocket-protocol"];
    server.handleUpgrade(request, socket, head, (accepted) => server.emit("connection", accepted));
  });
  server.on("headers", (headers) => headers.push(`Sec-WebSocket-Protocol: ${OF_RFC}`));
  server.on("connection", (socket) => {
    socket.send(ready("SERVER"));
    socket.on("message", (data) => {
      if (data[0] === MESSAGE) {
        socket.send(message(`reply to ${data.subarray(1)}`));
      }
    });
  });
  https.listen(0, "127.0.0.1", () => {
    console.log(https.address().port);
  });
  process.stdin.resume().on("end", () => process.exit());
}
