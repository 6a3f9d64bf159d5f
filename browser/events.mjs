/**
 * Events of a socket's connections.
 *
 * @module
 */

/**
 * An event of one connection. Its `type` is one of these:
 *
 * - `"connected"`: a remote has finished its handshake.
 * - `"disconnected"`: an established connection has ended.
 * - `"connectfailed"`: an attempt to establish a connection has failed.
 */
export class SocketEvent extends Event {
  /**
   * @param {"connected" | "disconnected" | "connectfailed"} type
   * @param {string} endpoint
   * @param {{ remote?: import("./handshake.mjs").Remote,
   *   error?: import("./errors.mjs").ConnectionError, delay?: number }} details
   */
  constructor(type, endpoint, { remote, error, delay }) {
    super(type);
    /** The endpoint: the address of the WebSocket. */
    this.endpoint = endpoint;
    /** The remote of a `"connected"` or `"disconnected"` event. */
    this.remote = remote;
    /** The reason of a `"disconnected"` or `"connectfailed"` event; absent if this socket has ended it. */
    this.error = error;
    /**
     * The milliseconds until the next attempt. Absent if there is none, because this socket has ended
     * the connection or has been rejected, and after an `"overflow"`, until half of the received
     * messages are read.
     */
    this.delay = delay;
  }
}
