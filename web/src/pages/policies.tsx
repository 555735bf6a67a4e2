/** Who decides: a learned policy, or the rule in its place, and on what evidence. */
import type { CandidateState, LearnedRow, ServingRow } from "../api.ts";
import { Card, Empty, Figure, Same, State, useThing } from "../parts.tsx";
import { now } from "../store.ts";
import { type Column, Table } from "../table.tsx";
import { ago, duration, minus, number } from "../words.ts";

const QUESTIONS: Record<string, string> = { placement: "On which node a task starts", order: "Which task starts first" };
const RULES: Record<string, string> = { fgd: "fragmentation gradient descent", saf: "smallest area first" };
/** How candidates stand, as other things do. */
const STANDS: Record<CandidateState, string> = { learning: "underway", failed: "rejected", proposed: "proposed", serving: "done", demoted: "undone" };
/** Comparisons that are looked at. */
const WINDOW = 20;

export function Policies() {
  const { body, problem } = useThing("/api/v1/policies", {});
  if (!body) return <Empty>{problem || "Asking…"}</Empty>;
  const learned = body.items.filter((row) => row.learned).length;
  const heading = learned === body.items.length ? "Learned policies decide both questions" : learned === 0 ? "Rules decide both questions" : "A learned policy decides one question, a rule the other";
  return (
    <>
      <div class="head"><h1>{heading}.</h1></div>
      <p class="lead soft narrow">No learned policy is better everywhere. Each is compared with the rule in whose place it serves, on the same work, and the rule takes over where the model is seen to be worse.</p>
      <div class="grid two">{body.items.map((row) => <Serving key={row.decides} of={row} />)}</div>
      <Learned />
      <Same cli="lepton get policies" api="GET /api/v1/policies" />
    </>
  );
}

function Serving({ of }: { of: ServingRow }) {
  return (
    <Card title={QUESTIONS[of.decides] ?? of.decides} note={`by ${of.learned ? "the learned policy" : "the rule"}`}>
      <p class="contest">
        <span class={of.learned ? "serves" : "soft"}><State of={of.learned ? "done" : "waits"} word={`${of.model}, learned`} /></span>
        <span class={of.learned ? "soft" : "serves"}><State of={of.learned ? "waits" : "done"} word={`${RULES[of.rule] ?? of.rule}, rule`} /></span>
      </p>
      <p>{of.note}</p>
      <dl class="figures">
        <Figure label="Comparisons" value={number(of.comparisons)} note={`the last ${WINDOW} count`} />
        <Figure
          label="The learned one gained"
          value={of.gain == null ? "not known yet" : `${of.gain > 0 ? "+" : ""}${minus(of.gain.toFixed(2))}`}
          note={of.half_width == null ? of.unit : `±${of.half_width.toFixed(2)} ${of.unit}`}
        />
      </dl>
      {of.gains.length > 0 && <Gains values={of.gains} unit={of.unit} />}
    </Card>
  );
}

/** What the gate found of a candidate on sequences that were kept apart. */
function found({ verdicts }: LearnedRow): string {
  const last = verdicts.filter((verdict) => verdict.on === "sequences").at(-1);
  if (!last || last.gain == null) return "";
  const width = last.half_width == null ? "" : ` ±${last.half_width.toFixed(2)}`;
  return `${last.gain > 0 ? "+" : ""}${minus(last.gain.toFixed(2))}${width} ${last.unit}`;
}

/** Placements that were learned in service, on this cluster's own mix. */
function Learned() {
  const { body } = useThing("/api/v1/policies/candidates", {}, {}, 5);
  if (!body || (body.adapt === "off" && body.items.length === 0)) return null;
  const columns: Column<LearnedRow>[] = [
    { key: "id", head: "Candidate", cell: (row) => row.id, by: (row) => row.began_seconds },
    { key: "state", head: "State", cell: (row) => <State of={STANDS[row.state]} word={row.state} />, by: (row) => row.state },
    { key: "why", head: "Why", cell: (row) => row.why, by: (row) => row.why },
    { key: "gain", head: "Over what served", cell: found, by: (row) => row.verdicts.at(-1)?.gain ?? 0, numeric: true },
    { key: "generations", head: "Generations", cell: (row) => number(row.generations), by: (row) => row.generations, numeric: true, minor: true },
    { key: "parent", head: "Learned from", cell: (row) => row.parent, by: (row) => row.parent, minor: true },
    { key: "age", head: "Begun", cell: (row) => ago(now.value, row.began_seconds), by: (row) => -row.began_seconds, numeric: true },
  ];
  return (
    <Card title="Learned here" note={`${body.adapt === "promote" ? "what is better serves by itself" : body.adapt === "propose" ? "a person promotes" : "nothing is learned now"}; ${number(body.generations)} generations, ${duration(body.cpu_seconds)} of CPU time since the start`}>
      {body.problem && <p class="problem" role="alert">{body.problem}</p>}
      {body.items.length ? <Table rows={body.items} columns={columns} id={(row) => row.id} caption="Candidates" first="-id" /> : <Empty>No candidate yet: it is learned once the mix of tasks is known.</Empty>}
      <Same cli="lepton policy candidates" api="GET /api/v1/policies/candidates" />
    </Card>
  );
}

/** Each comparison as a bar above or below the line at which both are the same. */
function Gains({ values, unit }: { values: number[]; unit: string }) {
  const most = Math.max(1e-9, ...values.map(Math.abs));
  const [width, half] = [12, 34];
  return (
    <figure class="gains">
      <svg viewBox={`0 0 ${WINDOW * width} ${2 * half + 2}`} role="img" aria-label={`Each comparison, the newest last: ${values.map((v) => v.toFixed(2)).join(", ")} ${unit}`}>
        {values.map((value, i) => {
          const height = Math.max(1, (Math.abs(value) / most) * half);
          return <rect key={i} class={value >= 0 ? "better" : "worse"} x={i * width + 1} width={width - 3} y={value >= 0 ? half - height : half + 2} height={height}><title>{value.toFixed(2)}</title></rect>;
        })}
        <path d={`M0,${half + 1}H${WINDOW * width}`} class="same-line" />
      </svg>
      <figcaption class="note">Each comparison, the newest on the right; above the line the learned policy was better.</figcaption>
    </figure>
  );
}
