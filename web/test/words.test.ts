import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, amount, clock, count, duration, hour, number, percent, reason, resource, signed, work } from "../src/words.ts";

test("shares are read as percentages, and small ones are not nothing", () => {
  assert.equal(percent(0.423), "42%");
  assert.equal(percent(0.004), "0.4%");
  assert.equal(percent(0.0003), "<0.1%");
  assert.equal(percent(0), "0%");
  assert.equal(percent(-0.12), "\u221212%");
});

test("numbers have as many digits as help", () => {
  assert.deepEqual([1234, 12.34, 0.123, 3].map(number), ["1,234", "12.3", "0.12", "3"]);
  assert.equal(number(-0.0001), "0");
  assert.equal(signed(2), "+2");
  assert.equal(signed(-2), "\u22122");
});

test("one task is not 1 tasks", () => {
  assert.deepEqual([0, 1, 2].map((n) => count(n, "task")), ["no tasks", "1 task", "2 tasks"]);
});

test("the cluster's time begins on day 1", () => {
  assert.equal(clock(0), "day 1, 00:00");
  assert.equal(clock(86_400 + 3 * 3600 + 14 * 60), "day 2, 03:14");
});

test("the time of a real cluster is the reader's own", () => {
  const noon = new Date(2026, 10, 29, 12, 4, 7).getTime() / 1000;
  assert.equal(clock(noon), "29 Nov, 12:04:07");
  assert.equal(hour(noon), "12:04");
});

test("lengths of time keep two units", () => {
  assert.deepEqual([0.008, 45, 180, 7500, 90_000].map(duration), ["8 ms", "45 s", "3 min", "2 h 5 min", "1 d 1 h"]);
  assert.equal(ago(100, 40), "1 min ago");
  assert.equal(ago(100, 100), "now");
});

test("amounts stand in the units that people use", () => {
  assert.equal(amount("cpu_millicores", 12_000), "12 cores");
  assert.equal(amount("memory_mib", 2048), "2 GiB");
  assert.equal(resource("cpu_millicores"), "CPU");
  assert.equal(resource("network_mbit_s"), "network");
  assert.equal(work(30), "30 device-min");
  assert.equal(work(6000), "100 device-hours");
});

test("a code that is not known is taken apart", () => {
  assert.equal(reason("InsufficientDevices"), "too few free devices");
  assert.equal(reason("SomethingQuiteNew"), "something quite new");
});
