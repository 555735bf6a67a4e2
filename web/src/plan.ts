/** What a plan comes to: in words, and node by node. */
import type { NodeRow, PartRow, PlanBody, PlanLineRow, StepRow, TaskRow } from "./api.ts";
import { count, reason, work } from "./words.ts";

export interface Effect {
  node: string;
  devices: number;
  before: number;
  after: number;
  arrives: string[];
  leaves: string[];
  closes: boolean;
  reopens: boolean;
}

export const steps = (parts: PartRow[]): StepRow[] => parts.flatMap((part) => part.actions);

/** Devices held on each node that the parts touch, before and after them. */
export function effects(parts: PartRow[], nodes: NodeRow[], tasks: TaskRow[]): Effect[] {
  const demands = new Map(tasks.map((task) => [task.name, task.devices]));
  const rows = new Map(nodes.map((node) => [node.name, node]));
  const touched = new Map<string, Effect>();
  const at = (name: string): Effect => {
    const known = touched.get(name);
    if (known) return known;
    const row = rows.get(name);
    const held = (row?.devices_held ?? 0) * (row?.devices ?? 0);
    const fresh: Effect = {
      node: name, devices: row?.devices ?? 0, before: held, after: held,
      arrives: [], leaves: [], closes: false, reopens: false,
    };
    touched.set(name, fresh);
    return fresh;
  };
  for (const { action, task, from, to } of steps(parts)) {
    const devices = demands.get(task ?? "") ?? 0;
    if (from && task) {
      const effect = at(from);
      effect.after -= devices;
      effect.leaves.push(task);
    }
    if (to && task) {
      const effect = at(to);
      effect.after += devices;
      effect.arrives.push(task);
    }
    if (to && action === "cordon") at(to).closes = true;
    if (to && action === "uncordon") at(to).reopens = true;
  }
  return [...touched.values()].sort((a, b) => (a.node < b.node ? -1 : 1));
}

/** What a plan comes to, as lists of plans tell it. */
export type Summary = Pick<PlanLineRow, "actions" | "reasons" | "gain_device_minutes" | "cost_device_minutes">;

/** What some parts come to. */
export function summary(parts: PartRow[]): Summary {
  const [actions, reasons]: Record<string, number>[] = [{}, {}];
  for (const part of parts) {
    reasons![part.reason] = (reasons![part.reason] ?? 0) + part.actions.length;
    for (const { action } of part.actions) actions![action] = (actions![action] ?? 0) + 1;
  }
  const total = (value: (part: PartRow) => number) => parts.reduce((all, part) => all + value(part), 0);
  return {
    actions: actions!,
    reasons: reasons!,
    gain_device_minutes: total((part) => part.gain_device_minutes),
    cost_device_minutes: total((part) => part.cost_device_minutes),
  };
}

export interface Sum {
  moves: number;
  starts: number;
  stops: number;
  closes: number;
  reopens: number;
  gain: number;
  cost: number;
}

export function sum({ actions, gain_device_minutes, cost_device_minutes }: Summary): Sum {
  const of = (action: string) => actions[action] ?? 0;
  return {
    moves: of("migrate"),
    starts: of("place"),
    stops: of("preempt"),
    closes: of("cordon"),
    reopens: of("uncordon"),
    gain: gain_device_minutes,
    cost: cost_device_minutes,
  };
}

/** The plan in one sentence. */
export function headline(plan: Summary): string {
  const { moves, starts, stops, closes, reopens } = sum(plan);
  const said = [
    starts && `starts ${count(starts, "waiting task")}`,
    moves && `moves ${count(moves, "task")}`,
    stops && `stops ${count(stops, "task")}`,
    closes && `closes ${count(closes, "node")}`,
    reopens && `reopens ${count(reopens, "node")}`,
  ].filter((text) => text);
  if (said.length === 0) return "Does nothing";
  const last = said.pop();
  const text = said.length ? `${said.join(", ")} and ${last}` : String(last);
  const why = reasons(plan)[0];
  return `${text[0]!.toUpperCase()}${text.slice(1)}${why ? `: ${reason(why.code)}` : ""}`;
}

/** What it is worth, in one clause. */
export function worth(plan: Summary): string {
  const { gain, cost } = sum(plan);
  return `expected to gain ${work(gain)} for ${work(cost)}`;
}

/** The reasons of its parts, the one behind most steps first. */
export function reasons(plan: Summary): { code: string; steps: number }[] {
  return Object.entries(plan.reasons).map(([code, steps]) => ({ code, steps })).sort((a, b) => b.steps - a.steps);
}

/** What differs between a plan and the one in its place: steps that went, steps that came. */
export function changed(before: PlanBody, after: PlanBody): { gone: string[]; came: string[]; kept: number } {
  const of = (plan: PlanBody) => plan.parts.flatMap((part) => part.steps);
  const [old, now] = [new Set(of(before)), new Set(of(after))];
  return {
    gone: [...old].filter((step) => !now.has(step)),
    came: [...now].filter((step) => !old.has(step)),
    kept: [...old].filter((step) => now.has(step)).length,
  };
}

/** The parts that stay when one is taken out or put back: none without those it needs, none that needs one taken out. */
export function toggled(parts: PartRow[], left: ReadonlySet<string>, key: string): Set<string> {
  const now = new Set(left);
  if (now.has(key)) {
    const back = [key];
    for (let next = back.pop(); next !== undefined; next = back.pop()) {
      now.delete(next);
      back.push(...(parts.find((part) => part.key === next)?.after.filter((needed) => now.has(needed)) ?? []));
    }
  } else {
    const out = [key];
    for (let next = out.pop(); next !== undefined; next = out.pop()) {
      now.add(next);
      const needs = next;
      out.push(...parts.filter((p) => p.after.includes(needs) && !now.has(p.key)).map((p) => p.key));
    }
  }
  return now;
}
