import { CallError, Client, Dealer, ErrorCode, Requester, Sub, text } from "/module/zmtp.mjs";
import { KINDS, equal, next, rejected, step } from "/page/test.mjs";

export async function run() {
  for (const [kind, options] of KINDS) {
    await clients(options);
    await dealers({ ...options, identity: kind });
    await subs(options);
    await calls(new Client(options), "/responder");
    await calls(new Dealer(options), "/rep");
    await plain(options);
  }
}

async function clients(options) {
  const client = new Client(options);
  const connected = next(client, "connected");
  client.connect("/echo");
  equal((await connected).remote.socketType, "SERVER");
  equal(client.remotes.length, 1);
  equal(client.tryRecv(), undefined);
  for (const size of [0, 1, 124, 125, 126, 65_534, 65_535, 65_536, 1_000_000]) {
    const body = Uint8Array.from({ length: size }, (_, at) => at % 251);
    await client.send(body);
    const reply = await client.recv();
    equal(reply.length, size);
    equal(reply.every((byte, at) => byte === at % 251), true);
  }
  // An aborted receive takes no message.
  const aborted = rejected(client.recv({ signal: AbortSignal.abort("enough") }));
  equal(await aborted, "enough");
  // Sends and receives concurrently: otherwise the queues of both directions would fill.
  const sending = (async () => {
    for (let number = 0; number < 5_000; number += 1) await client.send(`number ${number}`);
  })();
  let number = 0;
  for await (const reply of client) {
    equal(text(reply), `number ${number}`);
    number += 1;
    if (number === 5_000) break;
  }
  await sending;
  const { sent, received, queued } = client.stats();
  equal([sent.messages, received.messages, queued], [5_009, 5_009, { outgoing: 0, incoming: 0 }]);
  const waiting = rejected(client.recv());
  equal(await client.close(), { undelivered: 0 });
  equal((await waiting).name, "ClosedError");
  equal((await rejected(client.send("late"))).name, "ClosedError");
}

async function dealers(options) {
  const dealer = new Dealer(options);
  dealer.connect("/router");
  await dealer.send(["first", "", "last"]);
  equal((await dealer.recv()).map(text), [options.identity, "first", "", "last"]);
  await dealer.send("alone");
  equal((await dealer.recv()).map(text), [options.identity, "alone"]);
  await dealer.close();
}

async function subs(options) {
  const sub = new Sub(options);
  sub.subscribe("before");
  sub.connect("/publisher");
  await sub.connected();
  sub.subscribe("after");
  sub.subscribe("never");
  sub.unsubscribe("never");
  await step("subscribed");
  equal((await sub.recv()).map(text), ["before", "1"]);
  equal((await sub.recv()).map(text), ["after that", "2"]);
  await sub.close();
}

async function calls(socket, endpoint) {
  socket.connect(endpoint);
  const requester = new Requester(socket, { streamWindow: 4 });
  const numbers = Array.from({ length: 100 }, (_, number) => `number ${number}`);
  const replies = await Promise.all(numbers.map((number) => requester.call(number)));
  equal(replies.map(text), numbers);

  const failed = await rejected(requester.call("fail"));
  equal([failed instanceof CallError, failed.code, failed.message], [true, "failed", "as you wish"]);
  equal([failed.errorCode, failed.detail], [ErrorCode.APPLICATION, 42]);
  equal([failed.isRetryable, failed.mayBeCarriedOut], [false, true]);

  const remaining = Number(text(await requester.call("time", { timeout: 1_000_000 })));
  equal(remaining > 0 && remaining <= 1_000_000, true);
  const late = await rejected(requester.call("sleep", { timeout: 1 }));
  equal(["deadlineExceeded", "notSent"].includes(late.code), true);

  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const trace = await requester.call("trace", { traceparent, tracestate: "a=b" });
  equal(text(trace), `${traceparent} a=b`);

  const cancel = new AbortController();
  const cancelled = rejected(requester.call("sleep until cancelled", { signal: cancel.signal }));
  await step("sleeping");
  cancel.abort("not needed");
  equal(await cancelled, "not needed");
  await step("cancelled");

  let parts = 0;
  for await (const part of requester.stream("count 1000")) {
    equal(text(part), String(parts));
    parts += 1;
  }
  equal(parts, 1_000);
  for await (const part of requester.stream("count 1000")) if (text(part) === "7") break;
  equal((await rejected(requester.call("count 2"))).errorCode, ErrorCode.STREAMED);

  const open = rejected(requester.call("sleep"));
  await requester.call("last");
  await requester.close();
  equal((await open).code, "closed");
  const stats = requester.stats();
  equal([stats.outstanding, stats.failed, stats.cancelled, stats.closed], [0, 2, 2, 1]);
  const outcomes = stats.answered + stats.failed + stats.deadlineExceeded + stats.cancelled + stats.closed;
  equal(stats.sent, outcomes);
}

async function plain(options) {
  const client = new Client({ ...options, plain: { username: "ada", password: "secret" } });
  client.connect("/plain");
  await client.send("hello");
  equal(text(await client.recv()), "hello ada");
  await client.close();

  const wrong = new Client({ ...options, plain: { username: "ada", password: "guess" } });
  const failed = next(wrong, "connectfailed");
  wrong.connect("/plain");
  const { error, delay } = await failed;
  equal([error.name, error.code, delay], ["ConnectionError", "rejected", undefined]);
  await wrong.close();
}
