import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeRow, NodesShown } from "../src/api.ts";
import { Decoder, standAs, standInSlices } from "../src/live.ts";

test("events are whole however the text is cut", () => {
  const text = 'id: 7-0\nevent: status\ndata: {"a":1}\n\n: alive\n\nid: 7-1\nevent: turns\ndata: 1\ndata: 2\n\n';
  for (let cut = 0; cut <= text.length; cut += 1) {
    const decoder = new Decoder();
    const events = [...decoder.take(text.slice(0, cut)), ...decoder.take(text.slice(cut))];
    assert.deepEqual(events, [
      { id: "7-0", name: "status", data: '{"a":1}' },
      { id: "7-1", name: "turns", data: "1\n2" },
    ]);
  }
});

const base64 = (...bytes: number[]) => Buffer.from(bytes).toString("base64");

function shown(count: number): NodesShown {
  const none = base64(...Array.from({ length: count }, () => 0));
  return {
    id: "t1", time_seconds: 60, inventory: "x", count, promised: none, expected_peak: none,
    failure_probability: none, used: base64(160, 1), devices_held: base64(200, 0), state: base64(0, 3),
  };
}

test("a byte is a two-hundredth of a share", () => {
  const rows = [{ name: "a", tasks: 3 }, { name: "b", tasks: 0 }] as NodeRow[];
  const [a, b] = standAs(rows, shown(2));
  assert.deepEqual([a!.used, a!.devices_held, a!.state, a!.tasks], [0.8, 1, "up", 3]);
  assert.deepEqual([b!.used, b!.state], [0.005, "down"]);
});

test("in slices rows stand as they do at once, and others have the thread between", async () => {
  const many = 6000;
  const of = (from: number) => base64(...Array.from({ length: many }, (_, i) => (i * from) % 201));
  const some = { ...shown(many), used: of(7), devices_held: of(3), state: base64(...Array.from({ length: many }, (_, i) => i % 4)) };
  const rows = Array.from({ length: many }, (_, i) => ({ name: `n${i}`, tasks: i }) as NodeRow);
  let pauses = 0;
  assert.deepEqual(await standInSlices(rows, some, async () => void (pauses += 1)), standAs(rows, some));
  assert.ok(pauses > 1);
  assert.equal(await standInSlices(rows, shown(2), async () => {}), rows);
});

test("bytes of other nodes change nothing", () => {
  const rows = [{ name: "a" }] as NodeRow[];
  assert.equal(standAs(rows, shown(2)), rows);
});
