/** Nodes as cells of a heat map, by the measure that is looked at. */
import type { NodeRow } from "../api.ts";
import { standing } from "../groups.ts";
import type { Cell, Mark } from "../heat.ts";
import { percent } from "../words.ts";

export interface Measure {
  key: string;
  name: string;
  /** What a full cell means. */
  full: string;
  of: (node: NodeRow) => number;
}

export const MEASURES: Measure[] = [
  { key: "devices", name: "Devices held", full: "all held", of: (node) => node.devices_held },
  { key: "used", name: "Load", full: "all used", of: (node) => node.used },
  { key: "peak", name: "Expected peak", full: "all used", of: (node) => node.expected_peak },
  { key: "promised", name: "Promised", full: "all promised", of: (node) => node.promised },
  { key: "risk", name: "Failure within a day", full: "50% and more", of: (node) => node.failure_probability_day * 2 },
];

/** The measure that is asked for; without a word, devices held where there are devices, else load. */
export function measureOf(key: string | undefined, nodes: NodeRow[]): Measure {
  const usual = nodes.some((node) => node.devices > 0) ? "devices" : "used";
  const of = (wanted: string | undefined) => MEASURES.find((measure) => measure.key === wanted);
  return of(key) ?? of(usual)!;
}

const MARKS: Record<string, Mark> = { hot: "hot", "likely to fail": "sick", sick: "sick", down: "down", cordoned: "cordoned" };

export function cellsOf(nodes: NodeRow[], measure: Measure, safety: number, grouped: boolean): Cell[] {
  const cells = nodes.map((node) => ({
    name: node.name,
    value: measure.of(node),
    mark: MARKS[standing(node, safety)] ?? ("" as const),
    group: grouped ? (node.model ?? "no devices") : "",
  }));
  return grouped ? cells.sort((a, b) => (a.group < b.group ? -1 : a.group > b.group ? 1 : 0)) : cells;
}

/** What a cell says. */
export function describer(nodes: NodeRow[], measure: Measure, safety: number): (cell: Cell) => string {
  return ({ name }) => {
    const node = nodes.find((row) => row.name === name);
    if (!node) return "";
    const shown = measure.key === "risk" ? node.failure_probability_day : measure.of(node);
    return `${standing(node, safety)}, ${measure.name.toLowerCase()} ${percent(shown)}, ${node.devices} × ${node.model ?? "no device"}, ${node.tasks} tasks`;
  };
}
