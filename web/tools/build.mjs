// Builds the files that the binary carries, under fixed names: app.js, app.css, index.html, icon.svg.
// With a folder as argument it builds there, which is how the committed files are checked.
import { build } from "esbuild";
import { copyFileSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const out = process.argv[2] ?? here("../../app/assets/page");

mkdirSync(out, { recursive: true });
await build({
  absWorkingDir: here(".."),
  entryPoints: { app: "src/main.tsx" },
  outdir: out,
  bundle: true,
  minify: true,
  charset: "utf8",
  format: "esm",
  target: ["es2022", "chrome111", "firefox113", "safari16.4"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "eof",
  banner: {
    js: "/* The page of Lepton (Apache-2.0), with Preact and Preact Signals (MIT). Built from web/. */",
    css: "/* The page of Lepton (Apache-2.0). Built from web/. */",
  },
  logLevel: "warning",
});
for (const name of ["index.html", "icon.svg"]) copyFileSync(here(`../src/${name}`), `${out}/${name}`);
