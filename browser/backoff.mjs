/**
 * The delay between attempts to connect.
 *
 * @module
 */

/**
 * Delays that double from attempt to attempt, up to a limit, with a random part, so that the pages of a
 * restarted server do not all reconnect simultaneously.
 */
export class Backoff {
  #interval;
  #max;
  /** The number of failed attempts and useless connections since the last success. */
  #failures = 0;

  /**
   * @param {number} interval
   * @param {number} max
   */
  constructor(interval, max) {
    this.#interval = Math.max(interval, SHORTEST);
    this.#max = Math.min(Math.max(max, this.#interval), LONGEST);
  }

  /** @returns {number} */
  afterFailure() {
    const delay = Math.min(this.#interval * 2 ** this.#failures, this.#max);
    this.#failures += 1;
    return jittered(delay);
  }

  /** @returns {number} The delay if another attempt is unlikely to succeed. */
  longest() {
    return jittered(this.#max);
  }

  /**
   * Resets the delay after a connection on which a message was written, or that has lasted. A remote
   * that refuses every message can complete handshakes at no cost.
   *
   * @param {boolean} wasUseful
   * @param {number} lasted
   */
  handleConnection(wasUseful, lasted) {
    if (wasUseful || lasted >= Math.min(this.#max, LASTING)) this.#failures = 0;
  }
}

/** @param {number} delay */
function jittered(delay) {
  return delay / 2 + (delay / 2) * Math.random();
}

/** A connection of this age was useful, even without traffic. */
const LASTING = 10_000;

/** Attempts without a delay would use a whole core. */
const SHORTEST = 1;

/** The longest time of a timer. */
const LONGEST = 0x7fff_ffff;
