import assert from "node:assert/strict";
import { test } from "node:test";
import { type Cell, layout, moved, paint, under } from "../src/heat.ts";

const cells = (many: number, group = (_: number) => "") =>
  Array.from({ length: many }, (_, i): Cell => ({ name: `n${i}`, value: 0, mark: "", group: group(i) }));

test("ten thousand cells fit a wide screen", () => {
  const laid = layout(cells(10_000), 1340, 640);
  assert.equal(laid.cells.length, 10_000);
  assert.ok(laid.height <= 640 && laid.size >= 6, `${laid.height} ${laid.size}`);
});

test("few cells are as large as allowed", () => {
  assert.equal(layout(cells(4), 800, 400, 34).size, 34);
});

test("cells of a group stand together under its name", () => {
  const laid = layout(cells(6, (i) => (i % 2 ? "odd" : "even")), 400, 400);
  assert.deepEqual(laid.groups.map(({ name, count }) => [name, count]), [["even", 3], ["odd", 3]]);
  assert.deepEqual(laid.cells.map(({ index }) => index), [0, 2, 4, 1, 3, 5]);
});

test("the cell under a point is the one drawn there", () => {
  const laid = layout(cells(50), 300, 300);
  laid.cells.forEach(({ x, y }, at) => assert.equal(under(laid, x + 1, y + 1), at));
  assert.equal(under(laid, -5, 2), -1);
});

test("painted cells are where the layout says, each in its colour, and nothing is between them", () => {
  const laid = layout(cells(50), 300, 60, 12);
  const colours = laid.cells.map((_, place) => (place === 7 ? 0 : 1000 + place));
  for (const ratio of [1, 1.5, 2]) {
    const wide = 300 * ratio;
    const pixels = new Uint32Array(wide * Math.round((laid.height + 4) * ratio));
    paint(pixels, wide, laid, colours, ratio);
    const at = (x: number, y: number) => pixels[Math.floor(y * ratio) * wide + Math.floor(x * ratio)];
    laid.cells.forEach(({ x, y }, place) => {
      assert.equal(at(x + laid.size / 2, y + laid.size / 2), colours[place]);
      assert.equal(at(x + laid.size + laid.gap / 2, y + laid.size / 2), 0);
    });
    const painted = pixels.reduce((sum, pixel) => sum + (pixel ? 1 : 0), 0);
    if (Number.isInteger(ratio)) assert.equal(painted, 49 * (laid.size * ratio) ** 2);
  }
});

test("arrow keys reach every cell and stay on the map", () => {
  const laid = layout(cells(23), 120, 300);
  const { columns } = laid;
  assert.equal(moved(laid, 0, "ArrowRight"), 1);
  assert.equal(moved(laid, 0, "ArrowDown"), columns);
  assert.equal(moved(laid, columns, "ArrowUp"), 0);
  assert.equal(moved(laid, 0, "ArrowUp"), 0);
  assert.equal(moved(laid, 22, "ArrowRight"), 22);
  assert.equal(moved(laid, -1, "ArrowRight"), 0);
  assert.equal(moved(layout([], 100, 100), -1, "ArrowRight"), -1);
});
