/**
 * Errors of sockets, connections and calls.
 *
 * @module
 */

/** The socket is closed. */
export class ClosedError extends Error {
  constructor() {
    super("the socket is closed");
    this.name = "ClosedError";
  }
}

/**
 * Why a connection could not be established, or has ended:
 *
 * - `"disconnected"`: the remote or the network has ended the connection; see `closeCode`.
 * - `"incompatible"`: the remote has a socket type that this one cannot be connected to.
 * - `"overflow"`: the application does not receive, and the browser cannot stop the remote.
 * - `"protocol"`: the remote violates the protocol.
 * - `"refused"`: there is no WebSocket. Browsers do not reveal the reason to scripts, only in their
 *   console: the server cannot be reached, answers with another status, or does not support the
 *   subprotocol.
 * - `"rejected"`: the remote has sent an ERROR; the message of the error is its reason.
 * - `"timedOut"`: the server did not answer within `connectTimeout`, or the handshake took longer
 *   than `handshakeInterval`.
 * - `"tooLarge"`: the remote has sent a message above `maxMessageSize` or `maxMessageParts`.
 *
 * @typedef {"disconnected" | "incompatible" | "overflow" | "protocol" | "refused" | "rejected"
 *   | "timedOut" | "tooLarge"} ConnectionErrorCode
 */

/** The reason why a connection could not be established, or has ended. */
export class ConnectionError extends Error {
  /**
   * @param {ConnectionErrorCode} code
   * @param {string} message
   * @param {{ code?: number, reason?: string }} [close] What the close frame of the remote contains.
   */
  constructor(code, message, close = {}) {
    super(message);
    this.name = "ConnectionError";
    /** The kind of reason. */
    this.code = code;
    /**
     * The code of the WebSocket's close frame; 1006 if the connection has ended without one.
     *
     * @type {number | undefined}
     */
    this.closeCode = close.code;
    /**
     * The text of the WebSocket's close frame.
     *
     * @type {string | undefined}
     */
    this.closeReason = close.reason;
  }
}

/**
 * Why a call has no reply:
 *
 * - `"badReply"`: the reply violates the protocol.
 * - `"closed"`: the socket is closed.
 * - `"connectionLost"`: the connection was lost before the reply arrived.
 * - `"deadlineExceeded"`: the deadline passed before the reply arrived.
 * - `"failed"`: the responder returned an error; see `errorCode` and `detail`.
 * - `"noEndpoint"`: no server is connected and no endpoint is left, because the last one rejected this
 *   socket; `cause` is the reason.
 * - `"notSent"`: the deadline passed before the request was sent.
 * - `"refused"`: servers ended two connections while the request was being written.
 *
 * @typedef {"badReply" | "closed" | "connectionLost" | "deadlineExceeded" | "failed" | "noEndpoint"
 *   | "notSent" | "refused"} CallErrorCode
 */

/** The reason why a call has no reply. */
export class CallError extends Error {
  /**
   * @param {CallErrorCode} code
   * @param {string} message
   * @param {{ errorCode?: number, detail?: number, cause?: unknown, wasSent?: boolean }} [more]
   */
  constructor(code, message, { errorCode, detail, cause, wasSent = true } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "CallError";
    /** The kind of reason. */
    this.code = code;
    /**
     * The responder's code, if `code` is `"failed"`. {@link ErrorCode} has names for it.
     *
     * @type {number | undefined}
     */
    this.errorCode = errorCode;
    /**
     * The application's own number, if `errorCode` is `ErrorCode.APPLICATION`; otherwise zero.
     *
     * @type {number | undefined}
     */
    this.detail = detail;
    /** @type {boolean} */
    this.#wasSent = wasSent;
  }

  #wasSent;

  /**
   * Whether the request may have been carried out. If not, it was certainly not started.
   *
   * @returns {boolean}
   */
  get mayBeCarriedOut() {
    switch (this.code) {
      case "failed":
        return !this.#isNotStarted;
      case "noEndpoint":
      case "notSent":
      case "refused":
        return false;
      default:
        return this.#wasSent;
    }
  }

  /**
   * Whether the request was certainly not started, so that a retry is safe and may succeed: the
   * responder reports that it is overloaded or shutting down.
   *
   * @returns {boolean}
   */
  get isRetryable() {
    return this.code === "failed" && this.#isNotStarted;
  }

  get #isNotStarted() {
    return this.errorCode !== undefined && this.errorCode < FIRST_STARTED;
  }
}

/** The codes of a responder's errors. One below 0x10 means that the request was not started. */
export const ErrorCode = Object.freeze({
  OVERLOADED: 0x01,
  SHUTTING_DOWN: 0x02,
  APPLICATION: 0x10,
  DEADLINE_EXCEEDED: 0x11,
  CANCELLED: 0x12,
  PANICKED: 0x13,
  MALFORMED: 0x14,
  UNSUPPORTED: 0x15,
  STREAMED: 0x16,
  FAILED: 0x17,
});

const FIRST_STARTED = 0x10;
