// Takes the pictures of docs/page.md with Chromium: `node tools/pictures.mjs 127.0.0.1:7717`, over a service in mode recommend with a
// plan that waits.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { open, sleep } from "./chromium.mjs";

const base = `http://${process.argv[2] ?? "127.0.0.1:7717"}`;
const folder = fileURLToPath(new URL("../../docs/images", import.meta.url));
const ask = async (path) => (await fetch(`${base}/api/v1/${path}`)).json();

const chromium = await open();
const { page } = chromium;

// The card of the first visit is put away.
await page("Page.addScriptToEvaluateOnNewDocument", { source: `localStorage.setItem("lepton-tour", '{"away":true}')` });

const { open_plan: plan } = await ask("status");
const { items: decisions } = await ask("decisions?limit=200");
const { items: nodes } = await ask("nodes?limit=1");
const rule = (of) => of.ruled_out.toSorted((a, b) => b.nodes - a.nodes)[0]?.rule ?? "";
const telling = decisions.toSorted((a, b) => b.candidates.length + b.ruled_out.length - a.candidates.length - a.ruled_out.length);
const pictures = [
  // First, while it waits.
  ...(plan ? [["page-plan", `/plans/${plan}`, 1440, 900, "light"]] : []),
  ["page-now", "/", 1440, 900, "light"],
  ["page-whatif", `/cluster/${nodes[0]?.name}?whatif=drain%3D${nodes[0]?.name}`, 1440, 900, "light"],
  ["page-phone", "/", 380, 800, "light"],
  ["page-decision", `/decisions/${telling[0]?.id}?rule=${telling[0] ? rule(telling[0]) : ""}`, 1440, 700, "light"],
  ["page-cluster", "/cluster", 1440, 900, "dark"],
  ["page-ledger", "/ledger", 1440, 620, "light"],
  ["page-forecast", "/forecast", 1440, 900, "light"],
  ["page-policies", "/policies", 1440, 620, "light"],
  ["page-system", "/system", 1440, 900, "dark"],
];
for (const [name, path, width, height, theme] of pictures) {
  await page("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
  await page("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: theme }] });
  await page("Page.navigate", { url: base + path });
  await sleep(2500);
  const { data } = await page("Page.captureScreenshot", { format: "webp", quality: 82 });
  writeFileSync(join(folder, `${name}.webp`), Buffer.from(data, "base64"));
  console.log(`${name}: ${path}`);
}
chromium.close();
