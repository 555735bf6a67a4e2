// Measures the page on a large cluster: `node tools/measure.mjs 127.0.0.1:7717 PID [MINUTES] [VIEWERS]`, over a running service whose process is
// PID. How long the tasks of the tab's main thread take, whether its memory grows, and what so many viewers cost the service.
import { readFileSync } from "node:fs";
import http from "node:http";
import { open, sleep } from "./chromium.mjs";

const [address = "127.0.0.1:7717", pid = "", minutes = "10", viewers = "200"] = process.argv.slice(2);
const [host, port] = address.split(":");
const base = `http://${address}`;
/** Tasks of a beat may take so long, milliseconds. */
const [REDRAW_MS, LONG_MS] = [16, 50];
const WINDOW_S = 30;
const TICKS_PER_SECOND = 100;

const status = async () => (await fetch(`${base}/api/v1/status`)).json();

/** Processor time of the service, seconds: fields 14 and 15 of its line. */
function cpuSeconds() {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Share of one core that the service takes over a window, and the turns in it. */
async function share() {
  const [before, from, began] = [cpuSeconds(), await status(), performance.now()];
  await sleep(WINDOW_S * 1000);
  const seconds = (performance.now() - began) / 1000;
  return { core: (cpuSeconds() - before) / seconds, turns: ((await status()).turn - from.turn) / seconds };
}

/** So many viewers of the stream; `bytes()` tells what they were sent. */
function look(many) {
  let bytes = 0;
  const agent = new http.Agent({ maxSockets: many });
  const requests = Array.from({ length: many }, () =>
    http.get({ host, port, path: "/api/v1/stream", agent }, (answer) => answer.on("data", (piece) => (bytes += piece.length))),
  );
  requests.forEach((request) => request.on("error", () => {}));
  return { bytes: () => bytes, end: () => requests.forEach((request) => request.destroy()) };
}

const row = (...cells) => console.log(`| ${cells.join(" | ")} |`);
const percent = (share) => `${(100 * share).toFixed(1)}%`;
const quantile = (values, of) => values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(of * values.length) - 1)] ?? 0;

const { nodes, running, waiting } = await status();
console.log(`${nodes} nodes, ${running + waiting} tasks\n`);

if (pid) {
  const alone = await share();
  const crowd = look(Number(viewers));
  await sleep(3000);
  const [before, began] = [crowd.bytes(), performance.now()];
  const seen = await share();
  const rate = (crowd.bytes() - before) / ((performance.now() - began) / 1000);
  crowd.end();
  row("viewers", "turns a second", "share of a core", "sent");
  row("---", "---", "---", "---");
  row("none", alone.turns.toFixed(2), percent(alone.core), "");
  row(viewers, seen.turns.toFixed(2), percent(seen.core), `${(rate / 1e6).toFixed(2)} MB/s`);
  row("the viewers alone", "", percent(seen.core - alone.core), "");
  console.log("");
}

const chromium = await open();
const { page } = chromium;
await page("Emulation.setDeviceMetricsOverride", { width: 1440, height: 900, deviceScaleFactor: 1, mobile: false });

/** Lengths of the tasks of the tab's main thread while something is done, milliseconds. */
async function tasks(seconds, during = async () => {}) {
  const events = [];
  const ended = new Promise((done) => chromium.on("Tracing.tracingComplete", done));
  chromium.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  await page("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories: ["toplevel", "disabled-by-default-devtools.timeline", "blink.user_timing"] } });
  const until = performance.now() + seconds * 1000;
  await during();
  await sleep(Math.max(0, until - performance.now()));
  await page("Tracing.end", {});
  await ended;
  const main = events.find((event) => event.name === "thread_name" && event.args?.name === "CrRendererMain");
  const own = (event) => event.ph === "X" && event.pid === main?.pid && event.tid === main?.tid;
  return events.filter((event) => own(event) && event.name.endsWith("RunTask")).map((event) => (event.tdur ?? event.dur) / 1000);
}

/** Moves the pointer over the map, which draws the frame of a cell anew each time. */
async function point() {
  for (let x = 100; x < 900; x += 10) {
    await page("Input.dispatchMouseEvent", { type: "mouseMoved", x, y: 320 });
    await sleep(20);
  }
}

/** Shows another measure: all cells get another colour at once. */
async function recolour() {
  for (const measure of ["used", "peak", "promised", "devices", "used", "peak"]) {
    await chromium.eval(`(() => {
      const select = [...document.querySelectorAll("main select")].find((one) => [...one.options].some((of) => of.value === "peak"));
      select.value = "${measure}";
      select.dispatchEvent(new Event("change", { bubbles: true }));
    })()`);
    await sleep(1200);
  }
}

row("view, while", "tasks of 1 ms and more", "median", "99 in 100", "longest", `above ${REDRAW_MS} ms`, `above ${LONG_MS} ms`);
row("---", "---", "---", "---", "---", "---", "---");
for (const [path, what, during] of [
  ["/", "turns come", undefined],
  ["/", "the pointer moves over the map", point],
  ["/", "the measure is changed", recolour],
  ["/cluster", "turns come", undefined],
  ["/forecast", "turns come", undefined],
]) {
  await page("Page.navigate", { url: base + path });
  for (let tries = 0; tries < 100 && !(await chromium.eval('!!document.querySelector("main canvas, main svg")')); tries += 1) await sleep(200);
  await sleep(8000);
  const took = (await tasks(20, during)).filter((ms) => ms >= 1);
  const above = (ms) => took.filter((one) => one > ms).length;
  row(`${path}, ${what}`, took.length, `${quantile(took, 0.5).toFixed(1)} ms`, `${quantile(took, 0.99).toFixed(1)} ms`, `${quantile(took, 1).toFixed(1)} ms`, above(REDRAW_MS), above(LONG_MS));
}

console.log("");
await page("Page.navigate", { url: `${base}/` });
await sleep(20_000);
await page("HeapProfiler.enable", {});
const heap = async () => {
  await page("HeapProfiler.collectGarbage", {});
  return (await page("Runtime.getHeapUsage", {})).usedSize / 1e6;
};
row("minutes", "memory of the tab", "elements", "turn");
row("---", "---", "---", "---");
const steps = 6;
for (let step = 0; step <= steps; step += 1) {
  const elements = await chromium.eval("document.querySelectorAll('*').length");
  row(((step * Number(minutes)) / steps).toFixed(1), `${(await heap()).toFixed(1)} MB`, elements, (await status()).turn);
  if (step < steps) await sleep((Number(minutes) * 60_000) / steps);
}
chromium.close();
