import assert from "node:assert/strict";
import { test } from "node:test";
import { fan } from "../src/fan.ts";

const OF = { node: "n1", times_seconds: [60, 120], used: [0.2, 0.4], expected_peak: [0.5, 0.6], expected: [0.5, 0.7], covered: null, judged: 0 };

test("a fan opens from what is used now to each quantile of the peak", () => {
  const { times, used, then, levels } = fan(OF, [0.5, 0.9], 3600);
  assert.deepEqual(times, [60, 120, 3720]);
  assert.deepEqual([used, then], [[0.2, 0.4, null], [0.5, 0.6, null]]);
  assert.deepEqual(levels, [{ level: 0.5, values: [null, 0.4, 0.5] }, { level: 0.9, values: [null, 0.4, 0.7] }]);
});

test("without an expectation there is the past alone", () => {
  assert.deepEqual(fan({ ...OF, expected: [] }, [], 0).times, [60, 120]);
  assert.deepEqual(fan({ ...OF, times_seconds: [], used: [], expected_peak: [] }, [0.5], 3600), { times: [], used: [], then: [], levels: [] });
});
