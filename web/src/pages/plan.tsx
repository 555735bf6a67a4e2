/** One plan: what it does, what the cluster looks like before and after, and the word of a person. */
import { useMemo, useState } from "preact/hooks";
import type { PartRow, PlanBody, RejectionCode } from "../api.ts";
import type { Cell } from "../heat.ts";
import { HeatMap, Legend } from "../heatmap.tsx";
import { spoke } from "../firstvisit.tsx";
import { Refused, write } from "../http.ts";
import { Card, Empty, Figure, Name, Same, State, useThing } from "../parts.tsx";
import { type Effect, changed, effects, headline, reasons, steps, sum, summary, toggled } from "../plan.ts";
import { to } from "../route.ts";
import { go, look, nodes, now, status, tasks } from "../store.ts";
import { ago, clock, count, number, reason, sentence, signed, verb, work } from "../words.ts";

/** Above so many steps the number is typed before a plan is approved. */
const TYPED_ABOVE = 20;
const CODES: [RejectionCode, string][] = [
  ["TooDisruptive", "Too disruptive"],
  ["WrongTime", "Wrong time"],
  ["WrongVictim", "Wrong victim"],
  ["NotWorthIt", "Not worth it"],
  ["Other", "Other"],
];
/** For how long a plan can be put off, minutes. */
const SNOOZES: [number, string][] = [[60, "an hour"], [240, "4 hours"], [720, "12 hours"], [1440, "a day"], [10_080, "a week"]];

export function Plan({ id }: { id: string }) {
  const { body, problem } = useThing("/api/v1/plans/{id}", { id });
  const [out, setOut] = useState<ReadonlySet<string>>(new Set());
  if (!body) return <Empty>{problem || "Asking…"}</Empty>;
  const plan = body;
  const kept = plan.parts.filter((part) => !out.has(part.key));
  const whole = summary(plan.parts);
  const { moves, starts, stops, gain, cost } = sum(whole);
  return (
    <>
      <div class="head">
        <h1><span class="kind">Plan {id}</span> {headline(whole)}.</h1>
        <State of={plan.state} />
      </div>
      <Validity plan={plan} />
      <dl class="figures wide">
        <Figure label="Steps" value={number(steps(plan.parts).length)} note={`in ${count(plan.parts.length, "part")}`} />
        <Figure label="Restarts" value={number(moves + stops)} note={`${count(starts, "waiting task")} ${starts === 1 ? "starts" : "start"}`} />
        <Figure label="Expected gain" value={work(gain)} note={`for ${work(cost)}`} />
        <Figure label="Made" value={ago(now.value, plan.time_seconds)} note={`${count(plan.waiting, "task")} ${plan.waiting === 1 ? "waits" : "wait"} on`} />
        <Figure label="Why" value={sentence(reason(reasons(whole)[0]?.code ?? "Undecided"))} />
      </dl>
      {plan.state === "proposed" && <Word plan={plan} out={out} />}
      {plan.state === "proposed" && <BeforeAfter parts={kept} />}
      <Steps parts={plan.parts} out={out} {...(plan.state === "proposed" ? { toggle: (key) => setOut(toggled(plan.parts, out, key)) } : {})} />
      <Same cli={`lepton explain ${id}`} api={`GET /api/v1/plans/${id}`} />
    </>
  );
}

/** Whether it still stands, and if not, what took its place. */
function Validity({ plan }: { plan: PlanBody }) {
  if (plan.state === "proposed") {
    return <p class="valid"><State of="ok" word="Still valid." /> Made anew each turn with the same effects; checked {ago(now.value, status.value?.time_seconds ?? 0)}</p>;
  }
  if (plan.state !== "superseded") {
    const off = status.value?.snoozes.find((one) => one.plan === plan.id);
    const until = off ? `, until ${clock(off.until_seconds)}` : "";
    return plan.decided_by ? <p class="valid">{sentence(plan.state === "snoozed" ? "put off" : plan.state.replace("_", " "))} by {plan.decided_by}{plan.why ? `: ${plan.why}` : ""}{until}.</p> : null;
  }
  return (
    <div class="valid warn">
      <p>
        <State of="hot" word="No longer valid" /> {plan.decided_by ? `${plan.decided_by} took part of it out: ${plan.why ?? ""}.` : "The cluster changed, so this plan can't be approved."}{" "}
        {plan.successor ? <>In its place: <a href={to("plans", plan.successor)}>{plan.successor}</a>.</> : "None took its place."}
      </p>
      {plan.successor && <Difference plan={plan} next={plan.successor} />}
    </div>
  );
}

/** What went and what came with the plan that took its place. */
function Difference({ plan, next }: { plan: PlanBody; next: string }) {
  const { body } = useThing("/api/v1/plans/{id}", { id: next });
  if (!body) return null;
  const { gone, came, kept } = changed(plan, body);
  return (
    <details>
      <summary>{count(gone.length, "step")} gone, {count(came.length, "step")} new, {number(kept)} the same</summary>
      <ul class="diff">
        {gone.map((step) => <li key={step} class="gone">− {step}</li>)}
        {came.map((step) => <li key={step} class="came">+ {step}</li>)}
      </ul>
    </details>
  );
}

/** Approve or reject, against the effects that were shown. */
function Word({ plan, out }: { plan: PlanBody; out: ReadonlySet<string> }) {
  const [state, setState] = useState<"" | "asking" | "rejecting" | "snoozing">("");
  const [problem, setProblem] = useState<{ text: string; successor: string } | null>(null);
  const [typed, setTyped] = useState("");
  const [code, setCode] = useState<RejectionCode>("TooDisruptive");
  const [why, setWhy] = useState("");
  const [minutes, setMinutes] = useState(240);
  const many = steps(plan.parts).length;
  const guard = many > TYPED_ABOVE;
  const derive = async () => {
    setState("asking");
    setProblem(null);
    try {
      const headers = { "If-Match": `"${plan.effects}"`, "Idempotency-Key": crypto.randomUUID() };
      const { id } = await write("/api/v1/plans/{id}/derive", { id: plan.id }, headers, { without: [...out] });
      await look(true);
      go(to("plans", id));
    } catch (error) {
      setProblem(told(error));
    }
    setState("");
  };
  const snooze = async () => {
    setState("asking");
    setProblem(null);
    const headers = { "If-Match": `"${plan.effects}"`, "Idempotency-Key": crypto.randomUUID() };
    try {
      const { successor } = await write("/api/v1/plans/{id}/snooze", { id: plan.id }, headers, { minutes, parts: [...out], reason: why });
      spoke();
      await look(true);
      if (successor) go(to("plans", successor));
    } catch (error) {
      setProblem(told(error));
    }
    setState("");
    await look(true);
  };
  const say = async (what: "approve" | "reject") => {
    setState("asking");
    setProblem(null);
    const headers = { "If-Match": `"${plan.effects}"`, "Idempotency-Key": key(plan, what) };
    try {
      if (what === "approve") await write("/api/v1/plans/{id}/approve", { id: plan.id }, headers);
      else await write("/api/v1/plans/{id}/reject", { id: plan.id }, headers, { code, reason: why });
      spoke();
    } catch (error) {
      setProblem(told(error));
    }
    setState("");
    await look(true);
  };
  return (
    <section class="word" aria-label="Your word">
      {guard && out.size === 0 && (
        <label>
          It has {many} steps; type the number to approve{" "}
          <input inputMode="numeric" size={4} data-steps={many} value={typed} onInput={(e) => setTyped(e.currentTarget.value)} />
        </label>
      )}
      {out.size > 0 ? (
        <button type="button" class="button" disabled={state === "asking" || out.size === plan.parts.length} onClick={derive}>
          Make it a plan without {count(out.size, "part")}
        </button>
      ) : (
        <button type="button" class="button" disabled={state === "asking" || (guard && typed !== String(many))} onClick={() => say("approve")}>
          Approve and carry out
        </button>
      )}
      <button type="button" aria-expanded={state === "rejecting"} onClick={() => setState(state === "rejecting" ? "" : "rejecting")}>
        Reject…
      </button>
      <button type="button" aria-expanded={state === "snoozing"} onClick={() => setState(state === "snoozing" ? "" : "snoozing")}>
        Put off…
      </button>
      <span class="soft">You approve these effects, <code>{plan.effects.slice(0, 8)}</code>; others are refused.</span>
      {state === "rejecting" && (
        <form
          class="rejecting"
          onSubmit={(event) => {
            event.preventDefault();
            void say("reject");
          }}
        >
          <label>Because <select value={code} onChange={(e) => setCode(e.currentTarget.value as RejectionCode)}>
            {CODES.map(([value, name]) => <option key={value} value={value}>{name}</option>)}
          </select></label>
          <label class="grow">More <input value={why} maxLength={1000} placeholder="not before the demo" onInput={(e) => setWhy(e.currentTarget.value)} /></label>
          <button type="submit">Reject</button>
        </form>
      )}
      {state === "snoozing" && (
        <form
          class="snoozing"
          onSubmit={(event) => {
            event.preventDefault();
            void snooze();
          }}
        >
          <label>{out.size ? sentence(count(out.size, "unticked part")) : "The plan"}, for <select value={minutes} onChange={(e) => setMinutes(Number(e.currentTarget.value))}>
            {SNOOZES.map(([value, name]) => <option key={value} value={value}>{name}</option>)}
          </select></label>
          <label class="grow">Because <input value={why} maxLength={1000} placeholder="after the training run" onInput={(e) => setWhy(e.currentTarget.value)} /></label>
          <button type="submit">Put off</button>
        </form>
      )}
      {problem && (
        <p class="problem" role="alert">
          Not done: {problem.text}. {problem.successor && <a href={to("plans", problem.successor)}>Look at {problem.successor}</a>}
        </p>
      )}
    </section>
  );
}

function told(error: unknown): { text: string; successor: string } {
  const successor = error instanceof Refused ? (error.problem.successor ?? "") : "";
  return { text: error instanceof Error ? error.message : String(error), successor };
}

const keys = new Map<string, string>();

/** One key for one word on one plan, so that a repeated click says nothing twice. */
function key(plan: PlanBody, what: string): string {
  const of = `${plan.id} ${plan.effects} ${what}`;
  const known = keys.get(of) ?? crypto.randomUUID();
  if (what === "approve") keys.set(of, known);
  return known;
}

/** Devices held on the nodes that it touches. */
function BeforeAfter({ parts }: { parts: PartRow[] }) {
  const rows = useMemo(() => effects(parts, nodes.value, tasks.value), [parts, nodes.value, tasks.value]);
  const all = useMemo(() => maps(rows), [rows]);
  const describe = (of: (row: Effect) => string) => (cell: Cell) => {
    const row = rows.find((r) => r.node === cell.name);
    return row ? of(row) : "not touched";
  };
  const open = (cell: Cell) => go(to("cluster", cell.name));
  const held = (row: Effect, value: number) => `${number(value)} of ${row.devices} devices held`;
  const shared = { height: 150, most: 26, onChoose: open };
  return (
    <Card title="Before and after" note="devices held on every node, now and with the plan carried out">
      <div class="maps">
        <figure><figcaption>Before</figcaption><HeatMap {...shared} cells={all.before} label="Before" describe={describe((r) => held(r, r.before))} /></figure>
        <figure><figcaption>After</figcaption><HeatMap {...shared} cells={all.after} label="After" describe={describe((r) => held(r, r.after))} /></figure>
        <figure><figcaption>Difference <Legend low="fewer" high="more" diverging /></figcaption><HeatMap {...shared} cells={all.difference} diverging label="Difference" describe={describe((r) => `${signed(r.after - r.before)} devices`)} /></figure>
      </div>
      <div class="scroll">
        <table>
          <caption class="unseen">Nodes that the plan touches</caption>
          <thead><tr><th scope="col">Node</th><th scope="col" class="number">Held before</th><th scope="col" class="number">Held after</th><th scope="col" class="number">Change</th><th scope="col" class="minor">Leaves</th><th scope="col" class="minor">Arrives</th></tr></thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.node}>
                <td><Name of={row.node} /> {row.closes && <State of="cordoned" word="closes" />}{row.reopens && <State of="up" word="reopens" />}</td>
                <td class="number">{number(row.before)} of {row.devices}</td>
                <td class="number">{number(row.after)} of {row.devices}</td>
                <td class="number">{signed(row.after - row.before)}</td>
                <td class="minor">{row.leaves.join(", ")}</td>
                <td class="minor">{row.arrives.join(", ")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function maps(rows: Effect[]) {
  const touched = new Map(rows.map((row) => [row.node, row]));
  const cells = (value: (row: Effect | undefined, held: number) => number): Cell[] =>
    nodes.value.map((node) => {
      const row = touched.get(node.name);
      return { name: node.name, value: value(row, node.devices_held), mark: row?.closes ? "cordoned" : "", group: "" };
    });
  const share = (value: number, row: Effect) => (row.devices ? value / row.devices : 0);
  return {
    before: cells((_, held) => held),
    after: cells((row, held) => (row ? share(row.after, row) : held)),
    difference: cells((row) => (row ? share(row.after - row.before, row) : 0)),
  };
}

interface StepsProps {
  parts: PartRow[];
  out: ReadonlySet<string>;
  /** Takes a part out or puts it back, with the parts that hang on it. */
  toggle?: (key: string) => void;
}

/** The steps in order, part by part. */
function Steps({ parts, out, toggle }: StepsProps) {
  const after = (part: PartRow) => part.after.map((key) => parts.findIndex((other) => other.key === key) + 1).join(", ");
  return (
    <Card title="Steps" note={`in order; those of a part are done together or not at all${toggle && parts.length > 1 ? "; untick a part to leave it out with what needs it" : ""}`}>
      <ol class="parts">
        {parts.map((part, i) => (
          <li key={part.key} class={out.has(part.key) ? "out" : ""}>
            <header>
              <label>
                {toggle && parts.length > 1 && <input type="checkbox" checked={!out.has(part.key)} onChange={() => toggle(part.key)} />}
                <b>{sentence(reason(part.reason))}</b>
              </label>
              <span class="soft">gains {work(part.gain_device_minutes)} for {work(part.cost_device_minutes)}{part.after.length > 0 && `, after part ${after(part)}`}</span>
              <span class="kind">Part {i + 1}</span>
            </header>
            <ol>
              {part.actions.map((step, n) => (
                <li key={n}>
                  <span class="verb">{verb(step.action)}</span> {step.task && <Name of={step.task} />}
                  <span class="way">{step.from && <Name of={step.from} />}{step.from && step.to && " → "}{step.to && <Name of={step.to} />}</span>
                </li>
              ))}
            </ol>
          </li>
        ))}
      </ol>
    </Card>
  );
}
