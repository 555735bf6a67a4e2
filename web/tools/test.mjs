// Builds the tests of the plain TypeScript and runs them with node's own test runner.
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const out = here("../node_modules/.tests");
rmSync(out, { recursive: true, force: true });
const tests = readdirSync(here("../test")).filter((name) => name.endsWith(".test.ts"));
await build({
  absWorkingDir: here(".."),
  entryPoints: tests.map((name) => `test/${name}`),
  outdir: out,
  bundle: true,
  platform: "node",
  format: "esm",
  outExtension: { ".js": ".mjs" },
  logLevel: "warning",
});
const ran = spawnSync(
  process.execPath,
  ["--test", "--test-reporter=tap", ...tests.map((name) => `${out}/${name.replace(/\.ts$/, ".mjs")}`)],
  { stdio: "inherit" },
);
process.exit(ran.status ?? 1);
