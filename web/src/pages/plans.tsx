/** The plan that waits for a person, and those before it. */
import { useState } from "preact/hooks";
import type { PlanLineRow } from "../api.ts";
import { write } from "../http.ts";
import { Card, Empty, Same, State } from "../parts.tsx";
import { headline, reasons, sum, worth } from "../plan.ts";
import { to } from "../route.ts";
import { look, now, openPlan, plans, route, set, status } from "../store.ts";
import { type Column, Table } from "../table.tsx";
import { ago, asks, clock, duration, number, reason, sentence, work } from "../words.ts";

export function Plans() {
  const open = openPlan.value;
  const past = plans.value.filter((plan) => plan.id !== open?.id);
  const decided = past.filter((plan) => plan.state !== "superseded");
  const isAll = route.value.query.show === "all" || decided.length === 0;
  const rows = isAll ? past : decided;
  return (
    <>
      <div class="head"><h1>{open ? "A plan waits for your word" : "No plan waits"}</h1></div>
      {open ? (
        <section class="open">
          <p class="lead">{headline(open)}.</p>
          <p class="soft">{sentence(worth(open))}. {reasons(open).map((r) => `${r.steps} steps: ${reason(r.code)}`).join("; ")}.</p>
          <p><a class="button" href={to("plans", open.id)}>Look at {open.id}</a></p>
        </section>
      ) : (
        <Empty>
          {asks(status.value)
            ? "Each turn the loop looks for changes that pay for themselves. When it finds some, the plan appears here."
            : `In mode ${status.value?.mode} no plan waits for a person; \`lepton serve --mode recommend\` asks first.`}
        </Empty>
      )}
      <PutOff />
      <Card
        title={isAll ? "All plans" : "Decided"}
        note={isAll ? `the last ${number(past.length)}` : `${number(past.length - decided.length)} others were superseded`}
        more={decided.length > 0 && <button type="button" class="link" onClick={() => set({ show: isAll ? "" : "all" })}>{isAll ? "Only decided ones" : "All"}</button>}
      >
        {rows.length ? <Past rows={rows} /> : <Empty>No plan was made yet.</Empty>}
      </Card>
      <Same cli="lepton get plans" api="GET /api/v1/plans" />
    </>
  );
}

/** What is put off, and until when. */
function PutOff() {
  const [problem, setProblem] = useState("");
  const rows = status.value?.snoozes ?? [];
  if (rows.length === 0) return null;
  const end = async (id: string) => {
    try {
      await write("/api/v1/snoozes/{id}/end", { id });
      setProblem("");
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    await look(true);
  };
  return (
    <Card title="Put off" note="until then plans are proposed without it">
      <ul class="plainlist putoff">
        {rows.map((row) => (
          <li key={row.id}>
            <State of="snoozed" word={`until ${clock(row.until_seconds)}`} />
            <span class="note">in {duration(row.until_seconds - now.value)}</span>
            <span><a class="name" href={to("plans", row.plan)}>{row.plan}</a> {sentence(row.steps.slice(0, 3).join(", "))}{row.steps.length > 3 && ` and ${number(row.steps.length - 3)} more steps`}</span>
            <span class="soft">by {row.actor}{row.why && `: ${row.why}`}</span>
            <button type="button" onClick={() => end(row.id)}>Take up again</button>
          </li>
        ))}
      </ul>
      {problem && <p class="problem" role="alert">{problem}</p>}
    </Card>
  );
}

function Past({ rows }: { rows: PlanLineRow[] }) {
  const columns: Column<PlanLineRow>[] = [
    { key: "id", head: "Plan", cell: (p) => <a class="name" href={to("plans", p.id)}>{p.id}</a>, by: (p) => p.time_seconds },
    { key: "state", head: "State", cell: (p) => <State of={p.state} />, by: (p) => p.state },
    { key: "what", head: "What", cell: (p) => headline(p), by: (p) => headline(p) },
    { key: "gain", head: "Gain", cell: (p) => work(sum(p).gain), by: (p) => sum(p).gain, numeric: true, minor: true },
    { key: "parts", head: "Parts", cell: (p) => number(p.parts), by: (p) => p.parts, numeric: true, minor: true },
    { key: "by", head: "By", cell: (p) => p.decided_by ?? (p.successor ? `replaced by ${p.successor}` : ""), by: (p) => p.decided_by ?? "", minor: true },
    { key: "age", head: "Made", cell: (p) => ago(now.value, p.time_seconds), by: (p) => -p.time_seconds, numeric: true },
  ];
  return <Table rows={rows} columns={columns} id={(p) => p.id} caption="Plans" first="-id" />;
}
