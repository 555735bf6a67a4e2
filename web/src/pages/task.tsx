/** One task: where it stands or why it waits, and all that was decided about it. */
import { Card, Empty, Figure, Name, Same, State, useThing } from "../parts.tsx";
import { now, nodesNow, route, set, tasks } from "../store.ts";
import type { Explanation } from "../api.ts";
import { ago, clock, number, reason, sentence } from "../words.ts";
import { beside } from "./whatif.tsx";
import { Why } from "./why.tsx";
import { DecisionList, Fits } from "./lists.tsx";

export function Task({ name }: { name: string }) {
  const asked = route.value.query.not ?? "";
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
      {task?.state === "waiting" && body.starts && <p>{sentence(body.starts.sentence)}.</p>}
      <WhyNot body={body} isWaiting={task?.state === "waiting"} />
      {body.decisions[0] && <Why decision={body.decisions[0]} />}
      <Card title="Decided about it" note="the newest first">
        <DecisionList rows={body.decisions} none="Lepton has decided nothing about this task; the cluster's own scheduler placed it." />
      </Card>
      <Same
        cli={`lepton explain ${name}${asked ? ` --why-not ${asked}` : ""}`}
        api={`GET /api/v1/explain/${name}${asked ? `?why_not=${asked}` : ""}`}
      />
    </>
  );
}

interface WhyNotProps {
  body: Explanation;
  isWaiting: boolean;
}

/** Why not on a node, and the smallest changes after which it would fit. */
function WhyNot({ body: { id, would_fit: fit }, isWaiting }: WhyNotProps) {
  const asked = route.value.query.not ?? "";
  return (
    <div class="grid two">
      {isWaiting && (
        <Card title="What would help" note={fit ? "the least change anywhere" : ""}>
          {fit ? <Fits rows={[fit]} /> : <Empty>No small change was found after which it would fit.</Empty>}
        </Card>
      )}
      <Card
        title="Why not on"
        more={
          <>
            <input aria-label="Node" list="why-not-nodes" placeholder="a node…" value={asked} onChange={(e) => set({ not: e.currentTarget.value.trim() })} />
            <datalist id="why-not-nodes">{nodesNow.value.slice(0, 500).map(({ name }) => <option key={name} value={name} />)}</datalist>
          </>
        }
      >
        {asked ? <InTheWay key={asked} task={id} node={asked} /> : <Empty>Choose a node: what is in the way is asked of a copy of the live cluster.</Empty>}
      </Card>
      <p><a href={beside({ submit: `${id}x4` })}>What if four more like it came?</a></p>
    </div>
  );
}

function InTheWay({ task, node }: { task: string; node: string }) {
  const { body, problem } = useThing("/api/v1/explain/{id}", { id: task }, { why_not: node });
  const why = body?.why_not;
  if (!why) return <Empty>{problem ? `${sentence(problem)}.` : "Asking…"}</Empty>;
  return (
    <>
      <p>{sentence(why.sentence)}.</p>
      <ul class="plainlist">
        {why.obstacles.map((one) => <li key={one.code}>{sentence(one.sentence)} <code>{one.code}</code></li>)}
      </ul>
      <Fits rows={why.would_fit} />
    </>
  );
}
