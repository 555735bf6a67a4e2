import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { RAMP, toLab } from "../src/scale.ts";

/** What the page and the reports share. */
const css = readFileSync(new URL("../../../sim/src/report/tokens.css", import.meta.url), "utf8");
const TONES = ["good", "warn", "bad", "info", "quiet"];
/** Matrices over linear RGB for people without one kind of cone: Machado, Oliveira and Fernandes, IEEE TVCG 15(6), 2009, severity 1. */
const VISIONS: Record<string, number[]> = {
  "with all cones": [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
};
/** Least distance in OKLab: four times what is just told apart side by side. */
const APART = 0.08;

const linear = (v: number) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
const coded = (v: number) => 255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055);

/** A colour of the style sheet in both themes, as red, green and blue from 0 to 255. */
function colours(css: string, name: string): number[][] {
  const found = new RegExp(`--${name}: light-dark\\(#([0-9a-f]{6}), #([0-9a-f]{6})\\)`).exec(css);
  assert.ok(found, `--${name} has a colour in each theme`);
  return [found[1]!, found[2]!].map((hex) => [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)));
}

function seen(rgb: number[], by: number[]): number[] {
  const [r, g, b] = rgb.map(linear) as [number, number, number];
  return [0, 3, 6].map((row) => coded(Math.min(1, Math.max(0, by[row]! * r + by[row + 1]! * g + by[row + 2]! * b))));
}

test("the colours of the states stay apart for people with three, and with any two, kinds of cones", () => {
  for (const [vision, matrix] of Object.entries(VISIONS)) {
    for (const theme of [0, 1]) {
      const shown = TONES.map((tone) => toLab(seen(colours(css, tone)[theme]!, matrix) as [number, number, number]));
      TONES.forEach((one, i) =>
        TONES.slice(i + 1).forEach((other, j) => {
          const distance = Math.hypot(...shown[i]!.map((v, k) => v - shown[i + 1 + j]![k]!));
          assert.ok(distance >= APART, `${one} and ${other}, ${["light", "dark"][theme]}, ${vision}: ${distance.toFixed(3)}`);
        }),
      );
    }
  }
});

test("the ramp of the map is the one of the report pages", () => {
  RAMP.light.forEach((_, stop) => {
    const [light, dark] = colours(css, `heat${stop}`);
    assert.deepEqual([light, dark], [RAMP.light[stop], RAMP.dark[stop]]);
  });
});

test("the charts of the report pages are drawn in the colours that the page has too", () => {
  const page = readFileSync(new URL("../../src/app.css", import.meta.url), "utf8");
  const reports = readFileSync(new URL("../../../sim/src/report/theme.css", import.meta.url), "utf8");
  assert.ok(page.startsWith('@import "../../sim/src/report/tokens.css";'));
  for (const sheet of [page, reports]) assert.doesNotMatch(sheet, /--(paper|ink|soft|rule|accent|c\d|heat\d|sans|mono):/, "no colour or type of its own");
});
