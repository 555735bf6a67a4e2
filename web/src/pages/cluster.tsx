/** All nodes: as cells or as a table, with the same filter. */
import { useMemo } from "preact/hooks";
import type { NodeRow } from "../api.ts";
import { type Standing, standing } from "../groups.ts";
import { HeatMap, Legend } from "../heatmap.tsx";
import { Bars, Card, Empty, Same, State } from "../parts.tsx";
import { to } from "../route.ts";
import { go, load, nodes, route, safety, set } from "../store.ts";
import { type Column, Table } from "../table.tsx";
import { Timeline } from "../timeline.tsx";
import { count, number, percent, reason, resource, sentence } from "../words.ts";
import { MEASURES, cellsOf, describer, measureOf } from "./cells.ts";

const STANDINGS: Standing[] = ["hot", "likely to fail", "sick", "down", "cordoned", "up"];

export function Cluster() {
  const { measure: key, as = "map", state = "", find = "" } = route.value.query;
  const measure = measureOf(key, nodes.value);
  const rows = nodes.value.filter(
    (node) => (!state || standing(node, safety.value) === state) && node.name.includes(find),
  );
  const grouped = new Set(nodes.value.map((node) => node.model)).size > 1;
  const cells = useMemo(() => cellsOf(rows, measure, safety.value, grouped), [nodes.value, measure, state, find]);
  const counts = STANDINGS.map((of) => [of, nodes.value.filter((n) => standing(n, safety.value) === of).length] as const);
  return (
    <>
      <div class="head">
        <h1>{count(nodes.value.length, "node")}</h1>
        <Filters counts={counts} state={state} />
      </div>
      <div class="controls">
        <div class="segmented" role="group" aria-label="Shown as">
          {["map", "table"].map((of) => (
            <button key={of} type="button" aria-pressed={as === of} onClick={() => set({ as: of === "map" ? "" : of })}>{sentence(of)}</button>
          ))}
        </div>
        {as === "map" && (
          <label>
            Colour <select value={measure.key} onChange={(e) => set({ measure: e.currentTarget.value })}>
              {MEASURES.map((of) => <option key={of.key} value={of.key}>{of.name}</option>)}
            </select>
          </label>
        )}
        <input type="search" placeholder="Name holds" aria-label="Filter by name" value={find} onInput={(e) => set({ find: e.currentTarget.value })} />
        {as === "map" && <Legend low="0%" high={measure.full} />}
      </div>
      {rows.length === 0 ? (
        <Empty>No node is like that now.</Empty>
      ) : as === "map" ? (
        <HeatMap
          cells={cells}
          height={420}
          most={52}
          label={`${measure.name} of ${cells.length} nodes`}
          describe={describer(nodes.value, measure, safety.value)}
          onChoose={(cell) => go(to("cluster", cell.name))}
        />
      ) : (
        <Nodes rows={rows} />
      )}
      <Timeline />
      <div class="grid two">
        <Resources />
        <Stranded />
      </div>
      <Same cli="lepton get nodes" api="GET /api/v1/nodes" />
    </>
  );
}

function Filters({ counts, state }: { counts: (readonly [Standing, number])[]; state: string }) {
  return (
    <div class="filters" role="group" aria-label="Nodes that are">
      {counts.filter(([of, many]) => many > 0 || of === state).map(([of, many]) => (
        <button key={of} type="button" aria-pressed={state === of} onClick={() => set({ state: state === of ? "" : of })}>
          <State of={of} /> <b>{number(many)}</b>
        </button>
      ))}
    </div>
  );
}

function Nodes({ rows }: { rows: NodeRow[] }) {
  const share = (value: number) => (
    <span class="share"><i style={{ width: `${Math.min(1, value) * 100}%` }} />{percent(value)}</span>
  );
  const columns: Column<NodeRow>[] = [
    { key: "name", head: "Node", cell: (n) => <a class="name" href={to("cluster", n.name)}>{n.name}</a>, by: (n) => n.name },
    { key: "state", head: "State", cell: (n) => <State of={standing(n, safety.value)} />, by: (n) => STANDINGS.indexOf(standing(n, safety.value)) },
    { key: "model", head: "Devices", cell: (n) => (n.devices ? `${n.devices} × ${n.model}` : "none"), by: (n) => `${n.model}${n.devices}`, minor: true },
    { key: "tasks", head: "Tasks", cell: (n) => number(n.tasks), by: (n) => n.tasks, numeric: true },
    { key: "held", head: "Devices held", cell: (n) => share(n.devices_held), by: (n) => n.devices_held, numeric: true },
    { key: "used", head: "Load", cell: (n) => share(n.used), by: (n) => n.used, numeric: true },
    { key: "peak", head: "Expected peak", cell: (n) => share(n.expected_peak), by: (n) => n.expected_peak, numeric: true, minor: true },
    { key: "risk", head: "Failure within a day", cell: (n) => percent(n.failure_probability_day), by: (n) => n.failure_probability_day, numeric: true, minor: true },
  ];
  return <Table rows={rows} columns={columns} id={(n) => n.name} caption="Nodes" first="name" />;
}

function Resources() {
  const rows = load.value?.now?.resources ?? [];
  return (
    <Card title="Used of what is promised" note="dark: used, pale: promised, of all working nodes">
      <Bars
        most={1}
        rows={rows.map((row) => ({
          label: row.resource === "devices" ? "Devices held" : sentence(resource(row.resource)),
          value: row.used,
          behind: row.allocated,
          text: `${percent(row.used)} of ${percent(row.allocated)}`,
          note: `busiest ${row.busiest ?? "none"}, ${number(row.max_over_mean)} times the mean`,
        }))}
      />
    </Card>
  );
}

function Stranded() {
  const rows = load.value?.now?.stranded ?? [];
  return (
    <Card title="Free devices that nothing can use" note={count(rows.reduce((all, row) => all + row.devices, 0), "device")}>
      {rows.length === 0 ? (
        <Empty>None: every free device can be used.</Empty>
      ) : (
        <Bars
          rows={rows.map((row) => ({
            label: sentence(reason(row.cause)),
            value: row.devices,
            text: number(row.devices),
            note: `on ${count(row.nodes, "node")}`,
          }))}
        />
      )}
    </Card>
  );
}
