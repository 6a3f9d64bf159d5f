/**
 * The WebSockets that carry frames, and what is known of the messages that were passed to them.
 *
 * @module
 */

import { Deque } from "./deque.mjs";
import { ConnectionError } from "./errors.mjs";

/**
 * A message to send, or a command.
 *
 * @typedef {object} Outgoing
 * @property {Uint8Array<ArrayBuffer>[]} frames
 * @property {number} size The bytes of all parts.
 * @property {number} interruptions How many connections have ended while the message was being written.
 * @property {boolean} isMessage Whether it is kept if it cannot be written.
 * @property {import("./call.mjs").Call} [call] The call whose request it is.
 */

/**
 * What receives the events of a carrier.
 *
 * @typedef {object} CarrierHandler
 * @property {(subprotocol: string) => void} handleOpen
 * @property {(data: Uint8Array | string) => void} handleFrame
 * @property {() => void} handleWritable Called after `isWritable` was false.
 * @property {(error: ConnectionError) => void} handleEnd Called once, unless `end` was called.
 */

/**
 * A WebSocket.
 *
 * @typedef {WebSocketCarrier | StreamCarrier} Carrier
 */

/**
 * Opens a WebSocket.
 *
 * @param {string} endpoint
 * @param {string[]} subprotocols
 * @param {boolean} useWebSocketStream
 * @param {CarrierHandler} handler
 * @returns {Carrier}
 */
export function openCarrier(endpoint, subprotocols, useWebSocketStream, handler) {
  const { WebSocketStream } = /** @type {WithWebSocketStream} */ (globalThis);
  return useWebSocketStream && WebSocketStream
    ? new StreamCarrier(new Opening(WebSocketStream, endpoint, subprotocols), handler)
    : new WebSocketCarrier(endpoint, subprotocols, handler);
}

/** A `WebSocket`, which every browser has. It cannot stop the remote. */
class WebSocketCarrier {
  canPause = false;
  #socket;
  /** @type {CarrierHandler | null} */
  #handler;
  /** Messages that may not be transmitted yet, with the position of their end among all bytes. */
  #passed = /** @type {Deque<{ message: Outgoing, end: number }>} */ (new Deque());
  #passedBytes = 0;
  #isOpen = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #polling;

  /**
   * @param {string} endpoint
   * @param {string[]} subprotocols
   * @param {CarrierHandler} handler
   */
  constructor(endpoint, subprotocols, handler) {
    this.#handler = handler;
    this.#socket = new WebSocket(endpoint, subprotocols);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => {
      this.#isOpen = true;
      this.#handler?.handleOpen(this.#socket.protocol);
    };
    this.#socket.onmessage = ({ data }) => {
      this.#handler?.handleFrame(data instanceof ArrayBuffer ? new Uint8Array(data) : data);
    };
    this.#socket.onclose = (event) => {
      const error = this.#isOpen ? disconnected(event.code, event.reason) : refused();
      this.#end()?.handleEnd(error);
    };
  }

  get isWritable() {
    return this.#socket.bufferedAmount < BUFFERED_MAX;
  }

  /** Whether the browser has transmitted everything. */
  get isWritten() {
    return this.#socket.bufferedAmount === 0;
  }

  /** @param {Outgoing} message */
  send(message) {
    for (const frame of message.frames) {
      this.#socket.send(frame);
      this.#passedBytes += frame.length;
    }
    const transmitted = this.#passedBytes - this.#socket.bufferedAmount;
    for (let first; (first = this.#passed.first()) && first.end <= transmitted; ) this.#passed.shift();
    this.#passed.push({ message, end: this.#passedBytes });
  }

  /** Calls `handleWritable` when there is room. `WebSocket` has no event for it. */
  notifyWhenWritable() {
    this.#polling ??= setTimeout(() => {
      this.#polling = undefined;
      if (this.isWritable) this.#handler?.handleWritable();
      else if (this.#handler) this.notifyWhenWritable();
    }, POLL_INTERVAL);
  }

  pause() {}

  resume() {}

  /** Transmits what was passed, and ends. `handleEnd` follows. */
  close() {
    this.#socket.close(NORMAL);
  }

  /**
   * Ends without further events. The browser still transmits what was passed, which therefore counts
   * as written.
   *
   * @param {number} code
   * @param {string} reason
   */
  end(code, reason) {
    this.#end();
    this.#passed.drain();
    this.#socket.close(code, reason);
  }

  /** @returns {{ message: Outgoing, isStarted: boolean }[]} Messages that are not written completely. */
  unwritten() {
    // After the end, this is what was not transmitted.
    const transmitted = this.#passedBytes - this.#socket.bufferedAmount;
    return this.#passed
      .drain()
      .filter(({ end }) => end > transmitted)
      .map(({ message, end }) => ({ message, isStarted: end - length(message) < transmitted }));
  }

  #end() {
    const handler = this.#handler;
    this.#handler = null;
    clearTimeout(this.#polling);
    return handler;
  }
}

/** A `WebSocketStream`, which stops the remote while nothing is read. */
class StreamCarrier {
  canPause = true;
  #opening;
  /** @type {CarrierHandler | null} */
  #handler;
  /** @type {WritableStreamDefaultWriter<Uint8Array> | undefined} */
  #writer;
  /** Messages that the browser has not accepted yet, and how many of their frames it has. */
  #passed = /** @type {Map<Outgoing, number>} */ (new Map());
  #passedBytes = 0;
  #isNotified = false;
  #isPaused = false;
  #resume = () => {};

  /**
   * @param {Opening} opening
   * @param {CarrierHandler} handler
   */
  constructor(opening, handler) {
    this.#opening = opening;
    this.#handler = handler;
    this.#run();
  }

  get isWritable() {
    return this.#passedBytes < BUFFERED_MAX;
  }

  /** Whether the browser has accepted everything, which it transmits. */
  get isWritten() {
    return this.#passedBytes === 0;
  }

  /** @param {Outgoing} message */
  send(message) {
    const writer = /** @type {WritableStreamDefaultWriter<Uint8Array>} */ (this.#writer);
    this.#passed.set(message, 0);
    this.#passedBytes += length(message);
    for (const frame of message.frames) {
      // After a failure, the message remains in `#passed`, and the stream ends.
      writer.write(frame).then(() => this.#handleWritten(message, frame.length), () => {});
    }
  }

  notifyWhenWritable() {
    this.#isNotified = true;
  }

  pause() {
    this.#isPaused = true;
  }

  resume() {
    this.#isPaused = false;
    this.#resume();
  }

  close() {
    this.resume();
    const { stream } = this.#opening;
    // Otherwise the close frame would overtake messages.
    const closing = this.#writer ? this.#writer.close() : Promise.resolve();
    closing.catch(() => {}).finally(() => close(stream, NORMAL, ""));
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  end(code, reason) {
    this.#handler = null;
    this.#passed.clear();
    this.resume();
    if (!this.#writer) this.#opening.abort();
    close(this.#opening.stream, code, reason);
  }

  /** @returns {{ message: Outgoing, isStarted: boolean }[]} */
  unwritten() {
    const unwritten = [...this.#passed];
    this.#passed.clear();
    return unwritten.map(([message, written], index) => ({
      message,
      // The browser may have accepted a part of the first frame.
      isStarted: written > 0 || index === 0,
    }));
  }

  async #run() {
    const { stream } = this.#opening;
    // Awaited at the end, and must not be unhandled until then.
    stream.closed.catch(() => {});
    let opened;
    try {
      opened = await stream.opened;
    } catch {
      this.#handleEnd(refused());
      return;
    }
    if (!this.#handler) return;
    this.#writer = opened.writable.getWriter();
    this.#writer.closed.catch(() => {});
    this.#handler.handleOpen(opened.protocol);
    try {
      await this.#read(opened.readable.getReader());
    } catch {
      // The stream has failed, and `closed` has the reason.
    }
    try {
      const { closeCode, reason } = await stream.closed;
      this.#handleEnd(disconnected(closeCode ?? 1005, reason ?? ""));
    } catch (error) {
      const { closeCode, reason } = /** @type {{ closeCode?: number, reason?: string }} */ (error);
      this.#handleEnd(disconnected(closeCode ?? 1006, reason ?? ""));
    }
  }

  /** @param {ReadableStreamDefaultReader<Uint8Array | ArrayBuffer | string>} reader */
  async #read(reader) {
    for (;;) {
      if (this.#isPaused) await new Promise((resolve) => (this.#resume = () => resolve(undefined)));
      const { done, value } = await reader.read();
      if (done) return;
      this.#handler?.handleFrame(value instanceof ArrayBuffer ? new Uint8Array(value) : value);
    }
  }

  /**
   * @param {Outgoing} message
   * @param {number} length
   */
  #handleWritten(message, length) {
    const written = (this.#passed.get(message) ?? 0) + 1;
    if (written < message.frames.length) this.#passed.set(message, written);
    else this.#passed.delete(message);
    this.#passedBytes -= length;
    if (this.#isNotified && this.isWritable) {
      this.#isNotified = false;
      this.#handler?.handleWritable();
    }
  }

  /** @param {ConnectionError} error */
  #handleEnd(error) {
    const handler = this.#handler;
    this.#handler = null;
    handler?.handleEnd(error);
  }
}

/** A `WebSocketStream`, which can be aborted until it is open. */
class Opening {
  #abort = new AbortController();

  /**
   * @param {WebSocketStreamConstructor} WebSocketStream
   * @param {string} endpoint
   * @param {string[]} subprotocols
   */
  constructor(WebSocketStream, endpoint, subprotocols) {
    const { signal } = this.#abort;
    this.stream = new WebSocketStream(endpoint, { protocols: subprotocols, signal });
  }

  abort() {
    this.#abort.abort();
  }
}

/**
 * @param {WebSocketStreamLike} stream
 * @param {number} closeCode
 * @param {string} reason
 */
function close(stream, closeCode, reason) {
  // Its `opened` may have failed meanwhile.
  stream.opened.catch(() => {});
  stream.close({ closeCode, reason });
}

/** @param {Outgoing} message */
function length(message) {
  return message.frames.reduce((length, frame) => length + frame.length, 0);
}

function refused() {
  return new ConnectionError("refused", "there is no WebSocket: see the console of the browser");
}

/**
 * @param {number} code
 * @param {string} reason
 */
function disconnected(code, reason) {
  const why = reason && `: ${reason}`;
  const message = `the connection has ended with the close code ${code}${why}`;
  return new ConnectionError("disconnected", message, { code, reason });
}

/** Enough for the network, and little that a lost connection can lose. */
const BUFFERED_MAX = 0x1_0000;

/** Milliseconds between checks of whether a `WebSocket` has transmitted what it holds. */
const POLL_INTERVAL = 10;

/** The close code of a normal closure (RFC 6455, 7.4.1). */
const NORMAL = 1000;

/**
 * What TypeScript does not declare yet.
 *
 * @typedef {object} WebSocketStreamLike
 * @property {Promise<{ protocol: string, readable: ReadableStream<Uint8Array | ArrayBuffer | string>,
 *   writable: WritableStream<Uint8Array | string> }>} opened
 * @property {Promise<{ closeCode?: number, reason?: string }>} closed
 * @property {(info: { closeCode: number, reason: string }) => void} close
 *
 * @typedef {new (url: string, options: { protocols: string[], signal: AbortSignal })
 *   => WebSocketStreamLike} WebSocketStreamConstructor
 *
 * @typedef {{ WebSocketStream?: WebSocketStreamConstructor }} WithWebSocketStream
 */
