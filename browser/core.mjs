/**
 * What all socket types share: their pipes, and the tasks that wait for them.
 *
 * @module
 */

import { ClosedError } from "./errors.mjs";
import { SocketEvent } from "./events.mjs";
import { check } from "./handshake.mjs";
import { withDefaults } from "./options.mjs";
import { Pipe } from "./pipe.mjs";
import { noStats } from "./stats.mjs";

/**
 * @typedef {import("./carrier.mjs").Outgoing} Outgoing
 *
 * What distinguishes a socket type.
 *
 * @typedef {object} Kind
 * @property {string} socketType The name on the wire.
 * @property {string[]} compatible The socket types of remotes.
 * @property {boolean} isSingle Whether messages of several parts are dropped.
 * @property {boolean} mayMiss Whether messages that cannot be queued are dropped and counted.
 */

/**
 * The user of a core that receives its messages instead of the application.
 *
 * @typedef {object} Dispatcher
 * @property {(pipe: Pipe) => Outgoing | undefined} nextRequest
 * @property {(pipe: Pipe, message: Uint8Array[]) => void} handleMessage
 * @property {(pipe: Pipe) => void} handleConnected
 * @property {(pipe: Pipe, returned: Outgoing[]) => void} handleDisconnected
 * @property {(cause: unknown) => void} handleAbandoned The last endpoint is abandoned.
 * @property {() => void} handleClosed
 */

/** Sends round-robin to the pipes that have room, and receives fair-queued from all. */
export class Core {
  options;
  stats = noStats();
  isClosed = false;
  /** Returns whether the application receives a message. */
  filter = /** @type {(message: Uint8Array[]) => boolean} */ (() => true);
  /** Adds what a new remote must receive first. */
  greet = /** @type {(pipe: Pipe) => void} */ (() => {});
  /** @type {Dispatcher | null} */
  dispatcher = null;
  /** @type {Pipe[]} Pipes with an endpoint, and ended ones with unread messages. */
  pipes = [];
  #emit;
  #nextOut = 0;
  #nextIn = 0;
  #isServing = false;
  #senders = /** @type {Set<Waiting<void> & { message: Outgoing }>} */ (new Set());
  #receivers = /** @type {Set<Waiting<Uint8Array[]>>} */ (new Set());
  #openings = /** @type {Set<Waiting<void>>} */ (new Set());
  /** @type {Promise<{ undelivered: number }> | undefined} */
  #closing;

  /**
   * @param {Kind} kind
   * @param {import("./options.mjs").SocketOptions} options
   * @param {(event: Event) => void} emit
   */
  constructor(kind, options, emit) {
    this.kind = kind;
    this.options = withDefaults(options);
    check(this.options);
    this.#emit = emit;
  }

  /** @returns {import("./handshake.mjs").Remote[]} */
  get remotes() {
    return this.pipes.flatMap(({ remote }) => remote ?? []);
  }

  /**
   * @param {string | URL} endpoint
   * @returns {string}
   */
  connect(endpoint) {
    if (this.isClosed) throw new ClosedError();
    const address = addressOf(endpoint);
    this.pipes.push(new Pipe(this, address));
    this.#serveSenders();
    return address;
  }

  /**
   * @param {string | URL} endpoint
   * @param {number} linger
   */
  async disconnect(endpoint, linger) {
    const address = addressOf(endpoint);
    return finish(this.pipes.filter((pipe) => pipe.endpoint === address), linger);
  }

  /** @param {number} linger */
  close(linger) {
    this.#closing ??= this.#close(linger);
    return this.#closing;
  }

  /** @param {number} linger */
  async #close(linger) {
    this.isClosed = true;
    const error = new ClosedError();
    for (const waiting of [this.#senders, this.#receivers, this.#openings]) {
      for (const { reject } of waiting) reject(error);
      waiting.clear();
    }
    this.dispatcher?.handleClosed();
    return finish(this.pipes, linger);
  }

  /**
   * Waits until a remote is connected.
   *
   * @param {AbortSignal} [signal]
   * @returns {Promise<void>}
   */
  connected(signal) {
    if (this.isClosed) return Promise.reject(new ClosedError());
    if (this.remotes.length > 0) return Promise.resolve();
    return wait(signal, (waiting) => enter(this.#openings, waiting));
  }

  /**
   * @param {Outgoing} message
   * @returns {boolean} Whether a pipe had room, and no earlier message waits.
   */
  trySend(message) {
    if (this.isClosed) throw new ClosedError();
    return this.#senders.size === 0 && this.#queue(message);
  }

  /**
   * @param {Outgoing} message
   * @param {AbortSignal} [signal]
   * @returns {Promise<void>}
   */
  send(message, signal) {
    try {
      signal?.throwIfAborted();
      if (this.trySend(message)) return Promise.resolve();
    } catch (error) {
      return Promise.reject(error);
    }
    return wait(signal, (waiting) => enter(this.#senders, { ...waiting, message }));
  }

  /** @returns {Uint8Array[] | undefined} The next message, of the pipes in turn. */
  tryRecv() {
    const count = this.pipes.length;
    for (let tried = 0; tried < count; tried += 1) {
      const at = (this.#nextIn + tried) % count;
      for (let message; (message = this.pipes[at].take()); ) {
        // Its subscription may have ended since it was queued.
        if (!this.filter(message)) {
          this.stats.dropped.unmatched += 1;
          continue;
        }
        this.#nextIn = at + 1;
        if (this.pipes[at].isEnded) this.#forgetEnded();
        return message;
      }
    }
    if (this.isClosed) throw new ClosedError();
    return undefined;
  }

  /**
   * @param {AbortSignal} [signal]
   * @returns {Promise<Uint8Array[]>}
   */
  recv(signal) {
    try {
      signal?.throwIfAborted();
      const message = this.tryRecv();
      if (message) return Promise.resolve(message);
    } catch (error) {
      return Promise.reject(error);
    }
    return wait(signal, (waiting) => enter(this.#receivers, waiting));
  }

  /**
   * @param {Pipe} pipe
   * @returns {Outgoing | undefined}
   */
  nextMessage(pipe) {
    const message = pipe.outgoing.shift();
    if (message) this.#serveSenders();
    return message ?? this.dispatcher?.nextRequest(pipe);
  }

  /** @param {Outgoing} message */
  handleSent(message) {
    this.stats.sent.messages += 1;
    this.stats.sent.bytes += message.size;
  }

  /**
   * @param {Pipe} pipe
   * @param {Uint8Array[]} message
   */
  accept(pipe, message) {
    if (this.isClosed) {
      this.stats.dropped.unread += 1;
    } else if (this.kind.isSingle && message.length > 1) {
      this.stats.dropped.multipart += 1;
    } else if (!this.filter(message)) {
      this.stats.dropped.unmatched += 1;
    } else if (this.dispatcher || this.#receivers.size > 0) {
      this.stats.received.messages += 1;
      for (const { length } of message) this.stats.received.bytes += length;
      if (this.dispatcher) this.dispatcher.handleMessage(pipe, message);
      else this.#resolveReceiver(message);
    } else {
      pipe.deliver(message);
    }
  }

  /** @param {Pipe} pipe */
  handleConnected(pipe) {
    for (const { resolve } of this.#openings) resolve();
    this.#openings.clear();
    this.greet(pipe);
    this.dispatcher?.handleConnected(pipe);
    const { remote } = pipe;
    if (remote) this.#emit(new SocketEvent("connected", pipe.endpoint, { remote }));
  }

  /**
   * Returns the messages of a connection that has ended which are sent again.
   *
   * @param {Pipe} pipe
   * @param {{ message: Outgoing, isStarted: boolean }[]} unwritten
   * @returns {Outgoing[]}
   */
  handleDisconnected(pipe, unwritten) {
    for (const { message, isStarted } of unwritten) {
      this.stats.sent.messages -= 1;
      this.stats.sent.bytes -= message.size;
      // A remote may end the connection because of this message.
      if (isStarted) message.interruptions += 1;
    }
    const messages = unwritten.map(({ message }) => message);
    this.dispatcher?.handleDisconnected(pipe, messages.filter(({ call }) => call));
    const own = messages.filter(({ call }) => !call);
    const returned = own.filter(({ interruptions }) => interruptions < INTERRUPTIONS_MAX);
    this.stats.dropped.refused += own.length - returned.length;
    return returned;
  }

  /**
   * @param {Pipe} pipe
   * @param {import("./errors.mjs").ConnectionError} [cause] Why it is abandoned.
   */
  handlePipeEnded(pipe, cause) {
    if (pipe.incoming.length === 0) this.#forgetEnded();
    if (cause && this.pipes.every(({ isEnded }) => isEnded)) this.dispatcher?.handleAbandoned(cause);
  }

  /** @param {SocketEvent} event */
  emit(event) {
    this.#emit(event);
  }

  /**
   * @param {Outgoing} message
   * @returns {boolean}
   */
  #queue(message) {
    const count = this.pipes.length;
    for (let tried = 0; tried < count; tried += 1) {
      const at = (this.#nextOut + tried) % count;
      const pipe = this.pipes[at];
      if (!pipe.isEnded && pipe.hasRoom) {
        this.#nextOut = at + 1;
        pipe.outgoing.push(message);
        pipe.pump();
        return true;
      }
    }
    return false;
  }

  /** @param {Uint8Array[]} message */
  #resolveReceiver(message) {
    const receiver = first(this.#receivers);
    if (!receiver) return;
    this.#receivers.delete(receiver);
    receiver.resolve(message);
  }

  /** Queues the messages of waiting senders, first come, first served. */
  #serveSenders() {
    // Queuing a message can write it, and thereby create room.
    if (this.#isServing) return;
    this.#isServing = true;
    for (let sender; (sender = first(this.#senders)) && this.#queue(sender.message); ) {
      this.#senders.delete(sender);
      sender.resolve();
    }
    this.#isServing = false;
  }

  #forgetEnded() {
    this.pipes = this.pipes.filter((pipe) => !pipe.isEnded || pipe.incoming.length > 0);
  }
}

/**
 * A task that waits.
 *
 * @template T
 * @typedef {{ resolve: (value: T) => void, reject: (error: unknown) => void }} Waiting
 */

/**
 * Waits in a line, until the signal is aborted.
 *
 * @template T
 * @param {AbortSignal | undefined} signal
 * @param {(waiting: Waiting<T>) => () => void} enter Returns what leaves the line.
 * @returns {Promise<T>}
 */
function wait(signal, enter) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const abort = () => {
      leave();
      reject(signal?.reason);
    };
    const leave = enter({
      resolve: (value) => {
        signal?.removeEventListener("abort", abort);
        resolve(value);
      },
      reject: (error) => {
        signal?.removeEventListener("abort", abort);
        reject(error);
      },
    });
    signal?.addEventListener("abort", abort);
  });
}

/**
 * @template T
 * @param {Set<T>} line
 * @param {T} waiting
 */
function enter(line, waiting) {
  line.add(waiting);
  return () => line.delete(waiting);
}

/**
 * @template T
 * @param {Set<T>} line
 * @returns {T | undefined}
 */
function first(line) {
  for (const waiting of line) return waiting;
  return undefined;
}

/**
 * @param {Pipe[]} pipes
 * @param {number} linger
 */
async function finish(pipes, linger) {
  const counts = await Promise.all(pipes.map((pipe) => pipe.finish(linger)));
  return { undelivered: counts.reduce((sum, count) => sum + count, 0) };
}

/**
 * Returns the address of a WebSocket, which may be relative to the page, or begin with `http`.
 *
 * @param {string | URL} endpoint
 */
function addressOf(endpoint) {
  const url = new URL(endpoint, globalThis.location?.href);
  if (url.protocol === "http:") url.protocol = "ws:";
  if (url.protocol === "https:") url.protocol = "wss:";
  return url.href;
}

/** A message during which this many connections have ended is dropped: the remotes may refuse it. */
const INTERRUPTIONS_MAX = 2;
