import assert from "node:assert/strict";
import { test } from "node:test";
import { format, parse, to, toName } from "../src/route.ts";

test("an address that is read and written again is the same", () => {
  for (const address of ["/", "/?measure=used", "/cluster", "/tasks/task-000042", "/plans/p12", "/tasks?find=a+b&state=waiting"]) {
    assert.equal(format(parse(address)), address);
  }
});

test("an unknown view is the first one", () => {
  assert.equal(parse("/nonsense/x").view, "now");
});

test("a name with a slash survives, and a broken one does not end the page", () => {
  assert.equal(parse(to("cluster", "rack/3 b")).id, "rack/3 b");
  assert.equal(parse("/tasks/%E0%A4%A").id, "%E0%A4%A");
});

test("settings that are empty leave the address", () => {
  assert.equal(to("tasks", "", { state: "", find: "x" }), "/tasks?find=x");
});

test("a name leads to its view", () => {
  assert.equal(toName("d12-3", false), "/decisions/d12-3");
  assert.equal(toName("p12", false), "/plans/p12");
  assert.equal(toName("node-000001", true), "/cluster/node-000001");
  assert.equal(toName("p100-job", false), "/tasks/p100-job");
});
