/** Who decides: a learned policy, or the rule in its place, and on what evidence. */
import type { ServingRow } from "../api.ts";
import { Card, Empty, Figure, Same, State, useThing } from "../parts.tsx";
import { minus, number } from "../words.ts";

const QUESTIONS: Record<string, string> = { placement: "On which node a task starts", order: "Which task starts first" };
const RULES: Record<string, string> = { fgd: "fragmentation gradient descent", saf: "smallest area first" };
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
