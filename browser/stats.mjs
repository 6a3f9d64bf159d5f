/**
 * The statistics of a socket.
 *
 * @module
 */

/**
 * Messages, and the bytes of their parts.
 *
 * @typedef {{ messages: number, bytes: number }} Volume
 */

/**
 * The statistics of a socket. Every message that `send` has accepted is in `queued.outgoing`, in
 * `sent`, or in one of the first two counters of `dropped`. Every message that has arrived is in
 * `received` or in one of the others.
 *
 * @typedef {object} Stats
 * @property {Volume} sent Messages that were passed to the browser, except those that it has certainly
 *   not written before the connection ended. (They are sent again.)
 * @property {Volume} received Messages that are queued, or that the application has received.
 * @property {Dropped} dropped
 * @property {{ outgoing: number, incoming: number }} queued
 * @property {number} connected The number of connected remotes.
 * @property {number} reconnects How often an endpoint was connected again.
 */

/**
 * Messages that were dropped.
 *
 * @typedef {object} Dropped
 * @property {number} refused Messages to send during which two connections ended.
 * @property {number} undelivered Messages that were not written when their endpoint was disconnected or
 *   the socket was closed.
 * @property {number} interrupted Messages of which the connection ended after the first part.
 * @property {number} missed Messages that a `Sub` has dropped because the application does not
 *   receive, and the browser cannot stop the publisher.
 * @property {number} multipart Messages of several parts that a `Client` has received.
 * @property {number} overflowed Messages that have caused an `"overflow"`: one for each. Messages that
 *   follow it are lost with the connection.
 * @property {number} unmatched Messages that a `Sub` has received, but that match no subscription any
 *   more.
 * @property {number} unread Messages that arrived after the socket was closed.
 */

/** @returns {Omit<Stats, "queued" | "connected">} */
export function noStats() {
  return {
    sent: { messages: 0, bytes: 0 },
    received: { messages: 0, bytes: 0 },
    dropped: {
      refused: 0,
      undelivered: 0,
      interrupted: 0,
      missed: 0,
      multipart: 0,
      overflowed: 0,
      unmatched: 0,
      unread: 0,
    },
    reconnects: 0,
  };
}
