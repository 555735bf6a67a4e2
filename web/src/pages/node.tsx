/** One node: its devices as cells, its resources with what is expected, its tasks, what was decided about it. */
import { useMemo } from "preact/hooks";
import type { FaultRow, NodeResource, TaskRow } from "../api.ts";
import { standing } from "../groups.ts";
import { Bars, Card, Empty, Figure, Name, Same, State, useThing } from "../parts.tsx";
import { Chart } from "../chart.tsx";
import { historyLines } from "../history.ts";
import { css, inkOn, ramp } from "../scale.ts";
import { now, route, safety, set, theme } from "../store.ts";
import { type Column, Table } from "../table.tsx";
import { ago, amount, clock, count, duration, number, percent, resource, sentence } from "../words.ts";
import { FanChart } from "./fan.tsx";
import { beside } from "./whatif.tsx";
import { DecisionList } from "./lists.tsx";

export function Node({ name }: { name: string }) {
  const { body, problem } = useThing("/api/v1/nodes/{name}", { name });
  const why = useThing("/api/v1/explain/{id}", { id: name }).body;
  if (!body) return <Empty>{problem || "Asking…"}</Empty>;
  const { node, devices, resources, levels, tasks } = body;
  const state = standing(node, safety.value);
  const free = devices.filter((device) => device.in_service && device.held === 0).length;
  return (
    <>
      <div class="head">
        <h1><span class="kind">Node</span> {name}</h1>
        <State of={state} />
      </div>
      <dl class="figures wide">
        <Figure label="Devices" value={`${node.devices} × ${node.model ?? "none"}`} note={`${free} wholly free`} />
        <Figure label="Load" value={percent(node.used)} note={`hot above ${percent(safety.value)}`} />
        <Figure label="Peak of the next hour" value={percent(node.expected_peak)} note="not above, nine times in ten" />
        <Figure label="Failure within an hour" value={percent(node.failure_probability)} note={`${percent(node.failure_probability_day)} within a day`} />
        <Figure label="Tasks" value={number(node.tasks)} note={`${tasks.filter((t) => t.do_not_disrupt).length} must not be moved`} />
      </dl>
      <div class="grid two">
        <Card title="Devices" note="colour and figure: share that is held">
          <ol class="devices">
            {devices.map((device, i) => {
              const rgb = ramp(device.held, theme.value);
              return (
                <li key={i} style={{ background: css(rgb), color: inkOn(rgb) }} class={device.in_service ? "" : "out"} title={device.tasks.join(", ") || "free"}>
                  <span>{i}</span>
                  <b>{device.in_service ? percent(device.held) : "out"}</b>
                  <span class="unseen">{device.model}, {device.tasks.join(", ") || "free"}</span>
                </li>
              );
            })}
          </ol>
        </Card>
        <Card title="Resources" note="dark: used, pale: promised; line: expected peak">
          <Bars most={1} rows={resources.map((row) => resourceBar(row, levels))} />
        </Card>
        <Ahead name={name} />
        <Past name={name} />
        <Card title="Signs of a fault">
          {node.signs.length + body.faults.length === 0 ? <Empty>None: nothing speaks for a fault.</Empty> : <ul class="plainlist">{node.signs.map((sign) => <li key={sign}>{sign}</li>)}</ul>}
          {body.faults.length > 0 && <Faults rows={body.faults} />}
        </Card>
        <Card title="Decided about it">
          <DecisionList rows={why?.decisions ?? []} most={6} none="Lepton has decided nothing about this node." />
        </Card>
      </div>
      <p><a href={beside({ drain: name })}>What if it were drained?</a></p>
      <h2>{sentence(count(tasks.length, "task"))} on it</h2>
      <Tasks rows={tasks} />
      <Same cli={`lepton explain ${name}`} api={`GET /api/v1/nodes/${name}`} />
    </>
  );
}

/** Messages of faults that were found in its log. */
function Faults({ rows }: { rows: FaultRow[] }) {
  return (
    <ul class="plainlist faults">
      {rows.map((fault) => (
        <li key={`${fault.source} ${fault.pattern}`}>
          <State of={fault.severity === "critical" ? "down" : "hot"} word={fault.severity} /> {sentence(fault.cause)}: {count(fault.count, "message")} like <code>{fault.example}</code>{" "}
          <span class="note">{fault.pattern}, in {fault.source}, last {clock(fault.last_seconds)}</span>
        </li>
      ))}
    </ul>
  );
}

/** How it was used, and the peak of the next hour. */
function Ahead({ name }: { name: string }) {
  const { body, problem } = useThing("/api/v1/forecast", {}, { nodes: name }, 3);
  const of = body?.items[0];
  return (
    <Card title="The next hour" note="the busiest resource; the fan is where the peak of the tasks there now lies, drawn as opening from now" class="across">
      {body && of ? <FanChart of={of} body={body} height={190} /> : <Empty>{problem || "Asking…"}</Empty>}
    </Card>
  );
}

/** Ranges of the past: a name, and its hours. */
const RANGES = [["day", 24], ["week", 168], ["month", 720], ["year", 8760]] as const;

/** How it was used over a longer time, from the finest history that covers it. */
function Past({ name }: { name: string }) {
  const [range, hours] = RANGES.find(([label]) => label === route.value.query.past) ?? RANGES[0];
  const { body, problem } = useThing("/api/v1/nodes/{name}/history", { name }, { hours: String(hours), measures: "used,promised" }, 5);
  const lines = useMemo(() => (body ? historyLines(body) : []), [body]);
  const finest = body && { raw: "every sample", "five-minutes": "by five minutes", hours: "by the hour" }[body.level];
  return (
    <Card
      title="The past"
      note={finest ? `the busiest resource, ${finest}` : ""}
      class="across"
      more={
        <span class="choices">
          {RANGES.map(([label], at) => (
            <button key={label} type="button" class="link" aria-pressed={label === range} onClick={() => set({ past: at ? label : "" })}>{label}</button>
          ))}
        </span>
      }
    >
      {body && body.times_seconds.length > 1 ? (
        <Chart
          times={body.times_seconds}
          lines={lines}
          height={190}
          most={1}
          level={{ at: safety.value, name: "safety level" }}
          label={`Load of ${name} over the last ${duration(hours * 3600)}`}
          format={(value) => percent(value)}
        />
      ) : (
        <Empty>{problem || (body ? "From the first ten minutes on." : "Asking…")}</Empty>
      )}
    </Card>
  );
}

function resourceBar(row: NodeResource, levels: number[]) {
  const share = (value: number) => (row.capacity > 0 ? value / row.capacity : 0);
  const at = levels.findIndex((level) => level >= 0.9);
  const peak = row.expected[at];
  return {
    label: sentence(resource(row.resource)),
    value: share(row.used),
    behind: share(row.promised),
    ...(peak === undefined ? {} : { at: share(peak) }),
    text: `${amount(row.resource, row.used)} of ${amount(row.resource, row.capacity)}`,
    note: `promised ${amount(row.resource, row.promised)}${peak === undefined ? "" : `; expected up to ${amount(row.resource, peak)}`}`,
  };
}

export function Tasks({ rows }: { rows: TaskRow[] }) {
  const columns: Column<TaskRow>[] = [
    { key: "name", head: "Task", cell: (t) => <Name of={t.name} />, by: (t) => t.name },
    { key: "devices", head: "Devices", cell: (t) => number(t.devices), by: (t) => t.devices, numeric: true },
    { key: "priority", head: "Priority", cell: (t) => number(t.priority), by: (t) => t.priority, numeric: true, minor: true },
    { key: "age", head: "Submitted", cell: (t) => ago(now.value, t.submitted_seconds), by: (t) => -t.submitted_seconds, numeric: true },
    { key: "mark", head: "Moving", cell: (t) => (t.do_not_disrupt ? "must not be moved" : "may be moved"), by: (t) => (t.do_not_disrupt ? 1 : 0), minor: true },
  ];
  return rows.length ? <Table rows={rows} columns={columns} id={(t) => t.name} caption="Tasks" first="name" /> : <Empty>No task stands here.</Empty>;
}
