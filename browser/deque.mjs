/**
 * A queue with two ends.
 *
 * @module
 */

/**
 * A queue from whose front removing costs no more than from its back, unlike from that of an array.
 *
 * @template T
 */
export class Deque {
  /** @type {(T | undefined)[]} */
  #items = [];
  #start = 0;

  /** @returns {number} */
  get length() {
    return this.#items.length - this.#start;
  }

  /** @param {T} item */
  push(item) {
    this.#items.push(item);
  }

  /** @param {T[]} items Precede all others, in their order. */
  unshift(...items) {
    this.#items = [...items, ...this.#items.slice(this.#start)];
    this.#start = 0;
  }

  /** @returns {T | undefined} */
  first() {
    return this.#items[this.#start];
  }

  /** @returns {T | undefined} */
  shift() {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#start];
    this.#items[this.#start] = undefined;
    this.#start += 1;
    if (this.#start === this.#items.length) {
      this.#items = [];
      this.#start = 0;
    } else if (this.#start >= COMPACT_MIN && 2 * this.#start >= this.#items.length) {
      this.#items = this.#items.slice(this.#start);
      this.#start = 0;
    }
    return item;
  }

  /** @returns {T[]} All items, which are removed. */
  drain() {
    const items = /** @type {T[]} */ (this.#items.slice(this.#start));
    this.#items = [];
    this.#start = 0;
    return items;
  }
}

/** Below this, moving the items would be more frequent than useful. */
const COMPACT_MIN = 64;
