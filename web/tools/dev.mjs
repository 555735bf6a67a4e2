// For work on the page: `npm run dev -- 127.0.0.1:7717` builds at each change and serves the page on port 7718, with the
// interface of the running service behind it.
import { spawnSync } from "node:child_process";
import { readFileSync, watch } from "node:fs";
import http from "node:http";
import { fileURLToPath } from "node:url";

const [host, port] = (process.argv[2] ?? "127.0.0.1:7717").split(":");
const own = Number(process.argv[3] ?? 7718);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const files = { "app.js": "text/javascript", "app.css": "text/css", "icon.svg": "image/svg+xml" };
const built = (name) => readFileSync(here(`../../app/assets/page/${name}`));

let timer;
const rebuild = () => spawnSync(process.execPath, [here("build.mjs")], { stdio: "inherit" });
watch(here("../src"), { recursive: true }, () => {
  clearTimeout(timer);
  timer = setTimeout(rebuild, 100);
});
rebuild();

http
  .createServer((request, answer) => {
    const path = request.url.split("?")[0];
    const name = path.startsWith("/page/") ? path.slice(6) : "";
    if (files[name]) return answer.writeHead(200, { "content-type": files[name] }).end(built(name));
    if (!/^\/(api|livez|readyz|metrics)/.test(path)) {
      return answer.writeHead(200, { "content-type": "text/html" }).end(built("index.html"));
    }
    const headers = { ...request.headers, host: `${host}:${port}` };
    delete headers.origin;
    const there = http.request({ host, port, path: request.url, method: request.method, headers }, (from) => {
      answer.writeHead(from.statusCode, from.headers);
      from.pipe(answer);
    });
    there.on("error", () => answer.writeHead(502).end());
    request.pipe(there);
    answer.on("close", () => there.destroy());
  })
  .listen(own, "127.0.0.1", () => console.log(`the page: http://127.0.0.1:${own}`));
