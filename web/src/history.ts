/** The past of a node as lines: what was used, its peaks where they were rolled up, and what was promised. */
import type { HistoryBody } from "./api.ts";
import type { Line } from "./chart.tsx";

export function historyLines({ items }: HistoryBody): Line[] {
  const of = (measure: string) => items.find((item) => item.measure === measure);
  const [used, promised] = [of("used"), of("promised")];
  const lines: Line[] = [];
  if (used?.max.length) lines.push({ label: "greatest", values: used.max, color: "c2" });
  if (used) lines.push({ label: "used", values: used.mean, color: "c0" });
  if (promised) lines.push({ label: "promised", values: promised.mean, color: "c1", dashed: true });
  return lines;
}
