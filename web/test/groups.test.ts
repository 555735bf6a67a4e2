import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeRow, TurnFigures } from "../src/api.ts";
import { found } from "../src/find.ts";
import { deeds, highest, quantile, standing } from "../src/groups.ts";
import { area, nearest, path, scales } from "../src/lines.ts";

test("what turns did is added up", () => {
  const none = { places: 0, moves: 0, preemptions: 0, drains: 0, reopened: 0, refused: 0, gain_device_minutes: 0, cost_device_minutes: 0 };
  const turn = (done: object) => ({ done: { ...none, ...done } }) as TurnFigures;
  const all = deeds([turn({ moves: 2, gain_device_minutes: 10 }), turn({ places: 1, gain_device_minutes: 2.5 })]);
  assert.deepEqual(all, { ...none, moves: 2, places: 1, gain_device_minutes: 12.5 });
});

test("a quantile is one of the values", () => {
  assert.equal(quantile([5, 1, 3, 4, 2], 0.5), 3);
  assert.equal(quantile([5, 1, 3, 4, 2], 0.99), 5);
  assert.equal(quantile([], 0.5), 0);
});

test("a node that is down is not called hot", () => {
  const node = (state: string, used: number, failure_probability = 0) => ({ state, used, failure_probability }) as NodeRow;
  assert.equal(standing(node("down", 0.9), 0.8), "down");
  assert.equal(standing(node("up", 0.9), 0.8), "hot");
  assert.equal(standing(node("up", 0.9, 0.7), 0.8), "likely to fail");
  assert.equal(standing(node("up", 0.2), 0.8), "up");
});

test("a search finds by the beginning, by the end of a number, and commands", () => {
  const names = { nodes: ["node-000001", "node-000012"], tasks: ["task-000012"], plans: ["p12"], decisions: ["d12-1"] };
  assert.equal(found("p12", names)[0]!.address, "/plans/p12");
  assert.deepEqual(found("12", names).slice(0, 3).map((hit) => hit.label), ["p12", "node-000012", "task-000012"]);
  assert.equal(found("dark", names)[0]!.theme, "dark");
  assert.equal(found("zzz", names).length, 0);
});

const FRAME = { width: 440, height: 120, left: 36, right: 4, top: 6, bottom: 18 };

test("a line breaks where a value is missing", () => {
  const s = scales([0, 60, 120, 180], [[0, 1, null, 1]], FRAME, 1);
  assert.equal(path([0, 60, 120, 180], [0, 1, null, 1], s), "M36.0,102.0L169.3,6.0M436.0,6.0");
});

test("a fan needs both its edges", () => {
  const s = scales([0, 60, 120], [[1, 1, 1]], FRAME, 1);
  assert.equal(area([0, 60, 120], [1, 1, null], [0, null, 0], s), "");
  assert.ok(area([0, 60, 120], [1, 1, 1], [0.5, 0.5, 0.5], s).endsWith("Z"));
});

test("the nearest moment is found", () => {
  const times = [0, 900, 1800];
  const s = scales(times, [[1, 1, 1]], FRAME, 1);
  assert.equal(nearest(times, s.x(1000), s), 1);
  assert.equal(nearest([], 3, s), -1);
});

test("the highest are those that a stable sort puts first", () => {
  const rows = Array.from({ length: 300 }, (_, i) => ({ name: i, value: (i * 7919) % 41 }));
  const sorted = rows.toSorted((a, b) => b.value - a.value);
  for (const many of [1, 8, 299, 300, 400]) assert.deepEqual(highest(rows, (row) => row.value, many), sorted.slice(0, many));
});
