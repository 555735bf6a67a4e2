/** What is expected of the next hour, and which nodes may fail. */
import { useMemo } from "preact/hooks";
import type { NodeRow } from "../api.ts";
import { Chart } from "../chart.tsx";
import { highest } from "../groups.ts";
import { Bars, Card, Empty, Figure, Name, Same, State, useThing } from "../parts.tsx";
import { load, nodes, now, route, safety, set } from "../store.ts";
import { count, duration, number, percent, resource, sentence } from "../words.ts";
import { FanChart, FanLegend, figures } from "./fan.tsx";

/** Nodes of a list. */
const SHOWN = 8;

export function Forecast() {
  const expected = load.value?.expected;
  const about = expected?.hot ?? [];
  const risky = highest(nodes.value, (node) => node.failure_probability_day, SHOWN).filter((node) => node.failure_probability_day > 0);
  const heading = about.length
    ? `${sentence(count(about.length, "node"))} may pass the safety level within ${duration(expected?.horizon_seconds ?? 0)}`
    : "No node is expected to pass the safety level";
  return (
    <>
      <div class="head"><h1>{heading}.</h1></div>
      {expected ? (
        <dl class="figures wide">
          <Figure label="Looks ahead" value={duration(expected.horizon_seconds)} />
          <Figure label="Follows" value={`${number(expected.series)} series`} note={`for ${duration(now.value - expected.since_seconds)}`} />
          <Figure label="Coverage" value={expected.coverage == null ? "not known yet" : percent(expected.coverage)} note="of peaks at or below the 95% forecast; 95% is right" />
          <Figure label="Young" value={number(expected.young)} note="too short for a forecast of their own" />
          <Figure label="Slipped" value={number(expected.slipped)} note="covered far less than they say" />
        </dl>
      ) : (
        <Empty>Nothing is known yet: load is followed from the first turn on.</Empty>
      )}
      <Fans />
      <div class="grid two">
        <Peaks />
        <Risk rows={risky} />
        <History name="cpu_millicores" />
        <History name="memory_mib" />
      </div>
      <Same cli="lepton load" api="GET /api/v1/forecast" />
    </>
  );
}

/** The nodes with the highest peaks expected, or those that the address names. */
function Fans() {
  const asked = route.value.query.nodes ?? "";
  const { body, problem } = useThing("/api/v1/forecast", {}, asked ? { nodes: asked } : {}, 3);
  if (!body) return <Empty>{problem || "Asking…"}</Empty>;
  return (
    <Card
      title={asked ? "The nodes asked about" : "Highest expected peaks, as fans"}
      note={`the busiest resource; the fan is where the peak of the tasks there now lies within ${duration(body.horizon_seconds)}, drawn as opening from now`}
      more={asked && <button type="button" class="link" onClick={() => set({ nodes: "" })}>The highest</button>}
    >
      <FanLegend />
      <div class="fans">
        {body.items.map((of) => (
          <section key={of.node}>
            <header><h3><Name of={of.node} /></h3> <span class="note">{figures(of, body.levels)}</span></header>
            <FanChart of={of} body={body} bare />
          </section>
        ))}
      </div>
    </Card>
  );
}

function Peaks() {
  const rows = highest(nodes.value.filter((node) => node.state === "up"), (node) => node.expected_peak, SHOWN);
  return (
    <Card title="Highest expected peaks" note="dark: now; pale: not above, nine times in ten">
      <Bars
        most={1}
        mark={safety.value}
        rows={rows.map((node) => ({
          label: <Name of={node.name} />,
          value: node.used,
          behind: node.expected_peak,
          text: `${percent(node.used)} → ${percent(node.expected_peak)}`,
          tone: node.expected_peak > safety.value ? ("warn" as const) : ("plain" as const),
        }))}
      />
    </Card>
  );
}

function Risk({ rows }: { rows: NodeRow[] }) {
  const most = Math.max(0.05, ...rows.map((node) => node.failure_probability_day));
  return (
    <Card title="Likeliest to fail within a day" note="estimated probability">
      {rows.length === 0 ? <Empty>No node shows a sign.</Empty> : (
        <Bars
          most={most}
          rows={rows.map((node) => ({
            label: <><Name of={node.name} /> {node.state !== "up" && <State of={node.state} />}</>,
            value: node.failure_probability_day,
            text: percent(node.failure_probability_day),
            ...(node.signs[0] ? { note: node.signs[0] } : {}),
          }))}
        />
      )}
    </Card>
  );
}

function History({ name }: { name: string }) {
  const moments = load.value?.over_time ?? [];
  const times = useMemo(() => moments.map((m) => m.time_seconds), [moments]);
  const lines = useMemo(() => {
    const of = (value: "used" | "allocated") => moments.map((m) => m.resources.find((r) => r.resource === name)?.[value] ?? null);
    return [
      { label: "used", values: of("used"), color: "c0", fill: true },
      { label: "promised", values: of("allocated"), color: "c1", dashed: true },
    ];
  }, [moments, name]);
  return (
    <Card title={`${sentence(resource(name))} over time`} note="share of the working nodes' capacity">
      {moments.length > 1 ? <Chart times={times} lines={lines} height={170} most={1} label={name} format={(v) => percent(v)} /> : <Empty>A moment each quarter of an hour, from the second on.</Empty>}
    </Card>
  );
}
