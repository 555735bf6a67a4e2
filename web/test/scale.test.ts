import assert from "node:assert/strict";
import { test } from "node:test";
import { type Theme, change, css, fills, inkOn, ramp, ticks, toLab } from "../src/scale.ts";

const THEMES: Theme[] = ["light", "dark"];
const EVEN = Array.from({ length: 21 }, (_, i) => i / 20);

test("lightness changes in one direction and in even steps, so the ramp needs no colour vision", () => {
  for (const theme of THEMES) {
    const lightness = EVEN.map((share) => toLab(ramp(share, theme))[0]);
    const steps = lightness.slice(1).map((l, i) => l - lightness[i]!);
    assert.ok(steps.every((step) => Math.sign(step) === Math.sign(steps[0]!)), `${theme} ${steps}`);
    const sizes = steps.map(Math.abs);
    assert.ok(Math.max(...sizes) < 2.5 * Math.min(...sizes), `${theme} ${sizes}`);
  }
});

test("what is beyond the ends has the colour of the end", () => {
  assert.deepEqual(ramp(7, "light"), ramp(1, "light"));
  assert.deepEqual(ramp(Number.NaN, "light"), ramp(0, "light"));
  assert.deepEqual(change(-9, "dark"), change(-1, "dark"));
});

test("more and less differ in lightness-free terms too: blue against orange", () => {
  for (const theme of THEMES) {
    const [, , less] = toLab(change(-0.6, theme));
    const [, , more] = toLab(change(0.6, theme));
    assert.ok(less > 0.03 && more < -0.03, `${theme} ${less} ${more}`);
  }
});

function luminance(rgb: readonly number[]): number {
  const [r, g, b] = rgb.map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

test("a mark on any cell has three times its contrast (WCAG 1.4.11)", () => {
  for (const theme of THEMES) {
    for (const share of EVEN) {
      const ground = ramp(share, theme);
      const ink = inkOn(ground) === "#ffffff" ? [255, 255, 255] : [16, 21, 27];
      const [a, b] = [luminance(ground), luminance(ink)].sort((x, y) => y - x) as [number, number];
      assert.ok((a + 0.05) / (b + 0.05) >= 3, `${theme} ${share}`);
    }
  }
});

test("what is looked up is what is mixed", () => {
  for (const theme of THEMES) {
    for (const share of [0, 0.25, 0.5, 1]) {
      assert.equal(fills(theme, false)(share).fill, css(ramp(share, theme)));
      assert.equal(fills(theme, false)(share).ink, inkOn(ramp(share, theme)));
      assert.equal(fills(theme, true)(-share).fill, css(change(-share, theme)));
    }
  }
});

test("ticks are round and reach the largest value", () => {
  assert.deepEqual(ticks(1, 2), [0, 0.5, 1]);
  assert.deepEqual(ticks(17), [0, 5, 10, 15, 20]);
  assert.deepEqual(ticks(0), [0]);
});
