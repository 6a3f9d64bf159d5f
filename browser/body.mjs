/**
 * Bodies and parts of messages.
 *
 * @module
 */

/**
 * What can be sent: bytes, which are copied, or a string, which is sent as UTF-8.
 *
 * @typedef {string | Uint8Array | ArrayBuffer} Body
 */

/**
 * Returns the text of a body or part.
 *
 * @param {Uint8Array} bytes
 * @returns {string}
 * @throws {TypeError} The bytes are not valid UTF-8.
 */
export function text(bytes) {
  return DECODER.decode(bytes);
}

/**
 * Returns the bytes of a body, which are not copied.
 *
 * @param {Body} body
 * @returns {Uint8Array}
 */
export function bytes(body) {
  if (typeof body === "string") return ENCODER.encode(body);
  if (body instanceof Uint8Array) return body;
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  throw new TypeError("a body is a string, a Uint8Array or an ArrayBuffer");
}

/**
 * Returns a string that identifies bytes.
 *
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function key(bytes) {
  let key = "";
  for (const byte of bytes) key += String.fromCharCode(byte);
  return key;
}

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const ENCODER = new TextEncoder();
