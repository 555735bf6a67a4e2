import assert from "node:assert/strict";
import { test } from "node:test";
import { commandOf, counted, scenarioOf } from "../src/scenario.ts";

test("an address asks the same question as the command line", () => {
  const query = { drain: "node-1, node-2", add: "node-3x2", submit: "task-7x4", gang: "yes", policy: "best-fit" };
  assert.deepEqual(scenarioOf(query), {
    drain: ["node-1", "node-2"],
    add: [{ like: "node-3", count: 2 }],
    submit: [{ like: "task-7", count: 4, gang: true }],
    policy: "best-fit",
  });
  assert.equal(
    commandOf(query),
    "lepton whatif --drain node-1,node-2 --add node-3x2 --submit-like task-7 --count 4 --gang --policy best-fit",
  );
});

test("a question may be of the past", () => {
  const query = { drain: "node-1", when: " 7200 " };
  assert.equal(scenarioOf(query)?.at_seconds, 7200);
  assert.equal(commandOf(query), "lepton whatif --drain node-1 --at 7200");
  assert.equal(scenarioOf({ drain: "node-1", when: "soon" })?.at_seconds, undefined);
  assert.equal(scenarioOf({ when: "7200" }), null);
});

test("an address that asks nothing is no question", () => {
  assert.equal(scenarioOf({ drain: " , ", policy: "  " }), null);
});

test("a name that ends in x and letters is a name", () => {
  assert.deepEqual(counted("boxes"), { like: "boxes", count: 1 });
  assert.deepEqual(counted("nodex12"), { like: "node", count: 12 });
});
