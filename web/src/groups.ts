/** Many rows brought down to few: what waits and why, where free devices are lost, what the last decisions came to. */
import type { DecisionRow, NodeRow, TaskRow } from "./api.ts";

export interface Group {
  code: string;
  count: number;
  devices: number;
  longest: number;
}

/** Waiting tasks by their dominant reason, the most first. */
export function waiting(tasks: TaskRow[], now: number): Group[] {
  const groups = new Map<string, Group>();
  for (const task of tasks) {
    if (task.state !== "waiting") continue;
    const code = task.waits_for ?? "Undecided";
    const group = groups.get(code) ?? { code, count: 0, devices: 0, longest: 0 };
    group.count += 1;
    group.devices += task.devices;
    group.longest = Math.max(group.longest, now - task.submitted_seconds);
    groups.set(code, group);
  }
  return [...groups.values()].sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1));
}

export interface Tally {
  done: number;
  refused: number;
  proposed: number;
  gain: number;
  cost: number;
}

/** What the steps among some decisions came to. */
export function tally(decisions: DecisionRow[]): Tally {
  const all: Tally = { done: 0, refused: 0, proposed: 0, gain: 0, cost: 0 };
  for (const { action, result, gain_device_minutes, cost_device_minutes } of decisions) {
    if (action === "wait") continue;
    if (result === "done" || result === "underway") {
      all.done += 1;
      all.gain += gain_device_minutes;
      all.cost += cost_device_minutes;
    } else if (result) all.refused += 1;
    else all.proposed += 1;
  }
  return all;
}

export type Standing = "up" | "hot" | "likely to fail" | "cordoned" | "sick" | "down";

/** How a node stands, the worst first. */
export function standing(node: NodeRow, safety: number): Standing {
  if (node.state === "down" || node.state === "sick" || node.state === "cordoned") return node.state;
  if (node.failure_probability >= 0.5) return "likely to fail";
  return safety > 0 && node.used > safety ? "hot" : "up";
}
