// A headless Chromium, told what to do through a pipe: what the tools that look at the page share.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Opens one with an empty tab: `page(method, params)` tells the tab, `on(method, heard)` hears it, `close()` ends both. */
export async function open() {
  const profile = mkdtempSync(join(tmpdir(), "lepton-chromium-"));
  const chromium = spawn(
    "chromium",
    ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe", `--user-data-dir=${profile}`],
    { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
  );
  const answers = new Map();
  const listeners = new Map();
  let rest = "";
  let asked = 0;
  chromium.stdio[4].on("data", (data) => {
    const messages = (rest + data).split("\0");
    rest = messages.pop();
    for (const message of messages.map((text) => JSON.parse(text))) {
      answers.get(message.id)?.(message.result);
      answers.delete(message.id);
      listeners.get(message.method)?.(message.params);
    }
  });
  const send = (method, params = {}, sessionId = undefined) =>
    new Promise((done) => {
      asked += 1;
      answers.set(asked, done);
      chromium.stdio[3].write(`${JSON.stringify({ id: asked, method, params, sessionId })}\0`);
    });
  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const page = (method, params) => send(method, params, sessionId);
  await page("Page.enable", {});
  return {
    page,
    on: (method, heard) => listeners.set(method, heard),
    eval: async (expression) => (await page("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true })).result?.value,
    close: () => {
      chromium.on("exit", () => rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
      chromium.kill();
    },
  };
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
