/**
 * The messages of calls, which `docs/rpc.md` specifies.
 *
 * @module
 */

import { text } from "./body.mjs";

/**
 * A message of a responder.
 *
 * @typedef {{ id: number } & ({ kind: "reply", body: Uint8Array } | { kind: "part", body: Uint8Array }
 *   | { kind: "error", errorCode: number, detail: number, text: string } | { kind: "end" }
 *   | { kind: "drain" } | { kind: "malformed" })} Envelope
 */

/**
 * Encodes a REQUEST.
 *
 * @param {number} id
 * @param {{ remaining?: number, credit?: number, trace?: { parent: Uint8Array, state: Uint8Array } }} fields
 * @param {Uint8Array} body
 * @returns {Uint8Array}
 */
export function encodeRequest(id, { remaining, credit, trace }, body) {
  const flags =
    (remaining === undefined ? 0 : TIME) | (credit === undefined ? 0 : CREDITED) | (trace ? TRACE : 0);
  const traceLength = trace ? 4 + trace.parent.length + trace.state.length : 0;
  const numbers = [remaining, credit].filter((number) => number !== undefined);
  const bytes = new Uint8Array(HEADER + 1 + 4 * numbers.length + traceLength + body.length);
  const view = header(bytes, REQUEST, id);
  let at = HEADER;
  view.setUint8(at++, flags);
  for (const number of numbers) {
    view.setUint32(at, number);
    at += 4;
  }
  for (const field of trace ? [trace.parent, trace.state] : []) {
    view.setUint16(at, field.length);
    bytes.set(field, at + 2);
    at += 2 + field.length;
  }
  bytes.set(body, at);
  return bytes;
}

/**
 * @param {number} id
 * @returns {Uint8Array}
 */
export function encodeCancel(id) {
  const bytes = new Uint8Array(HEADER);
  header(bytes, CANCEL, id);
  return bytes;
}

/**
 * @param {number} id
 * @param {number} parts
 * @returns {Uint8Array}
 */
export function encodeCredit(id, parts) {
  const bytes = new Uint8Array(HEADER + 4);
  header(bytes, CREDIT, id).setUint32(HEADER, parts);
  return bytes;
}

/** @returns {Uint8Array} */
export function encodeDrained() {
  const bytes = new Uint8Array(HEADER).fill(0xff);
  bytes[0] = DRAINED;
  return bytes;
}

/**
 * Decodes a message of a responder.
 *
 * @param {Uint8Array} bytes
 * @returns {Envelope | undefined} Nothing if the message has no id, or one of a requester's kinds.
 */
export function decode(bytes) {
  if (bytes.length < HEADER) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const high = view.getUint32(1);
  const low = view.getUint32(5);
  const first = bytes[0];
  if (high === 0xffff_ffff && low === 0xffff_ffff) {
    return first === DRAIN && bytes.length === HEADER ? { id: NaN, kind: "drain" } : undefined;
  }
  if ([REQUEST, CANCEL, CREDIT, DRAIN, DRAINED].includes(first)) return undefined;
  // Ids of calls are exact. Others may be rounded to numbers that no call has.
  const id = high * 2 ** 32 + low;
  const body = bytes.subarray(HEADER);
  if (first === REPLY) return { id, kind: "reply", body };
  if (first === PART) return { id, kind: "part", body };
  if (first === END && body.length === 0) return { id, kind: "end" };
  if (first === ERROR && body.length >= 5) {
    try {
      const detail = view.getUint32(HEADER + 1);
      return { id, kind: "error", errorCode: body[0], detail, text: text(body.subarray(5)) };
    } catch {
      // The text is not UTF-8.
    }
  }
  return { id, kind: "malformed" };
}

/**
 * @param {Uint8Array} bytes
 * @param {number} first
 * @param {number} id
 */
function header(bytes, first, id) {
  const view = new DataView(bytes.buffer);
  view.setUint8(0, first);
  view.setUint32(1, Math.floor(id / 2 ** 32));
  view.setUint32(5, id % 2 ** 32);
  return view;
}

/** The first byte: the version, 1, in its upper half and the kind in its lower. */
const REQUEST = 0x11;
const REPLY = 0x12;
const PART = 0x13;
const ERROR = 0x14;
const CANCEL = 0x15;
const CREDIT = 0x16;
const END = 0x17;
const DRAIN = 0x18;
const DRAINED = 0x19;

/** The flags of a REQUEST. */
const TIME = 0x01;
const CREDITED = 0x02;
const TRACE = 0x04;

/** The length of the first byte and the id. */
const HEADER = 9;
