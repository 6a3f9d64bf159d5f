/**
 * Calls: requests, each of which gets its own reply.
 *
 * @module
 */

import { bytes } from "./body.mjs";
import { Call } from "./call.mjs";
import { decode, encodeCancel, encodeCredit, encodeDrained, encodeRequest } from "./envelope.mjs";
import { CallError, ClosedError } from "./errors.mjs";
import { after } from "./options.mjs";
import { CORE, Client, Dealer, outgoing } from "./sockets.mjs";

/**
 * @typedef {import("./body.mjs").Body} Body
 * @typedef {import("./carrier.mjs").Outgoing} Outgoing
 * @typedef {import("./pipe.mjs").Pipe} Pipe
 */

/**
 * @typedef {object} RequesterOptions
 * @property {number} [maxOutstanding] Limits the calls that wait for a reply. Further ones wait in line.
 *   Default: 65,536.
 * @property {number} [streamWindow] The number of parts that a responder may send ahead of the
 *   application. Default: 64.
 * @property {number} [timeout] The time limit of calls without one of their own, in milliseconds.
 *   Default: none.
 */

/**
 * @typedef {object} CallOptions
 * @property {AbortSignal} [signal] Cancels the call, also at the responder. The call is rejected with the
 *   reason of the signal, and may have been carried out.
 * @property {number} [timeout] The time limit in milliseconds. The responder keeps it as well.
 * @property {string} [traceparent] The trace context that the request carries (W3C Trace Context).
 * @property {string} [tracestate]
 */

/**
 * The statistics of a requester. Every call that was sent is counted in `outstanding`, or in exactly one
 * of the counters from `answered` to `cancelled`.
 *
 * @typedef {object} RequesterStats
 * @property {number} neverSent Calls that ended before their request was sent.
 * @property {number} sent Requests that were passed to the browser for a server.
 * @property {number} outstanding Calls that were sent and have no outcome yet.
 * @property {number} answered Calls that received their reply, and streams that received their end.
 * @property {number} failed Calls that the responder answered with an error.
 * @property {number} badReplies Calls whose reply violated the protocol.
 * @property {number} deadlineExceeded Calls whose deadline passed before the reply.
 * @property {number} connectionLost Calls whose connection was lost before the reply.
 * @property {number} refused Calls during whose request two connections ended.
 * @property {number} closed Calls that ended because the socket was closed.
 * @property {number} cancelled Calls that were cancelled before their outcome.
 * @property {number} stray Replies to calls that had ended or never existed. They were dropped.
 * @property {number} malformed Messages that were not replies.
 */

/**
 * Makes calls over a `Client` or a `Dealer` to the responders of servers: each call gets its own reply.
 *
 * Calls go only to connected servers, round-robin. Until one is connected they wait, in line. When a
 * connection ends, the calls that were written to it fail immediately with `"connectionLost"`. Those that
 * were certainly not written go to the next connection.
 *
 * A requester receives all messages of its socket: do not call its `recv`.
 *
 * @example
 * const client = new Client();
 * client.connect("/rpc");
 * const requester = new Requester(client);
 * const reply = await requester.call("hello", { timeout: 5_000 });
 */
export class Requester {
  #socket;
  #core;
  #options;
  #lastId = 0;
  /** Calls that wait for a server, in line. */
  #line = /** @type {Set<Call>} */ (new Set());
  /** Calls that are sent, by id. */
  #open = /** @type {Map<number, Call>} */ (new Map());
  /** Connections over which no more requests may be sent: their remotes. */
  #draining = /** @type {WeakSet<object>} */ (new WeakSet());
  #nextPipe = 0;
  #stats = {
    neverSent: 0,
    sent: 0,
    answered: 0,
    failed: 0,
    badReplies: 0,
    deadlineExceeded: 0,
    connectionLost: 0,
    refused: 0,
    closed: 0,
    cancelled: 0,
    stray: 0,
    malformed: 0,
  };
  /** @type {unknown} Why no endpoint is left. */
  #abandoned;

  /**
   * @param {Client | Dealer} socket
   * @param {RequesterOptions} [options]
   */
  constructor(socket, { maxOutstanding = 0x1_0000, streamWindow = 64, timeout } = {}) {
    if (!(maxOutstanding >= 1 && streamWindow >= 1)) throw new RangeError("a limit is below 1");
    this.#socket = socket;
    this.#core = socket[CORE];
    if (this.#core.dispatcher) throw new TypeError("the socket has a requester");
    this.#options = { maxOutstanding, streamWindow, timeout };
    this.#core.dispatcher = {
      nextRequest: (pipe) => this.#nextRequest(pipe),
      handleMessage: (pipe, message) => this.#handleMessage(pipe, message),
      handleConnected: () => {
        this.#abandoned = undefined;
      },
      handleDisconnected: (pipe, returned) => this.#handleDisconnected(pipe, returned),
      handleAbandoned: (cause) => this.#handleAbandoned(cause),
      handleClosed: () => this.#handleClosed(),
    };
  }

  /** The socket, for its events and endpoints. */
  get socket() {
    return this.#socket;
  }

  /**
   * Makes a call.
   *
   * @param {Body} body
   * @param {CallOptions} [options]
   * @returns {Promise<Uint8Array>} The reply.
   * @throws {CallError} There is no reply.
   */
  async call(body, options = {}) {
    const call = this.#begin(body, options, undefined);
    try {
      const reply = await call.next();
      return /** @type {Uint8Array} */ (reply);
    } finally {
      call.end();
    }
  }

  /**
   * Makes a call whose reply is a stream of parts. The responder sends at most `streamWindow` parts ahead.
   * The call begins when the first part is requested. Leaving the loop cancels it.
   *
   * @param {Body} body
   * @param {CallOptions} [options]
   * @returns {AsyncGenerator<Uint8Array, void, undefined>}
   * @throws {CallError}
   */
  async *stream(body, options = {}) {
    const call = this.#begin(body, options, this.#options.streamWindow);
    try {
      for (let part; (part = await call.next()); ) yield part;
    } finally {
      if (!call.isOver) this.#cancel(call);
      call.end();
    }
  }

  /**
   * Returns the statistics of the requester.
   *
   * @returns {RequesterStats}
   */
  stats() {
    return { ...this.#stats, outstanding: this.#open.size };
  }

  /**
   * Closes the socket. Calls without a reply fail with `"closed"`.
   *
   * @param {{ linger?: number }} [options]
   * @returns {Promise<{ undelivered: number }>}
   */
  close(options) {
    return this.#socket.close(options);
  }

  /**
   * @param {Body} body
   * @param {CallOptions} options
   * @param {number | undefined} credit
   * @returns {Call}
   */
  #begin(body, { signal, timeout = this.#options.timeout, traceparent, tracestate = "" }, credit) {
    signal?.throwIfAborted();
    if (this.#core.isClosed) throw new CallError("closed", CLOSED, { wasSent: false });
    if (this.#abandoned && this.#core.pipes.every(({ isEnded }) => isEnded)) {
      throw new CallError("noEndpoint", NO_ENDPOINT, { cause: this.#abandoned });
    }
    const trace =
      traceparent === undefined ? undefined : { parent: bytes(traceparent), state: bytes(tracestate) };
    const call = new Call((this.#lastId += 1), bytes(body).slice(), trace, credit);
    if (timeout !== undefined) {
      call.deadline = performance.now() + timeout;
      const timer = after(timeout, () => this.#handleDeadline(call));
      call.onEnd.push(() => clearTimeout(timer));
    }
    if (signal) {
      const abort = () => {
        this.#cancel(call);
        call.fail(signal.reason);
      };
      signal.addEventListener("abort", abort);
      call.onEnd.push(() => signal.removeEventListener("abort", abort));
    }
    call.onRead = () => this.#grant(call);
    this.#line.add(call);
    this.#serve();
    return call;
  }

  /** Sends calls in line, starting with the next server in turn. */
  #serve() {
    const { pipes } = this.#core;
    for (let tried = 0; tried < pipes.length && this.#line.size > 0; tried += 1) {
      const at = (this.#nextPipe + tried) % pipes.length;
      if (this.#accepts(pipes[at])) {
        const waiting = this.#line.size;
        pipes[at].pump();
        if (this.#line.size < waiting) {
          this.#nextPipe = at + 1;
          return;
        }
      }
    }
  }

  /** @param {Pipe} pipe */
  #accepts({ remote }) {
    return remote !== null && !this.#draining.has(remote);
  }

  /**
   * @param {Pipe} pipe
   * @returns {Outgoing | undefined}
   */
  #nextRequest(pipe) {
    if (this.#open.size >= this.#options.maxOutstanding || !this.#accepts(pipe)) return undefined;
    for (const call of this.#line) {
      this.#line.delete(call);
      this.#open.set(call.id, call);
      this.#stats.sent += 1;
      call.pipe = pipe;
      call.remote = pipe.remote;
      const request = encodeRequest(call.id, call.fields(), call.body);
      const { interruptions } = call;
      return { ...this.#message(request), interruptions, call };
    }
    return undefined;
  }

  /**
   * @param {Pipe} pipe
   * @param {Uint8Array[]} message
   */
  #handleMessage(pipe, message) {
    // The socket types of responders add nothing before the delimiter.
    const isValid = this.#hasEnvelope ? message.length === 2 && message[0].length === 0 : true;
    const envelope = isValid ? decode(message[message.length - 1]) : undefined;
    if (!envelope) {
      this.#stats.malformed += 1;
      return;
    }
    if (envelope.kind === "drain") {
      this.#handleDrain(pipe);
      return;
    }
    const call = this.#open.get(envelope.id);
    if (!call || call.pipe !== pipe) {
      this.#stats.stray += 1;
      return;
    }
    switch (envelope.kind) {
      case "reply":
        this.#end(call, "answered");
        call.push(envelope.body);
        call.finish();
        break;
      case "part":
        if (call.window === 0) {
          this.#handleBadReply(call);
          break;
        }
        call.window -= 1;
        call.push(envelope.body);
        break;
      case "end":
        if (call.credit === undefined) {
          this.#handleBadReply(call);
          break;
        }
        this.#end(call, "answered");
        call.finish();
        break;
      case "error": {
        const { errorCode, detail, text } = envelope;
        const message = text || `the responder returned the error ${errorCode}`;
        this.#fail(call, "failed", new CallError("failed", message, { errorCode, detail }));
        break;
      }
      default:
        this.#handleBadReply(call);
    }
  }

  /** @param {Pipe} pipe */
  #handleDrain(pipe) {
    if (!pipe.remote || this.#draining.has(pipe.remote)) return;
    this.#draining.add(pipe.remote);
    this.#control(pipe, encodeDrained());
    this.#serve();
  }

  /** @param {Call} call */
  #handleBadReply(call) {
    const { pipe } = call;
    this.#fail(call, "badReplies", new CallError("badReply", "the reply violates the protocol"));
    this.#sendCancel(call, pipe);
  }

  /** @param {Call} call */
  #handleDeadline(call) {
    if (this.#line.delete(call)) {
      this.#stats.neverSent += 1;
      call.fail(new CallError("notSent", "the deadline passed before the request was sent"));
    } else if (this.#open.has(call.id)) {
      // The responder keeps the time as well, and needs no CANCEL.
      const error = new CallError("deadlineExceeded", "the deadline passed before the reply arrived");
      this.#fail(call, "deadlineExceeded", error);
    }
  }

  /**
   * @param {Pipe} pipe
   * @param {Outgoing[]} returned
   */
  #handleDisconnected(pipe, returned) {
    const unsent = [];
    for (const { call, interruptions } of returned) {
      // It may have ended meanwhile.
      if (!call || this.#open.get(call.id) !== call) continue;
      if (interruptions >= INTERRUPTIONS_MAX) {
        const message = "servers ended the connection while the request was being written";
        this.#fail(call, "refused", new CallError("refused", message));
        continue;
      }
      this.#open.delete(call.id);
      this.#stats.sent -= 1;
      call.pipe = null;
      call.interruptions = interruptions;
      unsent.push(call);
    }
    for (const call of [...this.#open.values()].filter((call) => call.pipe === pipe)) {
      const error = new CallError("connectionLost", "the connection was lost before the reply arrived");
      this.#fail(call, "connectionLost", error);
    }
    this.#line = new Set([...unsent, ...this.#line]);
    // The pipe has no remote any more. Another server may accept them.
    this.#serve();
  }

  /** @param {unknown} cause */
  #handleAbandoned(cause) {
    this.#abandoned = cause;
    this.#failLine(() => new CallError("noEndpoint", NO_ENDPOINT, { cause }));
  }

  #handleClosed() {
    this.#failLine(() => new CallError("closed", CLOSED, { wasSent: false }));
    for (const call of [...this.#open.values()]) {
      this.#fail(call, "closed", new CallError("closed", CLOSED));
    }
  }

  /** @param {() => CallError} error */
  #failLine(error) {
    const line = [...this.#line];
    this.#line.clear();
    this.#stats.neverSent += line.length;
    for (const call of line) call.fail(error());
  }

  /** @param {Call} call */
  #cancel(call) {
    if (this.#line.delete(call)) {
      this.#stats.neverSent += 1;
    } else if (this.#open.has(call.id)) {
      this.#end(call, "cancelled");
      this.#sendCancel(call, call.pipe);
    }
  }

  /**
   * @param {Call} call
   * @param {Pipe | null} pipe
   */
  #sendCancel(call, pipe) {
    const remote = pipe?.remote;
    if (!pipe || !remote || remote !== call.remote) return;
    // A REP in lock step would answer the cancellation as well (docs/rpc.md).
    const lockStep = remote.properties.get("x-lock-step");
    const isFree = lockStep?.length === 1 && lockStep[0] === 0x30;
    if (remote.socketType === "REP" && !isFree) return;
    this.#control(pipe, encodeCancel(call.id));
  }

  /** @param {Call} call */
  #grant(call) {
    const { streamWindow } = this.#options;
    call.read += 1;
    if (call.isOver || !call.pipe || 2 * call.read < streamWindow) return;
    call.window += call.read;
    this.#control(call.pipe, encodeCredit(call.id, call.read));
    call.read = 0;
  }

  /**
   * Queues a message about calls or the connection, before all requests.
   *
   * @param {Pipe} pipe
   * @param {Uint8Array} message
   */
  #control(pipe, message) {
    const { frames } = this.#message(message);
    pipe.control.set(frames, frames);
    pipe.pump();
  }

  /** @param {Uint8Array} message */
  #message(message) {
    return outgoing(this.#hasEnvelope ? ["", message] : [message]);
  }

  get #hasEnvelope() {
    return !this.#core.kind.isSingle;
  }

  /**
   * @param {Call} call
   * @param {"failed" | "badReplies" | "deadlineExceeded" | "connectionLost" | "refused" | "closed"} counter
   * @param {CallError} error
   */
  #fail(call, counter, error) {
    this.#end(call, counter);
    call.fail(error);
  }

  /**
   * @param {Call} call
   * @param {"answered" | "cancelled" | "failed" | "badReplies" | "deadlineExceeded" | "connectionLost"
   *   | "refused" | "closed"} counter
   */
  #end(call, counter) {
    this.#open.delete(call.id);
    this.#stats[counter] += 1;
    if (this.#open.size === this.#options.maxOutstanding - 1) this.#serve();
  }
}

const CLOSED = new ClosedError().message;
const NO_ENDPOINT = "no endpoint is left";

/** A request during which this many connections have ended may be refused by the servers. */
const INTERRUPTIONS_MAX = 2;
