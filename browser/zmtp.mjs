/**
 * ZeroMQ sockets for browsers: `Client`, `Dealer` and `Sub`, and calls by a `Requester`, over
 * WebSockets (RFC 45). README.md has an overview and examples.
 *
 * @module
 */

export { CallError, ClosedError, ConnectionError, ErrorCode } from "./errors.mjs";
export { SocketEvent } from "./events.mjs";
export { Requester } from "./requester.mjs";
export { Client, Dealer, Sub } from "./sockets.mjs";
export { text } from "./body.mjs";

/**
 * @typedef {import("./body.mjs").Body} Body
 * @typedef {import("./errors.mjs").CallErrorCode} CallErrorCode
 * @typedef {import("./errors.mjs").ConnectionErrorCode} ConnectionErrorCode
 * @typedef {import("./handshake.mjs").Remote} Remote
 * @typedef {import("./options.mjs").SocketOptions} SocketOptions
 * @typedef {import("./requester.mjs").CallOptions} CallOptions
 * @typedef {import("./requester.mjs").RequesterOptions} RequesterOptions
 * @typedef {import("./requester.mjs").RequesterStats} RequesterStats
 * @typedef {import("./stats.mjs").Stats} Stats
 */
