/**
 * One call of a requester.
 *
 * @module
 */

import { Deque } from "./deque.mjs";

/** @typedef {import("./pipe.mjs").Pipe} Pipe */

/** A call that has no outcome yet, and the parts of its reply. */
export class Call {
  /** @type {number | undefined} */
  deadline;
  /** @type {Pipe | null} */
  pipe = null;
  /** @type {object | null} The connection that the request was written to. */
  remote = null;
  interruptions = 0;
  isOver = false;
  /** Parts that were read since credit was granted. */
  read = 0;
  onRead = () => {};
  onEnd = /** @type {(() => void)[]} */ ([]);
  #parts = /** @type {Deque<Uint8Array>} */ (new Deque());
  /** @type {unknown} */
  #error;
  #wake = () => {};

  /**
   * @param {number} id
   * @param {Uint8Array} body
   * @param {{ parent: Uint8Array, state: Uint8Array } | undefined} trace
   * @param {number | undefined} credit
   */
  constructor(id, body, trace, credit) {
    this.id = id;
    this.body = body;
    this.trace = trace;
    this.credit = credit;
    /** The number of parts that may still arrive. */
    this.window = credit ?? 0;
  }

  fields() {
    const remaining =
      this.deadline === undefined
        ? undefined
        : Math.min(Math.max(Math.ceil(this.deadline - performance.now()), 0), 0xffff_ffff);
    return { remaining, credit: this.credit, trace: this.trace };
  }

  /** @param {Uint8Array} part */
  push(part) {
    this.#parts.push(part);
    this.#wake();
  }

  finish() {
    this.isOver = true;
    this.#wake();
  }

  /** @param {unknown} error */
  fail(error) {
    if (this.isOver) return;
    this.isOver = true;
    this.#error = error;
    this.#wake();
  }

  /** @returns {Promise<Uint8Array | undefined>} The next part, or nothing at the end. */
  async next() {
    for (;;) {
      const part = this.#parts.shift();
      if (part) {
        this.onRead();
        return part;
      }
      if (this.#error !== undefined) throw this.#error;
      if (this.isOver) return undefined;
      await new Promise((resolve) => (this.#wake = () => resolve(undefined)));
    }
  }

  end() {
    for (const end of this.onEnd) end();
  }
}
