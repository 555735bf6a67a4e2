import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeRow, PartRow, PlanBody, TaskRow } from "../src/api.ts";
import { changed, effects, headline, reasons, sum, summary, toggled } from "../src/plan.ts";

const node = (name: string, devices: number, held: number) => ({ name, devices, devices_held: held / devices }) as NodeRow;
const task = (name: string, devices: number, on: string | null) => ({ name, devices, node: on }) as TaskRow;

function part(key: string, actions: PartRow["actions"], after: string[] = []): PartRow {
  const steps = actions.map((a) => `${a.action} ${a.task ?? a.to}`);
  return { key, actions, after, steps, reason: "StrandedCapacity", gain_device_minutes: 100, cost_device_minutes: 3 };
}

const move = (name: string, from: string, to: string) => ({ action: "migrate", task: name, from, to });
const place = (name: string, to: string) => ({ action: "place", task: name, from: null, to });

test("a move takes from one node what it gives to another", () => {
  const parts = [part("1.0", [move("t1", "a", "b"), place("t2", "a")])];
  const rows = effects(parts, [node("a", 8, 8), node("b", 8, 2)], [task("t1", 4, "a"), task("t2", 8, null)]);
  assert.deepEqual(rows.map(({ node, before, after }) => [node, before, after]), [["a", 8, 12], ["b", 2, 6]]);
  assert.deepEqual(rows[0]!.leaves, ["t1"]);
  assert.deepEqual(rows[0]!.arrives, ["t2"]);
});

test("a closed node is told as closed", () => {
  const [row] = effects([part("1.0", [{ action: "cordon", task: null, from: null, to: "a" }])], [node("a", 8, 8)], []);
  assert.equal(row!.closes, true);
  assert.equal(row!.after, 8);
});

test("the headline says all that is done", () => {
  const parts = [part("1.0", [move("t1", "a", "b"), move("t3", "a", "c"), place("t2", "a")])];
  assert.equal(headline(summary(parts)), "Starts 1 waiting task and moves 2 tasks: frees stranded devices");
  assert.equal(headline(summary([])), "Does nothing");
  assert.equal(sum(summary([...parts, ...parts])).gain, 200);
  assert.deepEqual(reasons(summary(parts)), [{ code: "StrandedCapacity", steps: 3 }]);
});

test("a plan in another's place says what changed", () => {
  const of = (...parts: PartRow[]) => ({ parts }) as PlanBody;
  const before = of(part("1.0", [move("t1", "a", "b"), place("t2", "a")]));
  const after = of(part("2.0", [move("t1", "a", "b"), place("t9", "a")]));
  assert.deepEqual(changed(before, after), { gone: ["place t2"], came: ["place t9"], kept: 1 });
});

test("a part that is left out takes with it what needs it, and comes back with what it needs", () => {
  const parts = [part("0", []), part("1", [], ["0"]), part("2", [], ["1"]), part("3", [])];
  const out = toggled(parts, new Set(), "0");
  assert.deepEqual([...out].sort(), ["0", "1", "2"]);
  assert.deepEqual([...toggled(parts, out, "1")], ["2"]);
  assert.deepEqual([...toggled(parts, new Set(), "3")], ["3"]);
});
