import { Sub } from "/module/zmtp.mjs";
import { equal, step } from "/page/test.mjs";

export async function run() {
  const { sockets, messages } = JSON.parse(await step("size"));
  const subs = Array.from({ length: sockets }, () => new Sub());
  for (const sub of subs) {
    sub.subscribe("");
    sub.connect("/publisher");
  }
  await Promise.all(subs.map((sub) => sub.connected()));
  const receiving = subs.map(async (sub, index) => {
    for (let number = 0; number < messages; number += 1) {
      const [body] = await sub.recv();
      equal(new DataView(body.buffer, body.byteOffset).getUint32(0), number);
      if (index === 0 && (number + 1) % 1_000 === 0) await step("progress");
    }
  });
  await step("connected");
  await Promise.all(receiving);
  for (const sub of subs) {
    const { received, dropped, reconnects } = sub.stats();
    equal([received.messages, dropped.missed, reconnects], [messages, 0, 0]);
  }
  await Promise.all(subs.map((sub) => sub.close()));
}
