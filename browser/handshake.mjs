/**
 * Frames, commands and the handshake of ZMTP over WebSockets (RFC 45, RFC 37), without IO.
 *
 * @module
 */

import { bytes, key, text } from "./body.mjs";
import { ConnectionError } from "./errors.mjs";

/**
 * The other end of a connection.
 *
 * @typedef {object} Remote
 * @property {string} endpoint The address of the WebSocket.
 * @property {string | undefined} socketType Its socket type, such as `SERVER`, if it announces one.
 * @property {Uint8Array} identity Its identity; usually empty.
 * @property {ReadonlyMap<string, Uint8Array>} properties Everything that it announces. Names are in
 *   lower case.
 */

/** The flags of a frame (RFC 45). */
export const MORE = 0x01;
export const COMMAND = 0x02;

/**
 * Returns the frame of a part, which is copied.
 *
 * @param {number} flags
 * @param {...Uint8Array} pieces
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function frame(flags, ...pieces) {
  const length = pieces.reduce((length, piece) => length + piece.length, 1);
  const frame = new Uint8Array(length);
  frame[0] = flags;
  let at = 1;
  for (const piece of pieces) {
    frame.set(piece, at);
    at += piece.length;
  }
  return frame;
}

/**
 * The client's side of a handshake with the mechanism NULL or PLAIN, or of the exchange of identities in
 * its place, which libzmq offers to browsers.
 */
export class Handshake {
  #endpoint;
  #identity;
  #announced;
  #plain;
  /** The command that is expected next, or nothing if an identity is. With PLAIN, WELCOME precedes READY. */
  #expected;

  /**
   * @param {string} endpoint
   * @param {string} subprotocol The one that the server has chosen.
   * @param {string} socketType
   * @param {import("./options.mjs").AllOptions} options
   */
  constructor(endpoint, subprotocol, socketType, options) {
    this.#endpoint = endpoint;
    this.#identity = bytes(socketType === "DEALER" ? options.identity : "");
    this.#plain = options.plain;
    this.#announced = [...property("Socket-Type", bytes(socketType))];
    if (socketType === "DEALER") this.#announced.push(...property("Identity", this.#identity));
    if (subprotocol !== NO_MECHANISM) this.#expected = this.#plain ? "WELCOME" : "READY";
  }

  /**
   * Returns the subprotocols that are offered, in the order of preference.
   *
   * Browsers refuse the slash in `ZWS2.0/NULL`, so that servers of this crate accept a hyphen in its
   * place. Those of libzmq accept `ZWS2.0` from browsers, without a mechanism.
   *
   * @param {import("./options.mjs").AllOptions} options
   * @returns {string[]}
   */
  static subprotocols(options) {
    return options.plain ? ["ZWS2.0-PLAIN"] : ["ZWS2.0-NULL", NO_MECHANISM];
  }

  /**
   * Returns the first frame of this end.
   *
   * @returns {Uint8Array<ArrayBuffer>}
   */
  first() {
    if (!this.#expected) return frame(0, this.#identity);
    if (!this.#plain) return command("READY", this.#announced);
    const { username, password } = this.#plain;
    return command("HELLO", [...short(bytes(username)), ...short(bytes(password))]);
  }

  /**
   * Handles a frame of the remote.
   *
   * @param {number} flags
   * @param {Uint8Array} body
   * @returns {Uint8Array<ArrayBuffer> | Remote} The answer, or the remote if the handshake is complete.
   * @throws {ConnectionError}
   */
  handle(flags, body) {
    if (!this.#expected) {
      if (flags !== 0) throw violation("no identity at the beginning");
      const properties = new Map([["identity", body]]);
      return { endpoint: this.#endpoint, socketType: undefined, identity: body, properties };
    }
    if (flags !== COMMAND) throw violation("no command during the handshake");
    const length = body[0] ?? 0;
    const name = key(body.subarray(1, 1 + length));
    const data = body.subarray(1 + length);
    if (name === "ERROR") {
      const reason = new TextDecoder().decode(data.subarray(1, 1 + (data[0] ?? 0)));
      throw new ConnectionError("rejected", reason);
    }
    if (name !== this.#expected) {
      throw violation(`a command ${JSON.stringify(name)} instead of ${this.#expected}`);
    }
    if (name === "WELCOME") {
      this.#expected = "READY";
      return command("INITIATE", this.#announced);
    }
    return this.#remote(data);
  }

  /**
   * @param {Uint8Array} metadata
   * @returns {Remote}
   */
  #remote(metadata) {
    const properties = readProperties(metadata);
    const announced = properties.get("socket-type");
    const socketType = announced && key(announced);
    const identity = properties.get("identity") ?? new Uint8Array();
    return { endpoint: this.#endpoint, socketType, identity, properties };
  }
}

/**
 * @param {string} what
 * @returns {ConnectionError}
 */
export function violation(what) {
  return new ConnectionError("protocol", `the remote violates the protocol: ${what}`);
}

/**
 * Checks the credentials of PLAIN and an identity, before a connection needs them.
 *
 * @param {import("./options.mjs").AllOptions} options
 */
export function check({ identity, plain }) {
  short(bytes(identity));
  if (plain) {
    short(bytes(plain.username));
    short(bytes(plain.password));
  }
}

/**
 * @param {string} name
 * @param {number[]} data
 */
function command(name, data) {
  return frame(COMMAND, Uint8Array.of(name.length), bytes(name), Uint8Array.from(data));
}

/**
 * @param {string} name
 * @param {Uint8Array} value
 * @returns {number[]}
 */
function property(name, value) {
  // Values of this end are shorter than 256 bytes.
  return [name.length, ...bytes(name), 0, 0, 0, ...short(value)];
}

/**
 * @param {Uint8Array} value
 * @returns {number[]}
 */
function short(value) {
  if (value.length > 255) throw new RangeError(`${value.length} bytes instead of up to 255`);
  return [value.length, ...value];
}

/**
 * @param {Uint8Array} metadata
 * @returns {Map<string, Uint8Array>}
 */
function readProperties(metadata) {
  const properties = new Map();
  const view = new DataView(metadata.buffer, metadata.byteOffset, metadata.byteLength);
  let at = 0;
  while (at < metadata.length) {
    const nameEnd = at + 1 + view.getUint8(at);
    if (nameEnd + 4 > metadata.length) throw violation("malformed metadata");
    const end = nameEnd + 4 + view.getUint32(nameEnd);
    if (end > metadata.length) throw violation("malformed metadata");
    let name;
    try {
      name = text(metadata.subarray(at + 1, nameEnd)).toLowerCase();
    } catch {
      throw violation("malformed metadata");
    }
    properties.set(name, metadata.slice(nameEnd + 4, end));
    at = end;
  }
  return properties;
}

/** The subprotocol without a mechanism (RFC 45). */
const NO_MECHANISM = "ZWS2.0";
