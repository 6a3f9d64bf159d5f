/**
 * The socket types.
 *
 * @module
 */

import { bytes, key } from "./body.mjs";
import { Core } from "./core.mjs";
import { ClosedError } from "./errors.mjs";
import { MORE, frame } from "./handshake.mjs";

/**
 * @typedef {import("./body.mjs").Body} Body
 * @typedef {import("./core.mjs").Kind} Kind
 * @typedef {import("./handshake.mjs").Remote} Remote
 * @typedef {import("./options.mjs").SocketOptions} SocketOptions
 * @typedef {import("./stats.mjs").Stats} Stats
 */

/** Gives a `Requester` the core of its socket. */
export const CORE = Symbol("core");

/**
 * What all sockets share. `Received` is the type of the messages.
 *
 * A socket is an `EventTarget`. Its events are described at `SocketEvent`.
 *
 * @template Received
 * @implements {AsyncIterable<Received>}
 */
class Socket extends EventTarget {
  /** @type {Core} */
  [CORE];
  #shape;

  /**
   * @param {Kind} kind
   * @param {SocketOptions} options
   * @param {(parts: Uint8Array[]) => Received} shape
   */
  constructor(kind, options, shape) {
    super();
    this[CORE] = new Core(kind, options, (event) => this.dispatchEvent(event));
    this.#shape = shape;
  }

  /**
   * Connects to a server, now and whenever the connection is lost, with increasing delays. A socket can
   * have any number of endpoints. It sends to them round-robin, and receives fair-queued from all.
   *
   * A remote that sends an ERROR, for example because it does not admit this socket, is not dialed
   * again.
   *
   * @param {string | URL} endpoint The address of a WebSocket, such as `wss://example.org/zmq` or, on the
   *   server of the page, `/zmq`.
   * @returns {string} The absolute address.
   * @throws {ClosedError}
   * @throws {DOMException | TypeError} The endpoint is not a valid address, or the page may not use it.
   */
  connect(endpoint) {
    return this[CORE].connect(endpoint);
  }

  /**
   * Writes the messages that are queued for an endpoint, and disconnects from it.
   *
   * @param {string | URL} endpoint
   * @param {{ linger?: number }} [options] Limits the time in milliseconds. Default: the option of the
   *   socket.
   * @returns {Promise<{ undelivered: number }>} The number of messages that were not written.
   */
  disconnect(endpoint, { linger = this[CORE].options.linger } = {}) {
    return this[CORE].disconnect(endpoint, linger);
  }

  /**
   * Waits until a remote is connected.
   *
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<void>}
   * @throws {ClosedError}
   */
  connected({ signal } = {}) {
    return this[CORE].connected(signal);
  }

  /**
   * The remotes that are connected.
   *
   * @returns {Remote[]}
   */
  get remotes() {
    return this[CORE].remotes;
  }

  /**
   * Receives the next message. Messages that were received before the socket was closed can still be
   * received.
   *
   * A message goes to one of the tasks that wait, first come, first served. An aborted signal loses no
   * message.
   *
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<Received>}
   * @throws {ClosedError}
   */
  async recv({ signal } = {}) {
    return this.#shape(await this[CORE].recv(signal));
  }

  /**
   * Receives a message if one is queued.
   *
   * @returns {Received | undefined}
   * @throws {ClosedError}
   */
  tryRecv() {
    const message = this[CORE].tryRecv();
    return message && this.#shape(message);
  }

  /**
   * Receives messages until the socket is closed. Leaving the loop does not close it.
   *
   * @returns {AsyncIterator<Received, undefined>}
   */
  [Symbol.asyncIterator]() {
    return {
      next: async () => {
        try {
          return { done: false, value: this.#shape(await this[CORE].recv()) };
        } catch (error) {
          if (error instanceof ClosedError) return { done: true, value: undefined };
          throw error;
        }
      },
    };
  }

  /**
   * Returns the statistics of the socket.
   *
   * @returns {Stats}
   */
  stats() {
    const { pipes, remotes, stats } = this[CORE];
    const { sent, received, dropped, reconnects } = stats;
    return {
      sent: { ...sent },
      received: { ...received },
      dropped: { ...dropped },
      queued: {
        outgoing: pipes.reduce((sum, { outgoing }) => sum + outgoing.length, 0),
        incoming: pipes.reduce((sum, { incoming }) => sum + incoming.length, 0),
      },
      connected: remotes.length,
      reconnects,
    };
  }

  /**
   * Writes the queued messages, and closes the socket. Tasks that wait fail with a `ClosedError`.
   *
   * @param {{ linger?: number }} [options] Limits the time in milliseconds. Default: the option of the
   *   socket.
   * @returns {Promise<{ undelivered: number }>} The number of messages that were not written.
   */
  close({ linger = this[CORE].options.linger } = {}) {
    return this[CORE].close(linger);
  }
}

/**
 * What sockets that send share. `Sent` is the type of the messages.
 *
 * @template Received
 * @template Sent
 * @extends {Socket<Received>}
 */
class SendingSocket extends Socket {
  #parts;

  /**
   * @param {Kind} kind
   * @param {SocketOptions} options
   * @param {(parts: Uint8Array[]) => Received} shape
   * @param {(message: Sent) => Body[]} parts
   */
  constructor(kind, options, shape, parts) {
    super(kind, options, shape);
    this.#parts = parts;
  }

  /**
   * Sends a message, to the next endpoint whose queue is not full.
   *
   * @param {Sent} message Is copied.
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<void>} Resolves when the message is queued; until then, all queues are full, or the
   *   socket has no endpoint. If it is rejected, the message is not sent.
   * @throws {ClosedError}
   */
  async send(message, { signal } = {}) {
    return this[CORE].send(outgoing(this.#parts(message)), signal);
  }

  /**
   * Sends a message if `send` would not wait.
   *
   * @param {Sent} message Is copied.
   * @returns {boolean} Whether the message is queued.
   * @throws {ClosedError}
   */
  trySend(message) {
    return this[CORE].trySend(outgoing(this.#parts(message)));
  }
}

/**
 * A socket that exchanges messages of one body with a SERVER (RFC 41).
 *
 * @example
 * const client = new Client();
 * client.connect("/zmq");
 * await client.send("hello");
 * console.log(text(await client.recv()));
 *
 * @extends {SendingSocket<Uint8Array, Body>}
 */
export class Client extends SendingSocket {
  /** @param {SocketOptions} [options] */
  constructor(options = {}) {
    super(CLIENT, options, ([body]) => body, (body) => [body]);
  }
}

/**
 * A socket that exchanges messages of one or more parts with a ROUTER, REP or DEALER (RFC 28).
 *
 * @example
 * const dealer = new Dealer({ identity: "page" });
 * dealer.connect("/zmq");
 * await dealer.send(["", "hello"]);
 * const [delimiter, reply] = await dealer.recv();
 *
 * @extends {SendingSocket<Uint8Array[], Body | Body[]>}
 */
export class Dealer extends SendingSocket {
  /** @param {SocketOptions} [options] */
  constructor(options = {}) {
    super(DEALER, options, (parts) => parts, (message) => (Array.isArray(message) ? message : [message]));
  }
}

/**
 * A socket that subscribes to topics, and receives the messages of a PUB or XPUB whose first part begins
 * with one of them (RFC 29).
 *
 * @example
 * const sub = new Sub();
 * sub.subscribe("weather.");
 * sub.connect("/zmq");
 * for await (const [topic, report] of sub) console.log(text(topic), text(report));
 *
 * @extends {Socket<Uint8Array[]>}
 */
export class Sub extends Socket {
  /** The subscriptions, by their keys. */
  #topics = /** @type {Map<string, { topic: Uint8Array, count: number }>} */ (new Map());
  /** How many topics have each length. */
  #lengths = /** @type {Map<number, number>} */ (new Map());

  /** @param {SocketOptions} [options] */
  constructor(options = {}) {
    super(SUB, options, (parts) => parts);
    const core = this[CORE];
    core.filter = ([first]) => this.#matches(first);
    // A connection begins with all subscriptions, so that none is lost.
    core.greet = (pipe) => {
      for (const [key, { topic }] of this.#topics) pipe.control.set(key, subscription(SUBSCRIBE, topic));
    };
  }

  /**
   * Subscribes to a topic. The empty topic matches all messages. Subscriptions are counted: a topic
   * that was subscribed to twice has to be unsubscribed from twice.
   *
   * @param {Body} topic
   * @throws {ClosedError}
   */
  subscribe(topic) {
    if (this[CORE].isClosed) throw new ClosedError();
    const copy = bytes(topic).slice();
    const entry = this.#topics.get(key(copy));
    if (entry) {
      entry.count += 1;
      return;
    }
    this.#topics.set(key(copy), { topic: copy, count: 1 });
    this.#lengths.set(copy.length, (this.#lengths.get(copy.length) ?? 0) + 1);
    this.#announce(SUBSCRIBE, copy);
  }

  /**
   * Ends a subscription. After that, no message that matches only this topic is received.
   *
   * @param {Body} topic
   * @returns {boolean} Whether there was such a subscription.
   * @throws {ClosedError}
   */
  unsubscribe(topic) {
    if (this[CORE].isClosed) throw new ClosedError();
    const entry = this.#topics.get(key(bytes(topic)));
    if (!entry) return false;
    entry.count -= 1;
    if (entry.count === 0) {
      this.#topics.delete(key(entry.topic));
      const others = (this.#lengths.get(entry.topic.length) ?? 0) - 1;
      if (others > 0) this.#lengths.set(entry.topic.length, others);
      else this.#lengths.delete(entry.topic.length);
      this.#announce(CANCEL, entry.topic);
    }
    return true;
  }

  /**
   * @param {number} command
   * @param {Uint8Array} topic
   */
  #announce(command, topic) {
    for (const pipe of this[CORE].pipes.filter(({ remote }) => remote)) {
      // A change that is not written yet is undone by its opposite.
      if (!pipe.control.delete(key(topic))) pipe.control.set(key(topic), subscription(command, topic));
      pipe.pump();
    }
  }

  /** @param {Uint8Array} first */
  #matches(first) {
    for (const length of this.#lengths.keys()) {
      if (length <= first.length && this.#topics.has(key(first.subarray(0, length)))) return true;
    }
    return false;
  }
}

/**
 * Returns a message to send.
 *
 * @param {Body[]} parts
 * @returns {import("./carrier.mjs").Outgoing}
 */
export function outgoing(parts) {
  if (parts.length === 0) throw new TypeError("a message has at least one part");
  const last = parts.length - 1;
  const frames = parts.map((part, index) => frame(index < last ? MORE : 0, bytes(part)));
  const size = frames.reduce((size, frame) => size + frame.length - 1, 0);
  return { frames, size, interruptions: 0, isMessage: true };
}

/**
 * @param {number} command
 * @param {Uint8Array} topic
 */
function subscription(command, topic) {
  return [frame(0, Uint8Array.of(command), topic)];
}

/** @type {Kind} */
const CLIENT = { socketType: "CLIENT", compatible: ["SERVER"], isSingle: true, mayMiss: false };

/** @type {Kind} */
const DEALER = {
  socketType: "DEALER",
  compatible: ["DEALER", "REP", "ROUTER"],
  isSingle: false,
  mayMiss: false,
};

/** @type {Kind} */
const SUB = { socketType: "SUB", compatible: ["PUB", "XPUB"], isSingle: false, mayMiss: true };

/** The first byte of a subscription (RFC 45). */
const SUBSCRIBE = 0x01;
const CANCEL = 0x00;
