import assert from "node:assert/strict";
import { test } from "node:test";
import type { HistoryBody } from "../src/api.ts";
import { historyLines } from "../src/history.ts";

const body = (level: string, used: Partial<HistoryBody["items"][0]>): HistoryBody => ({
  node: "n1",
  level,
  times_seconds: [0, 300],
  point_seconds: [300, 300],
  items: [
    { measure: "promised", mean: [0.5, 0.6], min: [], max: [], p95: [] },
    { measure: "used", mean: [0.1, 0.2], min: [], max: [], p95: [], ...used },
  ],
  as_of_seconds: 600,
});

test("samples are one line, rollups have their peaks beside the mean", () => {
  const labels = (of: HistoryBody) => historyLines(of).map((line) => line.label);
  assert.deepEqual(labels(body("raw", {})), ["used", "promised"]);
  const rolledUp = historyLines(body("hours", { max: [0.4, 0.9] }));
  assert.deepEqual(rolledUp.map((line) => line.label), ["greatest", "used", "promised"]);
  assert.deepEqual(rolledUp[0]!.values, [0.4, 0.9]);
  assert.deepEqual(historyLines({ ...body("raw", {}), items: [] }), []);
});
