/**
 * What the pages of tests share.
 *
 * @module
 */

/**
 * Reports a step to the test; returns the answer.
 *
 * @param {string} name
 * @param {unknown} [body]
 * @returns {Promise<string>}
 */
export async function step(name, body = "") {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(`/step/${name}`, { method: "POST", body: text });
  return response.text();
}

/**
 * Reports a step, and blocks the page until the answer.
 *
 * @param {string} name
 */
export function stepBlocking(name) {
  const request = new XMLHttpRequest();
  request.open("POST", `/step/${name}`, false);
  request.send("");
}

/** @param {unknown} error */
export function fail(error) {
  return step("failed", error instanceof Error ? `${error.stack}` : String(error));
}

/**
 * @param {unknown} actual
 * @param {unknown} expected
 */
export function equal(actual, expected) {
  if (actual === expected) return;
  const [one, other] = [actual, expected].map((value) => JSON.stringify(value));
  if (one !== other) throw new Error(`${one} instead of ${other}`);
}

/**
 * Returns the error of a promise, which must be rejected.
 *
 * @param {Promise<unknown>} promise
 * @returns {Promise<any>}
 */
export async function rejected(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("no error");
}

/**
 * Returns the next event of a type.
 *
 * @param {EventTarget} target
 * @param {string} type
 * @returns {Promise<any>}
 */
export function next(target, type) {
  return new Promise((resolve) => target.addEventListener(type, resolve, { once: true }));
}

/** The kinds of WebSockets, and the options that select them. */
export const KINDS = /** @type {const} */ ([
  ["stream", { useWebSocketStream: true }],
  ["socket", { useWebSocketStream: false }],
]);

for (const level of /** @type {const} */ (["error", "warn", "log"])) {
  const print = console[level];
  console[level] = (...values) => {
    print(...values);
    fetch("/console", { method: "POST", body: `${level}: ${values.join(" ")}` });
  };
}
