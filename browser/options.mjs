/**
 * The options of a socket.
 *
 * @module
 */

/**
 * The options of a socket. Times are in milliseconds, and may be `Infinity`. Defaults are those of
 * the Rust crate, if it has the option.
 *
 * @typedef {object} SocketOptions
 * @property {number} [connectTimeout] Limits the time until a WebSocket is open. Default: 10,000.
 * @property {number} [handshakeInterval] Limits the time of a ZMTP handshake. Default: 30,000.
 * @property {Uint8Array | string} [identity] Identifies a `Dealer` to a ROUTER. At most 255 bytes.
 *   Default: empty; the ROUTER generates one.
 * @property {number} [linger] Limits the time for which `close` and `disconnect` write queued
 *   messages. Default: 30,000.
 * @property {number} [maxMessageParts] Limits the parts of a received message. A remote that exceeds
 *   it is disconnected. Default: 65,536.
 * @property {number} [maxMessageSize] Limits the bytes of all parts of a received message. A remote
 *   that exceeds it is disconnected. The browser has already stored the part that exceeds it.
 *   Default: `Infinity`.
 * @property {number} [overflowBytes] The same as `overflowMessages`, in bytes. Default: 64 MiB.
 * @property {number} [overflowMessages] Limits the received messages that are queued for each remote
 *   if the browser cannot stop the remote: see `useWebSocketStream`. Default: 100,000.
 * @property {{ username: string, password: string }} [plain] Authenticates this socket by the
 *   mechanism PLAIN, which sends both as they are: use it over `wss`. Default: the mechanism NULL.
 * @property {number} [reconnectInterval] The first delay between attempts to connect, which doubles
 *   with each failure. Up to half of each delay is random. Default: 100.
 * @property {number} [reconnectIntervalMax] The longest delay. Default: 10,000.
 * @property {number} [recvHwm] The high-water mark of received messages for each remote: while this
 *   many are queued, the socket does not read from the remote. Default: 1,000.
 * @property {number} [sendHwm] The high-water mark of messages to send to each remote. Default: 1,000.
 * @property {boolean} [useWebSocketStream] Whether a `WebSocketStream` is used where the browser has
 *   one, as Chromium does. Only this can stop a remote while the application does not receive.
 *   Default: `true`.
 */

/** @typedef {Required<Omit<SocketOptions, "plain">> & Pick<SocketOptions, "plain">} AllOptions */

/**
 * @param {SocketOptions} options
 * @returns {AllOptions}
 */
export function withDefaults(options) {
  for (const name of Object.keys(options)) {
    if (name !== "plain" && !(name in DEFAULTS)) throw new TypeError(`unknown option: ${name}`);
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const all = /** @type {AllOptions} */ ({ ...DEFAULTS, ...Object.fromEntries(given) });
  for (const [name, value] of Object.entries(all)) {
    if (typeof value === "number" && !(value >= 0)) throw new RangeError(`${name} is ${value}`);
  }
  return all;
}

/**
 * Calls a function after a time, which may be `Infinity`.
 *
 * @param {() => void} callback
 * @param {number} milliseconds
 * @returns {ReturnType<typeof setTimeout> | undefined}
 */
export function after(milliseconds, callback) {
  // Browsers call immediately after more than 2^31 milliseconds.
  return milliseconds > 0x7fff_ffff ? undefined : setTimeout(callback, milliseconds);
}

/** @type {Required<Omit<SocketOptions, "plain">>} */
const DEFAULTS = {
  connectTimeout: 10_000,
  handshakeInterval: 30_000,
  identity: "",
  linger: 30_000,
  maxMessageParts: 0x1_0000,
  maxMessageSize: Infinity,
  overflowBytes: 0x400_0000,
  overflowMessages: 100_000,
  reconnectInterval: 100,
  reconnectIntervalMax: 10_000,
  recvHwm: 1_000,
  sendHwm: 1_000,
  useWebSocketStream: true,
};
