import { Client, Requester, Sub, text } from "/module/zmtp.mjs";
import { KINDS, equal, next, rejected, step } from "/page/test.mjs";

export async function run() {
  for (const [, kind] of KINDS) {
    const options = { ...kind, reconnectInterval: 10, reconnectIntervalMax: 50 };
    const sub = new Sub(options);
    sub.subscribe("news");
    sub.subscribe("sport");
    sub.unsubscribe("sport");
    sub.connect("/publisher");
    const client = new Client(options);
    client.connect("/echo");
    const requester = new Requester(new Client(options));
    requester.socket.connect("/responder");
    await Promise.all([sub.connected(), client.connected(), requester.socket.connected()]);

    const inFlight = rejected(requester.call("sleep"));
    const disconnected = next(sub, "disconnected");
    await step("connected");
    const lost = await inFlight;
    equal([lost.name, lost.code], ["CallError", "connectionLost"]);
    equal([lost.isRetryable, lost.mayBeCarriedOut], [false, true]);
    const { error, delay, remote } = await disconnected;
    equal([error.code, remote.socketType, delay >= 5 && delay <= 10], ["disconnected", "PUB", true]);

    // Neither is lost: the call waits for a server, and the message is queued.
    const late = requester.call("late");
    await client.send("queued");
    const notSent = await rejected(requester.call("impatient", { timeout: 1 }));
    equal([notSent.code, notSent.mayBeCarriedOut], ["notSent", false]);
    const failed = await next(client, "connectfailed");
    equal(failed.error.code, "refused");
    await step("down");
    equal(text(await late), "late");
    equal(text(await client.recv()), "queued");
    await step("up");
    equal((await sub.recv()).map(text), ["news", "again"]);

    equal([sub, client].map((socket) => socket.stats().reconnects), [1, 1]);
    equal((await sub.close()).undelivered, 0);
    equal((await client.close()).undelivered, 0);
    await requester.close();
    const { sent, answered, connectionLost, neverSent } = requester.stats();
    equal([sent, answered, connectionLost, neverSent], [2, 1, 1, 1]);
  }
}
