/** A question of what would be, asked of a copy of the live cluster or of one of the past; the question is the address, of a view of its own or of the drawer beside
 * any other. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { WhatIf as Answer, WhatIfFigures } from "../api.ts";
import { write } from "../http.ts";
import { Card, Empty, Name, Same } from "../parts.tsx";
import { format, to } from "../route.ts";
import { commandOf, packed, scenarioOf, unpacked } from "../scenario.ts";
import { nodesNow, past, route, set, tasks } from "../store.ts";
import { clock, count, number, percent, reason, sentence, signed } from "../words.ts";

interface Fields {
  drain: string;
  add: string;
  submit: string;
  gang: string;
  policy: string;
  when: string;
}

const POLICIES = ["lepton", "fgd", "best-fit", "first-fit", "worst-fit", "even-share"];

export function WhatIf() {
  return <Asking query={route.value.query} ask={(fields) => set({ ...fields })} />;
}

/** The address of what is looked at now, with a question in the drawer. */
export function beside(query: Record<string, string>): string {
  const { view, id, query: now } = route.value;
  return format({ view, id, query: { ...now, whatif: packed(query) } });
}

/** The question beside whatever else is looked at; it begins with the node or the task that is. */
export function WhatIfDrawer() {
  const { view, id, query } = route.value;
  const box = useRef<HTMLDivElement | null>(null);
  const isOpen = !!query.whatif;
  useEffect(() => {
    if (!isOpen) return undefined;
    const before = document.activeElement;
    box.current?.querySelector("input")?.focus();
    return () => before instanceof HTMLElement && before.focus();
  }, [isOpen]);
  if (!isOpen) return null;
  const asked = unpacked(query.whatif ?? "");
  const of = view === "cluster" ? { drain: id } : view === "tasks" && id ? { submit: `${id}x4` } : {};
  const about = past.value ? { ...of, when: String(past.value.figures.time_seconds) } : of;
  const close = () => set({ whatif: "" });
  return (
    <div class="drawer" role="dialog" aria-label="What if" ref={box} onKeyDown={(event) => event.key === "Escape" && close()}>
      <header>
        <a href={to("whatif", "", asked)}>As a view of its own</a>
        <button type="button" onClick={close}>Close</button>
      </header>
      <Asking query={asked} about={about} ask={(fields) => set({ whatif: packed({ ...fields }) })} />
    </div>
  );
}

interface AskingProps {
  query: Record<string, string>;
  /** What the question begins with while nothing is asked. */
  about?: Partial<Fields>;
  ask: (fields: Fields) => void;
}

function Asking({ query, about = {}, ask }: AskingProps) {
  const question = scenarioOf(query);
  const key = JSON.stringify(question);
  const [answer, setAnswer] = useState<{ body: Answer | null; problem: string; of: string }>({ body: null, problem: "", of: "" });
  useEffect(() => {
    if (!question) return;
    write("/api/v1/whatif", {}, {}, question)
      .then((body) => setAnswer({ body, problem: "", of: key }))
      .catch((error: Error) => setAnswer({ body: null, problem: error.message, of: key }));
  }, [key]);
  const isOver = answer.of === key;
  return (
    <>
      <div class="head"><h1>{question ? (isOver ? sentence(answer.body?.sentence ?? "No answer") : "Playing it on a copy of the cluster…") : "What if?"}{isOver && question ? "." : ""}</h1></div>
      <Question key={key} query={question ? query : { ...about, ...query }} ask={ask} />
      {question && isOver && answer.problem && <p class="problem" role="alert">{answer.problem}</p>}
      {question && isOver && answer.body && question.at_seconds != null && <p class="note">On the cluster as it was at {clock(answer.body.as_of_seconds)}.</p>}
      {question && isOver && answer.body && <Found body={answer.body} />}
      {!question && <Empty>Nothing is touched: up to five turns are played on a copy of the cluster, once as it is and once changed.</Empty>}
      <Same cli={commandOf(query)} api="POST /api/v1/whatif" />
    </>
  );
}

function Question({ query, ask }: { query: Partial<Fields>; ask: (fields: Fields) => void }) {
  const [fields, setFields] = useState<Fields>({ drain: "", add: "", submit: "", gang: "", policy: "", when: "", ...query });
  const field = (name: keyof Fields, label: string, hint: string, list: string) => (
    <label>
      {label}
      <input value={fields[name]} placeholder={hint} list={list || undefined} onInput={(e) => setFields({ ...fields, [name]: e.currentTarget.value })} />
    </label>
  );
  const [node, task] = [nodesNow.value[0]?.name ?? "node-0001", tasks.value[0]?.name ?? "task-000042"];
  return (
    <form
      class="question"
      onSubmit={(event) => {
        event.preventDefault();
        ask(fields);
      }}
    >
      {field("drain", "Nodes are drained", node, "nodes")}
      {field("add", "Nodes are added, like", `${node}x2`, "nodes")}
      {field("submit", "Tasks come, like", `${task}x4`, "tasks")}
      <label>
        As a gang
        <select value={fields.gang} onChange={(e) => setFields({ ...fields, gang: e.currentTarget.value })}>
          <option value="">each alone</option>
          <option value="yes">all or none</option>
        </select>
      </label>
      <label>
        Nodes are scored by
        <select value={fields.policy} onChange={(e) => setFields({ ...fields, policy: e.currentTarget.value })}>
          <option value="">the serving policy</option>
          {POLICIES.map((name) => <option key={name} value={name}>{name}</option>)}
        </select>
      </label>
      {field("when", "At this second of the cluster's time", "now", "")}
      <button type="submit" class="button">Play it</button>
      <datalist id="nodes">{nodesNow.value.slice(0, 500).map(({ name }) => <option key={name} value={name} />)}</datalist>
      <datalist id="tasks">{tasks.value.slice(0, 500).map(({ name }) => <option key={name} value={name} />)}</datalist>
    </form>
  );
}

const FIGURES: [keyof WhatIfFigures, string, (value: number) => string][] = [
  ["running", "Tasks running", number],
  ["waiting", "Tasks waiting", number],
  ["hot_nodes", "Hot nodes", number],
  ["devices_held", "Devices held", percent],
  ["stranded_devices", "Stranded devices", number],
  ["imbalance", "Imbalance of load", number],
  ["moves", "Tasks moved on the way", number],
];

function Found({ body }: { body: Answer }) {
  const { with: changed, without: asIs, concerned, gain, lose, stay, steps } = body;
  return (
    <div class="grid two">
      <Card title="As it is, and changed">
        <table>
          <thead><tr><th scope="col">Figure</th><th scope="col" class="number">As it is</th><th scope="col" class="number">Changed</th><th scope="col" class="number">Difference</th></tr></thead>
          <tbody>
            {FIGURES.map(([name, label, shown]) => (
              <tr key={name}>
                <td>{label}</td>
                <td class="number">{shown(asIs[name])}</td>
                <td class="number">{shown(changed[name])}</td>
                <td class="number">{name === "devices_held" ? `${signed(Math.round((changed[name] - asIs[name]) * 1000) / 10)} points` : signed(changed[name] - asIs[name])}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Card>
      <Card title="What becomes of the tasks concerned" note={count(concerned.length, "task")}>
        {concerned.length === 0 ? <Empty>None is concerned.</Empty> : (
          <ul class="plainlist">
            {concerned.slice(0, 30).map((task) => (
              <li key={task.task}><Name of={task.task} /> {task.node ? <>goes to <Name of={task.node} /></> : `would wait: ${reason(task.waits_for ?? "Undecided")}`}</li>
            ))}
          </ul>
        )}
      </Card>
      <Names title="Start only with the change" names={gain} />
      <Names title="Run only without it" names={lose} />
      {stay.length > 0 && <Names title="Stay, since they must not be disturbed" names={stay} />}
      <Card title="First steps" note={count(steps.length, "step")}>
        {steps.length === 0 ? <Empty>Nothing would be done.</Empty> : <ol class="plainlist">{steps.slice(0, 30).map((step, i) => <li key={i}>{sentence(step)}</li>)}</ol>}
      </Card>
    </div>
  );
}

function Names({ title, names }: { title: string; names: string[] }) {
  return (
    <Card title={title} note={count(names.length, "task")}>
      {names.length === 0 ? <Empty>None.</Empty> : <p class="names">{names.slice(0, 60).map((name) => <Name key={name} of={name} />)}</p>}
    </Card>
  );
}
