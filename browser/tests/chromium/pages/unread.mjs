import { Client, Sub, text } from "/module/zmtp.mjs";
import { equal, next, step } from "/page/test.mjs";

export async function run() {
  await withBackPressure();
  await withoutBackPressure();
}

async function withBackPressure() {
  const sub = new Sub({ recvHwm: 10 });
  sub.subscribe("");
  sub.connect("/publisher");
  const client = new Client({ recvHwm: 10 });
  client.connect("/server");
  await Promise.all([sub.connected(), client.connected()]);
  await client.send("hello");
  const sent = Number(await step("unread with back-pressure"));
  const queued = () => [sub, client].map((socket) => socket.stats().queued.incoming);
  // At least as many messages are on the way to each.
  while (queued().some((messages) => messages < 10)) {
    await new Promise((resolve) => setTimeout(resolve));
  }
  equal(queued(), [10, 10]);
  for (let number = 0; number < sent; number += 1) {
    const body = await client.recv();
    equal(Number(new DataView(body.buffer, body.byteOffset).getBigUint64(0)), number);
  }
  // The publisher writes its queue while the page receives.
  let received = 0;
  const receiving = (async () => {
    for await (const _ of sub) received += 1;
  })();
  const expected = Number(await step("received"));
  while (received < expected) await new Promise((resolve) => setTimeout(resolve));
  equal(received, expected);
  equal(sub.stats().dropped.missed, 0);
  await Promise.all([sub.close(), client.close(), receiving]);
}

async function withoutBackPressure() {
  const options = { useWebSocketStream: false, overflowMessages: 100, reconnectInterval: 1 };
  const sub = new Sub(options);
  sub.subscribe("");
  sub.connect("/publisher");
  const client = new Client(options);
  client.connect("/server");
  await Promise.all([sub.connected(), client.connected()]);
  await client.send("hello");
  await step("unread without back-pressure");
  while (sub.stats().dropped.missed < 900) await new Promise((resolve) => setTimeout(resolve));
  equal([sub.stats().queued.incoming, sub.stats().received.messages], [100, 100]);

  const overflow = next(client, "disconnected");
  step("overflow");
  const { error, delay } = await overflow;
  equal([error.name, error.code, delay], ["ConnectionError", "overflow", undefined]);
  equal([client.stats().queued.incoming, client.stats().dropped.overflowed], [100, 1]);
  await client.send("again");
  for (let number = 0; number < 50; number += 1) {
    equal(client.stats().connected, 0);
    const body = await client.recv();
    equal(Number(new DataView(body.buffer, body.byteOffset).getBigUint64(0)), number);
  }
  for (let number = 50; number < 100; number += 1) equal(text(await client.recv()), "too much");
  equal(text(await client.recv()), "welcome back");
  await Promise.all([sub.close(), client.close()]);
}
