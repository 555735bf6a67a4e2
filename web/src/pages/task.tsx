/** One task: where it stands or why it waits, and all that was decided about it. */
import { Card, Empty, Figure, Name, Same, State, useThing } from "../parts.tsx";
import { now, tasks } from "../store.ts";
import { ago, clock, number, reason, sentence } from "../words.ts";
import { Why } from "./why.tsx";
import { DecisionList } from "./lists.tsx";

export function Task({ name }: { name: string }) {
  const { body, problem } = useThing("/api/v1/explain/{id}", { id: name });
  const task = tasks.value.find((row) => row.name === name);
  if (!body) return <Empty>{problem || "Asking…"}</Empty>;
  const gang = task?.gang ? tasks.value.filter((row) => row.gang === task.gang) : [];
  return (
    <>
      <div class="head">
        <h1><span class="kind">Task</span> {name}</h1>
        {task ? <State of={task.state} /> : <State of="dash" word="ended" />}
      </div>
      <p class="lead">{sentence(body.sentence)}.</p>
      {task && (
        <dl class="figures wide">
          <Figure label="Stands on" value={task.node ? <Name of={task.node} /> : "nothing"} note={task.waits_for ? reason(task.waits_for) : ""} />
          <Figure label="Devices" value={number(task.devices)} />
          <Figure label="Submitted" value={ago(now.value, task.submitted_seconds)} note={clock(task.submitted_seconds)} />
          <Figure label="Priority" value={number(task.priority)} note={task.do_not_disrupt ? "must not be moved" : "may be moved"} />
          {task.owner && <Figure label="Owner" value={task.owner} />}
          {gang.length > 0 && <Figure label="Gang" value={task.gang} note={`${gang.filter((t) => t.node).length} of ${gang.length} placed`} />}
        </dl>
      )}
      {body.decisions[0] && <Why decision={body.decisions[0]} />}
      <Card title="Decided about it" note="the newest first">
        <DecisionList rows={body.decisions} none="Lepton has decided nothing about this task; the cluster's own scheduler placed it." />
      </Card>
      <Same cli={`lepton explain ${name}`} api={`GET /api/v1/explain/${name}`} />
    </>
  );
}
