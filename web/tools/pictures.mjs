// Takes the pictures of docs/page.md with Chromium: `node tools/pictures.mjs 127.0.0.1:7717`, over a service in mode recommend with a
// plan that waits.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const base = `http://${process.argv[2] ?? "127.0.0.1:7717"}`;
const folder = fileURLToPath(new URL("../../docs/images", import.meta.url));
const ask = async (path) => (await fetch(`${base}/api/v1/${path}`)).json();

const profile = mkdtempSync(join(tmpdir(), "lepton-pictures-"));
const chromium = spawn(
  "chromium",
  ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe", `--user-data-dir=${profile}`],
  { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
);
const answers = new Map();
let rest = "";
let asked = 0;
chromium.stdio[4].on("data", (data) => {
  const messages = (rest + data).split("\0");
  rest = messages.pop();
  for (const message of messages.map((text) => JSON.parse(text))) answers.get(message.id)?.(message.result);
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

// The card of the first visit is put away.
await page("Page.enable", {});
await page("Page.addScriptToEvaluateOnNewDocument", { source: `localStorage.setItem("lepton-tour", '{"away":true}')` });

const { open_plan: plan } = await ask("status");
const { items: decisions } = await ask("decisions?limit=200");
const { items: nodes } = await ask("nodes?limit=1");
const telling = decisions.toSorted((a, b) => b.candidates.length + b.ruled_out.length - a.candidates.length - a.ruled_out.length);
const pictures = [
  ["page-now", "/", 1440, 900, "light"],
  ["page-whatif", `/whatif?drain=${nodes[0]?.name}`, 1440, 620, "light"],
  ["page-phone", "/", 380, 800, "light"],
  ["page-decision", `/decisions/${telling[0]?.id}`, 1440, 620, "light"],
  ["page-cluster", "/cluster", 1440, 900, "dark"],
  ["page-ledger", "/ledger", 1440, 620, "light"],
  ...(plan ? [["page-plan", `/plans/${plan}`, 1440, 900, "light"]] : []),
];
for (const [name, path, width, height, theme] of pictures) {
  await page("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
  await page("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: theme }] });
  await page("Page.navigate", { url: base + path });
  await new Promise((done) => setTimeout(done, 2500));
  const { data } = await page("Page.captureScreenshot", { format: "webp", quality: 82 });
  writeFileSync(join(folder, `${name}.webp`), Buffer.from(data, "base64"));
  console.log(`${name}: ${path}`);
}
chromium.kill();
chromium.on("exit", () => rmSync(profile, { recursive: true, force: true }));
