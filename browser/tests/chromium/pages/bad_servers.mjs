import { Client, Sub } from "/module/zmtp.mjs";
import { KINDS, equal, next } from "/page/test.mjs";

export async function run() {
  for (const [, kind] of KINDS) {
    const options = { ...kind, reconnectInterval: 10, reconnectIntervalMax: 1_000 };
    for (const endpoint of ["/absent", "/other", "/plain"]) {
      await refused(endpoint, options);
    }
    for (const [endpoint, type] of [
      ["/raw/text", "connectfailed"],
      ["/raw/empty", "connectfailed"],
      ["/raw/message", "connectfailed"],
      ["/raw/metadata", "connectfailed"],
      ["/raw/flags", "disconnected"],
    ]) {
      const { error, delay } = await failure(type, new Client(options), endpoint);
      equal([endpoint, error.code, delay >= 500 && delay <= 1_000], [endpoint, "protocol", true]);
    }
    for (const [endpoint, socket] of [["/raw/type", new Client(options)], ["/server", new Sub(options)]]) {
      const { error, delay } = await failure("connectfailed", socket, endpoint);
      equal([endpoint, error.code, delay >= 500], [endpoint, "incompatible", true]);
    }
    const denied = await failure("connectfailed", new Client(options), "/raw/error");
    equal([denied.error.code, denied.error.message, denied.delay], ["rejected", "go away", undefined]);
    const occupied = await failure("connectfailed", new Client(options), "/raw/occupied");
    equal([occupied.error.code, occupied.delay <= 10], ["rejected", true]);
    const limits = { ...options, maxMessageSize: 10, maxMessageParts: 3 };
    for (const endpoint of ["/raw/large", "/raw/parts"]) {
      const { error, delay } = await failure("disconnected", new Client(limits), endpoint);
      equal([endpoint, error.code, delay >= 500], [endpoint, "tooLarge", true]);
    }
    const { error } = await failure("disconnected", new Client(options), "/raw/close");
    equal([error.code, error.closeCode, error.closeReason], ["disconnected", 1011, "maintenance"]);
    const silent = new Client({ ...options, handshakeInterval: 50 });
    equal((await failure("connectfailed", silent, "/raw/silent")).error.code, "timedOut");
  }
}

/** The delay doubles, and up to half of it is random. */
async function refused(endpoint, options) {
  const client = new Client(options);
  client.connect(endpoint);
  for (const longest of [10, 20, 40]) {
    const { error, delay } = await next(client, "connectfailed");
    equal([error.code, delay >= longest / 2 && delay <= longest], ["refused", true]);
  }
  await client.close();
}

async function failure(type, socket, endpoint) {
  const failed = next(socket, type);
  socket.connect(endpoint);
  const event = await failed;
  equal(socket.remotes.length, 0);
  await socket.close();
  return event;
}
