/**
 * The queues of one endpoint, and the connections that serve them.
 *
 * @module
 */

import { Backoff } from "./backoff.mjs";
import { openCarrier } from "./carrier.mjs";
import { Deque } from "./deque.mjs";
import { ConnectionError } from "./errors.mjs";
import { SocketEvent } from "./events.mjs";
import { COMMAND, Handshake, MORE, violation } from "./handshake.mjs";
import { after } from "./options.mjs";

/**
 * @typedef {import("./carrier.mjs").Outgoing} Outgoing
 * @typedef {import("./handshake.mjs").Remote} Remote
 */

/**
 * The pair of queues of one endpoint. Messages to send remain in theirs while there is no connection.
 * Received messages can be read also after the pipe has ended.
 */
export class Pipe {
  /** @type {Remote | null} The remote, while it is connected. */
  remote = null;
  outgoing = /** @type {Deque<Outgoing>} */ (new Deque());
  /** Commands and subscriptions, by keys. They precede messages, and end with the connection. */
  control = /** @type {Map<unknown, Uint8Array<ArrayBuffer>[]>} */ (new Map());
  incoming = /** @type {Deque<Uint8Array[]>} */ (new Deque());
  #incomingBytes = 0;
  #core;
  #backoff;
  /** @type {import("./carrier.mjs").Carrier | null} */
  #carrier = null;
  /** @type {Handshake | null} */
  #handshake = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} Of the current stage, or until the next attempt. */
  #timer;
  /** @type {Uint8Array[]} The parts of a message that has not ended. */
  #parts = [];
  #partBytes = 0;
  #connectedAt = 0;
  #wasConnected = false;
  /** Whether a message was written to the current connection. */
  #wasUseful = false;
  #isPaused = false;
  #isPumping = false;
  /** Whether everything is passed to the connection, which is being closed. */
  #isClosing = false;
  /** Whether the next attempt waits until half of the received messages are read. */
  #isOverflowed = false;
  #isEnded = false;
  /** @type {((undelivered: number) => void) | null} Set while the pipe is finishing. */
  #finished = null;

  /**
   * @param {import("./core.mjs").Core} core
   * @param {string} endpoint
   */
  constructor(core, endpoint) {
    this.#core = core;
    this.endpoint = endpoint;
    const { reconnectInterval, reconnectIntervalMax } = core.options;
    this.#backoff = new Backoff(reconnectInterval, reconnectIntervalMax);
    this.#dial();
  }

  get isEnded() {
    return this.#isEnded;
  }

  get hasRoom() {
    return !this.#finished && this.outgoing.length < this.#core.options.sendHwm;
  }

  /** Writes what is queued, as far as the browser accepts it. */
  pump() {
    const carrier = this.#carrier;
    // A sender that is served meanwhile adds to the same queue.
    if (!carrier || !this.remote || this.#isPumping || this.#isClosing) return;
    this.#isPumping = true;
    let next;
    while (carrier.isWritable && (next = this.#next())) {
      carrier.send(next);
      if (next.isMessage) {
        this.#wasUseful = true;
        this.#core.handleSent(next);
      }
    }
    this.#isPumping = false;
    if (!carrier.isWritable) carrier.notifyWhenWritable();
    else if (this.#finished) this.#close(carrier);
  }

  /** @returns {Uint8Array[] | undefined} The next received message. */
  take() {
    const message = this.incoming.shift();
    if (message) {
      this.#incomingBytes -= length(message);
      const { recvHwm, overflowMessages, overflowBytes } = this.#core.options;
      const count = this.incoming.length;
      if (this.#isPaused && 2 * count <= recvHwm) {
        this.#isPaused = false;
        this.#carrier?.resume();
      }
      if (
        this.#isOverflowed &&
        2 * count <= overflowMessages &&
        2 * this.#incomingBytes <= overflowBytes
      ) {
        this.#isOverflowed = false;
        this.#redial(this.#backoff.afterFailure());
      }
    }
    return message;
  }

  /** @param {Uint8Array[]} message */
  deliver(message) {
    const { recvHwm, overflowMessages, overflowBytes } = this.#core.options;
    const carrier = this.#carrier;
    if (carrier && !carrier.canPause) {
      const count = this.incoming.length;
      if (count > 0 && (count >= overflowMessages || this.#incomingBytes >= overflowBytes)) {
        this.#overflow();
        return;
      }
    }
    this.incoming.push(message);
    this.#incomingBytes += length(message);
    this.#core.stats.received.messages += 1;
    this.#core.stats.received.bytes += length(message);
    if (carrier?.canPause && this.incoming.length >= recvHwm) {
      this.#isPaused = true;
      carrier.pause();
    }
  }

  /**
   * Writes what is queued, and ends.
   *
   * @param {number} linger
   * @returns {Promise<number>} The number of messages that were not written.
   */
  finish(linger) {
    if (this.#isEnded) return Promise.resolve(0);
    return new Promise((resolve) => {
      const timer = after(linger, () => this.#end());
      this.#finished = (undelivered) => {
        clearTimeout(timer);
        resolve(undelivered);
      };
      // Messages that are not received must not delay the end.
      if (this.#isPaused) this.#carrier?.resume();
      if (this.remote) this.pump();
      else if (this.outgoing.length === 0) this.#end();
      else if (this.#isOverflowed) this.#redial(this.#backoff.afterFailure());
    });
  }

  /**
   * Closes the connection. libzmq does not answer the close frame of a browser, so that the pipe ends when
   * everything is transmitted for a while.
   *
   * @param {import("./carrier.mjs").Carrier} carrier
   */
  #close(carrier) {
    this.#isClosing = true;
    carrier.close();
    const end = () => {
      if (carrier.isWritten) this.#end();
      else this.#timer = setTimeout(end, CLOSE_TIMEOUT);
    };
    this.#timer = setTimeout(end, CLOSE_TIMEOUT);
  }

  #dial() {
    const { connectTimeout, useWebSocketStream } = this.#core.options;
    const subprotocols = Handshake.subprotocols(this.#core.options);
    this.#startTimer(connectTimeout, "there was no answer in time");
    this.#carrier = openCarrier(this.endpoint, subprotocols, useWebSocketStream, {
      handleOpen: (subprotocol) => this.#handleOpen(subprotocol),
      handleFrame: (data) => this.#handleFrame(data),
      handleWritable: () => this.pump(),
      handleEnd: (error) => this.#handleEnd(error),
    });
  }

  /**
   * @param {number} limit
   * @param {string} message
   */
  #startTimer(limit, message) {
    clearTimeout(this.#timer);
    const error = new ConnectionError("timedOut", message);
    this.#timer = after(limit, () => this.#fail(error));
  }

  /** @param {string} subprotocol */
  #handleOpen(subprotocol) {
    const { kind, options } = this.#core;
    this.#startTimer(options.handshakeInterval, "the handshake was not completed in time");
    this.#handshake = new Handshake(this.endpoint, subprotocol, kind.socketType, options);
    this.#sendCommand(this.#handshake.first());
  }

  /** @param {Uint8Array<ArrayBuffer>} frame */
  #sendCommand(frame) {
    this.#carrier?.send({ frames: [frame], size: 0, interruptions: 0, isMessage: false });
  }

  /** @param {Uint8Array | string} data */
  #handleFrame(data) {
    try {
      this.#read(data);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#fail(error);
    }
  }

  /**
   * @param {Uint8Array | string} data
   * @throws {ConnectionError}
   */
  #read(data) {
    if (typeof data === "string") throw violation("a text message");
    const flags = data[0];
    if (flags === undefined) throw violation("a frame without flags");
    const body = data.subarray(1);
    if (this.#handshake) {
      const answer = this.#handshake.handle(flags, body);
      if (answer instanceof Uint8Array) this.#sendCommand(answer);
      else this.#handleConnected(answer);
    } else if (flags === COMMAND) {
      // No command follows the handshake over WebSockets. Unknown ones are ignored (RFC 37).
    } else if (flags === 0 && this.#parts.length === 0) {
      this.#checkSize(body.length, 1);
      this.#core.accept(this, [body]);
    } else if (flags === 0 || flags === MORE) {
      this.#checkSize(this.#partBytes + body.length, this.#parts.length + 1);
      this.#parts.push(body);
      this.#partBytes += body.length;
      if (flags === MORE) return;
      const message = this.#parts;
      this.#parts = [];
      this.#partBytes = 0;
      this.#core.accept(this, message);
    } else {
      throw violation(`the flags ${flags}`);
    }
  }

  /**
   * @param {number} bytes
   * @param {number} parts
   */
  #checkSize(bytes, parts) {
    const { maxMessageSize, maxMessageParts } = this.#core.options;
    if (bytes > maxMessageSize) {
      throw new ConnectionError("tooLarge", `a message exceeds ${maxMessageSize} bytes`);
    }
    if (parts > maxMessageParts) {
      throw new ConnectionError("tooLarge", `a message exceeds ${maxMessageParts} parts`);
    }
  }

  /** @param {Remote} remote */
  #handleConnected(remote) {
    const { socketType } = remote;
    if (socketType !== undefined && !this.#core.kind.compatible.includes(socketType)) {
      const message = `the socket type of the remote is ${socketType}`;
      throw new ConnectionError("incompatible", message);
    }
    this.#handshake = null;
    clearTimeout(this.#timer);
    this.#connectedAt = performance.now();
    this.#wasUseful = false;
    if (this.#wasConnected) this.#core.stats.reconnects += 1;
    this.#wasConnected = true;
    this.remote = remote;
    this.control.clear();
    if (this.#isPaused) this.#carrier?.pause();
    this.#core.handleConnected(this);
    this.pump();
  }

  #overflow() {
    const { dropped } = this.#core.stats;
    if (this.#core.kind.mayMiss) {
      dropped.missed += 1;
      return;
    }
    dropped.overflowed += 1;
    this.#isOverflowed = true;
    this.#fail(new ConnectionError("overflow", "the queue of received messages is full"));
  }

  /**
   * Ends the connection for a reason that this end has found.
   *
   * @param {ConnectionError} error
   */
  #fail(error) {
    this.#carrier?.end(CLOSE_CODES[error.code] ?? PRIVATE_CODE, error.message.slice(0, REASON_MAX));
    this.#handleEnd(error);
  }

  /** @param {ConnectionError} error */
  #handleEnd(error) {
    const remote = this.#detach();
    if (this.#isEnded) return;
    const { code } = error;
    const isOver = this.#finished && this.outgoing.length === 0;
    const isAbandoned = code === "rejected" && !TEMPORARY.includes(error.message);
    if (remote) {
      this.#backoff.handleConnection(this.#wasUseful, performance.now() - this.#connectedAt);
    }
    /** @type {number | undefined} */
    let delay;
    if (!isOver && !isAbandoned && !this.#isOverflowed) {
      const isHopeless = code === "protocol" || code === "incompatible" || code === "tooLarge";
      delay = isHopeless ? this.#backoff.longest() : this.#backoff.afterFailure();
    }
    const details = { remote, error: isOver && remote ? undefined : error, delay };
    const type = remote ? "disconnected" : "connectfailed";
    if (isOver || isAbandoned) this.#end(isAbandoned ? error : undefined);
    else if (delay !== undefined) this.#redial(delay);
    this.#core.emit(new SocketEvent(type, this.endpoint, details));
  }

  /**
   * Releases the carrier, and takes back what it has not written.
   *
   * @returns {Remote | undefined}
   */
  #detach() {
    const remote = this.remote ?? undefined;
    const unwritten = this.#carrier?.unwritten() ?? [];
    this.#carrier = null;
    this.#handshake = null;
    this.remote = null;
    this.control.clear();
    this.#isClosing = false;
    clearTimeout(this.#timer);
    if (this.#parts.length > 0) this.#core.stats.dropped.interrupted += 1;
    this.#parts = [];
    this.#partBytes = 0;
    const returned = unwritten.filter(({ message }) => message.isMessage);
    this.outgoing.unshift(...this.#core.handleDisconnected(this, returned));
    return remote;
  }

  /** @param {number} delay */
  #redial(delay) {
    if (!this.#isEnded) this.#timer = setTimeout(() => this.#dial(), delay);
  }

  /** @param {ConnectionError} [cause] Why the endpoint is abandoned. */
  #end(cause) {
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (this.#carrier) {
      this.#carrier.end(1000, "");
      const remote = this.#detach();
      if (remote) this.#core.emit(new SocketEvent("disconnected", this.endpoint, { remote }));
    }
    clearTimeout(this.#timer);
    const undelivered = this.outgoing.drain().length;
    this.#core.stats.dropped.undelivered += undelivered;
    this.#finished?.(undelivered);
    this.#core.handlePipeEnded(this, cause);
  }

  /** @returns {Outgoing | undefined} */
  #next() {
    for (const [key, frames] of this.control) {
      this.control.delete(key);
      return { frames, size: 0, interruptions: 0, isMessage: false };
    }
    return this.#core.nextMessage(this);
  }
}

/** @param {Uint8Array[]} message */
function length(message) {
  return message.reduce((length, part) => length + part.length, 0);
}

/** Reasons of an ERROR that do not last. */
const TEMPORARY = ["occupied", "duplicate identity"];

/** Scripts can send only codes of applications (RFC 6455, 7.4.2): those of the RFC and 3,000. */
const CLOSE_CODES = /** @type {Record<string, number>} */ ({
  incompatible: 4002,
  overflow: 4008,
  protocol: 4002,
  tooLarge: 4009,
});
const PRIVATE_CODE = 4000;

/** Milliseconds for a remote to answer a close frame: some round trips of any network. */
const CLOSE_TIMEOUT = 1_000;

/** The longest reason of a close frame (RFC 6455, 5.5), in characters of ASCII. */
const REASON_MAX = 100;
