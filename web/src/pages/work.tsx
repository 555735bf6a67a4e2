/** All tasks: what runs, what waits, and what for. */
import type { TaskRow } from "../api.ts";
import { Bars, Card, Empty, Name, Same, State } from "../parts.tsx";
import { now, route, set, tasks, waits } from "../store.ts";
import { type Column, Table } from "../table.tsx";
import { ago, count, duration, number, reason, sentence } from "../words.ts";

export function Work() {
  const { state = "", reason: code = "", find = "" } = route.value.query;
  // What the service says keeps a task waiting is said of its whole group; a task alone tells what was decided on it.
  const known = new Map((waits.value?.groups ?? []).flatMap((group) => group.examples.map((name) => [name, group.code])));
  const of = (task: TaskRow) => task.waits_for ?? known.get(task.name) ?? "Undecided";
  const rows = tasks.value.filter(
    (task) =>
      (!state || task.state === state) &&
      (!code || (task.state === "waiting" && of(task) === code)) &&
      task.name.includes(find),
  );
  const groups = waits.value?.groups ?? [];
  const many = (wanted: string) => tasks.value.filter((task) => task.state === wanted).length;
  return (
    <>
      <div class="head">
        <h1>{sentence(count(many("running"), "task"))} running, {number(many("waiting"))} waiting</h1>
        <div class="filters" role="group" aria-label="Tasks that are">
          {["running", "waiting"].map((one) => (
            <button key={one} type="button" aria-pressed={state === one} onClick={() => set({ state: state === one ? "" : one, reason: "" })}>
              <State of={one} /> <b>{number(many(one))}</b>
            </button>
          ))}
        </div>
      </div>
      {groups.length > 0 && (
        <Card title="What keeps work waiting" note="each task under its dominant reason" class="narrow">
          <Bars
            rows={groups.map((group) => ({
              label: <button type="button" class="link" aria-pressed={code === group.code} onClick={() => set({ state: "waiting", reason: code === group.code ? "" : group.code })}>{sentence(reason(group.code))}</button>,
              value: group.tasks,
              text: count(group.tasks, "task"),
              note: `${number(group.devices)} devices, oldest ${duration(group.oldest_seconds)}; ${group.sentence}`,
            }))}
          />
        </Card>
      )}
      <div class="controls">
        <input type="search" placeholder="Name holds" aria-label="Filter by name" value={find} onInput={(e) => set({ find: e.currentTarget.value })} />
        {code && <button type="button" onClick={() => set({ reason: "" })}>{sentence(reason(code))} ✕</button>}
        <span class="soft">{count(rows.length, "task")}</span>
      </div>
      {rows.length === 0 ? <Empty>No task is like that now.</Empty> : <All rows={rows} />}
      <Same cli="lepton get tasks" api={`GET /api/v1/tasks${state ? `?filter=${state}` : ""}`} />
    </>
  );
}

function All({ rows }: { rows: TaskRow[] }) {
  const columns: Column<TaskRow>[] = [
    { key: "name", head: "Task", cell: (t) => <Name of={t.name} />, by: (t) => t.name },
    { key: "state", head: "State", cell: (t) => <State of={t.state} />, by: (t) => t.state },
    { key: "where", head: "Where, or what it waits for", cell: (t) => (t.node ? <Name of={t.node} /> : sentence(reason(t.waits_for ?? "Undecided"))), by: (t) => t.node ?? t.waits_for ?? "" },
    { key: "devices", head: "Devices", cell: (t) => number(t.devices), by: (t) => t.devices, numeric: true },
    { key: "gang", head: "Gang", cell: (t) => t.gang ?? "", by: (t) => t.gang ?? "", minor: true },
    { key: "priority", head: "Priority", cell: (t) => number(t.priority), by: (t) => t.priority, numeric: true, minor: true },
    { key: "age", head: "Submitted", cell: (t) => ago(now.value, t.submitted_seconds), by: (t) => -t.submitted_seconds, numeric: true },
  ];
  return <Table rows={rows} columns={columns} id={(t) => t.name} caption="Tasks" first={route.value.query.state === "waiting" ? "-age" : "-state"} />;
}
