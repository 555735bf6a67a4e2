import { strict as assert } from "node:assert";
import { test } from "node:test";
import type { LedgerRow } from "../src/api.ts";
import { accounts, shownResource } from "../src/ledger.ts";

const ROW: LedgerRow = {
  name: "n1", resource: "devices", capacity_hours: 20, allocated_hours: 12, used_hours: 9, unused_hours: 2, beyond_hours: 0,
  moves_hours: 1, stranded_hours: { NoCpu: 2, Fragment: 1 }, lost_hours: 1, idle_hours: 4,
};

test("the accounts of a row add up to it", () => {
  const of = accounts(ROW);
  assert.equal(of.reduce((all, one) => all + one.hours, 0), ROW.capacity_hours);
  assert.ok(Math.abs(of.reduce((all, one) => all + one.share, 0) - 1) < 1e-9);
  assert.equal(of.find((one) => one.key === "stranded")?.hours, 3);
});

test("a row without any hours has no shares", () => {
  const none = { ...ROW, capacity_hours: 0, used_hours: 0 };
  assert.ok(accounts(none).every((one) => one.share === 0));
});

test("devices are shown unless another resource that is there is asked for", () => {
  const rows = [{ ...ROW, resource: "cpu_millicores" }, ROW];
  assert.equal(shownResource(rows, ""), "devices");
  assert.equal(shownResource(rows, "cpu_millicores"), "cpu_millicores");
  assert.equal(shownResource(rows, "other"), "devices");
  assert.equal(shownResource([rows[0]!], ""), "cpu_millicores");
  assert.equal(shownResource([], ""), "");
});
