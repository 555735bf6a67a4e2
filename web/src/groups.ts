/** Many rows brought down to few: what turns came to, how a node stands. */
import type { Deeds, DecisionRow, NodeRow, TurnFigures } from "./api.ts";

/** What was done in some turns together. */
export function deeds(turns: TurnFigures[]): Deeds {
  const all: Deeds = {
    places: 0, moves: 0, preemptions: 0, drains: 0, reopened: 0, refused: 0, gain_device_minutes: 0, cost_device_minutes: 0,
  };
  for (const { done } of turns) {
    for (const name of Object.keys(all) as (keyof Deeds)[]) all[name] += done[name];
  }
  return all;
}

/** The value that a share of all values do not pass. */
export function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** How a decision stands: its result, or what became of a mere proposal. */
export function outcome({ result, action, plan }: DecisionRow, openPlan: string | null | undefined): string {
  if (result) return result;
  if (action === "wait") return "waits";
  return plan && plan === openPlan ? "proposed" : "not taken";
}

export type Standing = "up" | "hot" | "likely to fail" | "cordoned" | "sick" | "down";

/** How a node stands, the worst first. */
export function standing(node: NodeRow, safety: number): Standing {
  if (node.state === "down" || node.state === "sick" || node.state === "cordoned") return node.state;
  // Of a past turn only the shares are known.
  if (node.failing || node.failure_probability >= 0.5) return "likely to fail";
  return node.hot || (safety > 0 && node.used > safety) ? "hot" : "up";
}

/** The first so many by a measure, the highest first; of equals those that come first. */
export function highest<T>(rows: T[], of: (row: T) => number, many: number): T[] {
  const found: { row: T; value: number }[] = [];
  for (const row of rows) {
    const value = of(row);
    if (found.length === many && value <= found[many - 1]!.value) continue;
    const before = found.findIndex((other) => other.value < value);
    found.splice(before < 0 ? found.length : before, 0, { row, value });
    found.length = Math.min(found.length, many);
  }
  return found.map(({ row }) => row);
}
