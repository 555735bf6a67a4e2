/** The load of one node: the recent past, and the peak of the next hour as a fan. */
import { useMemo } from "preact/hooks";
import type { ForecastBody, NodeForecast } from "../api.ts";
import { Chart, type Line } from "../chart.tsx";
import { fan } from "../fan.ts";
import { Empty } from "../parts.tsx";
import { duration, number, percent } from "../words.ts";

interface Props {
  of: NodeForecast;
  body: ForecastBody;
  height?: number;
  /** Without names of the lines, where they stand above several. */
  bare?: boolean;
}

export function FanChart({ of, body, height = 150, bare = false }: Props) {
  const { times, lines } = useMemo(() => drawn(of, body), [of, body.levels, body.horizon_seconds]);
  if (of.times_seconds.length < 2) return <Empty>From the second turn on.</Empty>;
  const now = of.times_seconds[of.times_seconds.length - 1]!;
  return (
    <>
      <Chart
        times={times}
        lines={lines}
        height={height}
        most={1}
        since={now}
        bare={bare}
        level={{ at: body.safety_level, name: "safety level" }}
        label={`Load of ${of.node} and its peak expected within ${duration(body.horizon_seconds)}`}
        format={(value) => percent(value)}
      />
      <p class="note">{coverage(of)}</p>
    </>
  );
}

/** How often what was expected of this node held. */
function coverage({ covered, judged, expected }: NodeForecast): string {
  if (expected.length === 0) return "Nothing is expected yet: load is followed from the first turn on.";
  if (covered == null) return "How often it held is known once the hour after a first one is over.";
  return `p90 held in ${percent(covered)} of ${number(judged)} past hours, with the tasks that came since.`;
}

/** What is used, and the peak at each quantile, in figures. */
export function figures(of: NodeForecast, levels: number[]): string {
  const used = of.used[of.used.length - 1] ?? 0;
  const peaks = of.expected.map((peak, at) => `p${Math.round(100 * (levels[at] ?? 0))} ${percent(peak)}`);
  return [`now ${percent(used)}`, ...peaks].join(", ");
}

/** What the lines of all fans are. */
export function FanLegend() {
  return (
    <p class="keys">
      <span><i class="key c0" /> used</span>
      <span><i class="key c1 dashed" /> peak of the hour after it that was expected then (p90)</span>
      <span><i class="key c2" /> peak expected now: p50, p90, p95</span>
      <span><i class="key level" /> safety level</span>
    </p>
  );
}

function drawn(of: NodeForecast, body: ForecastBody): { times: number[]; lines: Line[] } {
  const { times, used, then, levels } = fan(of, body.levels, body.horizon_seconds);
  const middle = levels[0]?.values;
  const lines: Line[] = [
    { label: "used", values: used, color: "c0" },
    { label: "90% peak, as expected then", values: then, color: "c1", dashed: true },
    ...levels.map(({ level, values }, at) => ({
      label: `peak ${percent(level)}`,
      values,
      color: "c2",
      dashed: at > 0,
      ...(at > 0 && middle ? { fill: middle } : {}),
    })),
  ];
  return { times, lines };
}
