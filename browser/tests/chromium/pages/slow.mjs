import { Sub, text } from "/module/zmtp.mjs";
import { KINDS, equal, step, stepBlocking } from "/page/test.mjs";

export async function run() {
  for (const [, options] of KINDS) {
    const sub = new Sub(options);
    sub.subscribe("");
    sub.connect("/publisher");
    await sub.connected();
    let last = -1;
    let received = 0;
    const receiving = (async () => {
      for await (const [number, , isLast] of sub) {
        equal(Number(text(number)) > last, true);
        last = Number(text(number));
        received += 1;
        if (text(isLast) === "last") return;
      }
    })();
    // The script is blocked until the test has published more than all queues can hold.
    stepBlocking("blocked");
    await receiving;
    equal(sub.stats().dropped.missed, 0);
    await step("received", received);
    await sub.close();
  }
}
