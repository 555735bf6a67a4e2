import assert from "node:assert/strict";
import { test } from "node:test";
import type { DecisionRow, NodeRow, TaskRow } from "../src/api.ts";
import { found } from "../src/find.ts";
import { standing, tally, waiting } from "../src/groups.ts";
import { area, nearest, path, scales } from "../src/lines.ts";

test("each waiting task counts under its one reason", () => {
  const task = (state: string, waits_for: string | null, submitted_seconds: number) =>
    ({ state, waits_for, submitted_seconds, devices: 2 }) as TaskRow;
  const groups = waiting(
    [task("waiting", "Quota", 50), task("waiting", "Quota", 10), task("waiting", null, 90), task("running", null, 0)],
    100,
  );
  assert.deepEqual(groups, [
    { code: "Quota", count: 2, devices: 4, longest: 90 },
    { code: "Undecided", count: 1, devices: 2, longest: 10 },
  ]);
});

test("only what was carried out counts as gained", () => {
  const row = (action: string, result: string | null) =>
    ({ action, result, gain_device_minutes: 10, cost_device_minutes: 1 }) as DecisionRow;
  const all = tally([row("migrate", "done"), row("place", "refused"), row("place", null), row("wait", null)]);
  assert.deepEqual(all, { done: 1, refused: 1, proposed: 1, gain: 10, cost: 1 });
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
