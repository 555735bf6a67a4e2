import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeRow } from "../src/api.ts";
import { FRESH, isOver, readTour, went, worst } from "../src/tour.ts";

test("each of the three things ticks itself", () => {
  let tour = went(FRESH, { view: "cluster", id: "", query: {} }, false);
  assert.equal(tour.node, false, "the list is not a node");
  tour = went(tour, { view: "cluster", id: "n1", query: {} }, false);
  tour = went(tour, { view: "decisions", id: "d1-0", query: {} }, false);
  assert.deepEqual(tour, { node: true, why: true, plan: false, away: false });
  assert.equal(isOver(tour), false);
  assert.equal(isOver({ ...tour, plan: true }), true);
});

test("who puts it away is not asked again", () => {
  assert.equal(isOver({ ...FRESH, away: true }), true);
});

test("what is kept is read again, and nonsense is a fresh start", () => {
  assert.deepEqual(readTour(JSON.stringify({ node: true })), { ...FRESH, node: true });
  assert.deepEqual(readTour("{"), FRESH);
  assert.deepEqual(readTour(null), FRESH);
});

test("a first look goes to the node that is worst off", () => {
  const node = (name: string, used: number, more = {}) => ({ name, used, state: "up", ...more }) as NodeRow;
  assert.equal(worst([node("a", 0.9), node("b", 0.1, { failing: true }), node("c", 1.2)])!.name, "b");
  assert.equal(worst([node("a", 0.9), node("d", 0.99, { state: "down" })])!.name, "a");
  assert.equal(worst([]), undefined);
});
