/** Why this node: the candidates side by side, the nodes that each rule took out, expected against happened. */
import { useState } from "preact/hooks";
import type { CandidateRow, DecisionRow, RuledOut, RuledOutPage } from "../api.ts";
import { outcome } from "../groups.ts";
import { read } from "../http.ts";
import { Bars, Card, Empty, Figure, Name, State, useThing } from "../parts.tsx";
import { to as toView } from "../route.ts";
import { nodes, nodesNow, route, safety, set, status } from "../store.ts";
import { Fits } from "./lists.tsx";
import { count, hundredths, number, percent, reason, sentence, signed, term, work } from "../words.ts";

export function Why({ decision }: { decision: DecisionRow }) {
  return (
    <div class="grid three">
      <Candidates decision={decision} />
      <Funnel decision={decision} />
      <Expected decision={decision} />
    </div>
  );
}

function Candidates({ decision }: { decision: DecisionRow }) {
  const { candidates, to, policy } = decision;
  // Any node that a person names stands beside them.
  const named = route.value.query.beside ?? "";
  if (candidates.length === 0) {
    return (
      <Card title="Candidates">
        <Empty>{decision.action === "wait" ? "No node could take it." : "No other node was weighed: the step follows from the plan."}</Empty>
        {decision.task && named && <AsItIsNow key={named} task={decision.task} node={named} length={() => 1} />}
        {decision.task && <AnyNode named={named} />}
      </Card>
    );
  }
  const best = [...candidates].sort((a, b) => (a.node === to ? -1 : b.node === to ? 1 : b.score - a.score));
  const scores = candidates.map((c) => c.score);
  const [low, high] = [Math.min(...scores), Math.max(...scores)];
  const most = Math.max(1e-9, ...candidates.flatMap((c) => c.terms.map((t) => Math.abs(t.value))));
  const length = (score: number) => (high > low ? 0.08 + (0.92 * (score - low)) / (high - low) : 1);
  const shown = best.slice(0, 4);
  const recorded = candidates.find((candidate) => candidate.node === named);
  if (recorded && !shown.includes(recorded)) shown.push(recorded);
  return (
    <Card title="Candidates" note={`scored by ${policy}, higher is better`} class={candidates.length > 1 ? "broad" : ""}>
      <div class="candidates">
        {shown.map((candidate, i) => (
          <Candidate key={candidate.node} of={candidate} rank={candidate.node === to ? "Chosen" : i === 1 ? "Runner-up" : "Also weighed"} length={length(candidate.score)} most={most} />
        ))}
        {named && !recorded && decision.task && <AsItIsNow key={named} task={decision.task} node={named} length={length} most={most} />}
      </div>
      {decision.task && <AnyNode named={named} />}
      <p class="soft">{verdict(best, to)}</p>
      {decision.task && best[1] && <p><a href={toView("tasks", decision.task, { not: best[1].node })}>Why not on {best[1].node} now?</a></p>}
    </Card>
  );
}

/** Asks for the node that stands beside the candidates. */
function AnyNode({ named }: { named: string }) {
  return (
    <p class="controls">
      <label>
        Beside them{" "}
        <input list="beside-nodes" placeholder="any node…" value={named} onChange={(e) => set({ beside: e.currentTarget.value.trim() })} />
      </label>
      <datalist id="beside-nodes">{nodesNow.value.slice(0, 500).map(({ name }) => <option key={name} value={name} />)}</datalist>
    </p>
  );
}

interface AsItIsNowProps {
  task: string;
  node: string;
  length: (score: number) => number;
  /** The largest term of the candidates, where there are any. */
  most?: number;
}

/** A node of which the record says nothing: how it would be scored for the task now, or what keeps the task off it. */
function AsItIsNow({ task, node, length, most }: AsItIsNowProps) {
  const { body, problem } = useThing("/api/v1/explain/{id}", { id: task }, { why_not: node }, 5);
  const why = body?.why_not;
  const weighed = why?.weighed.find((of) => of.node === node);
  if (weighed) {
    const longest = most ?? Math.max(1e-9, ...weighed.terms.map((t) => Math.abs(t.value)));
    return <Candidate of={weighed} rank="As it is now" length={length(weighed.score)} most={longest} />;
  }
  return (
    <div class="candidate">
      <h3><span class="kind">As it is now</span> {node}</h3>
      <p class="soft">{why ? `${sentence(why.sentence)}.` : problem ? `${sentence(problem)}.` : "Asking…"}</p>
      {why && <Fits rows={why.would_fit} />}
    </div>
  );
}

/** Why the chosen one is the first though another scored higher, in one sentence. */
function verdict(best: CandidateRow[], to: string | null | undefined): string {
  const [chosen, ...others] = best;
  if (!chosen || chosen.node !== to) return "";
  const higher = others.filter((other) => other.score > chosen.score);
  if (higher.length === 0) return "";
  return higher.every((other) => !other.safe)
    ? `${count(higher.length, "node")} scored higher and would be above the safety level.`
    : `${count(higher.length, "node")} scored higher; the plan as a whole is better this way.`;
}

/** `most` is the largest term of all candidates, so that theirs can be compared. */
function Candidate({ of, rank, length, most }: { of: CandidateRow; rank: string; length: number; most: number }) {
  return (
    <div class={rank === "Chosen" ? "candidate chosen" : "candidate"}>
      <h3><span class="kind">{rank}</span> <Name of={of.node} /></h3>
      <Bars
        most={1}
        rows={[{ label: "Score", value: length, text: hundredths(of.score) }]}
      />
      {of.terms.length > 0 && (
        <div class="terms">
          <Bars
            most={most}
            rows={of.terms.map((t) => ({ label: sentence(term(t.code)), value: Math.abs(t.value), text: signed(t.value), tone: t.value < 0 ? ("quiet" as const) : ("plain" as const) }))}
          />
        </div>
      )}
      <Bars
        most={1}
        mark={safety.value}
        rows={[{ label: "Expected use", value: of.expected_use, text: percent(of.expected_use), tone: of.safe ? "plain" : "warn", note: of.safe ? `below the safety level of ${percent(safety.value)}` : `above the safety level of ${percent(safety.value)}` }]}
      />
    </div>
  );
}

/** What each rule took out; a click on a rule shows which nodes. */
function Funnel({ decision }: { decision: DecisionRow }) {
  const rows = [...decision.ruled_out].sort((a, b) => b.nodes - a.nodes);
  const all = nodes.value.length;
  const out = rows.reduce((sum, row) => sum + row.nodes, 0);
  const left = Math.max(0, all - out);
  const open = route.value.query.rule ?? "";
  return (
    <Card title="Which nodes were left" note={`${number(left)} of ${number(all)} could take it`}>
      {rows.length === 0 ? <Empty>No rule took a node out.</Empty> : (
        <Bars
          most={all}
          rows={[
            ...rows.map((row) => ({
              label: (
                <button type="button" class="link" aria-expanded={open === row.rule} title="Which nodes" onClick={() => set({ rule: open === row.rule ? "" : row.rule })}>
                  {sentence(reason(row.rule))}
                </button>
              ),
              value: row.nodes,
              text: `−${number(row.nodes)}`,
              tone: "quiet" as const,
              ...(open === row.rule ? { below: <Behind key={row.rule} row={row} task={decision.task ?? ""} /> } : {}),
            })),
            { label: "Left", value: left, text: count(left, "node"), tone: "plain" as const },
          ]}
        />
      )}
    </Card>
  );
}

/** The nodes behind a count: those that the record names, and on request all that the rule keeps the task from now. */
function Behind({ row, task }: { row: RuledOut; task: string }) {
  const [now, setNow] = useState<RuledOutPage | null>(null);
  const [problem, setProblem] = useState("");
  const more = async () => {
    const cursor = now?.next_cursor ? { cursor: now.next_cursor } : {};
    try {
      const page = await read("/api/v1/tasks/{name}/ruled-out", { name: task }, { rule: row.rule, ...cursor });
      setNow({ ...page, items: [...(now?.items ?? []), ...page.items] });
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  const shown = now ? now.items : row.named;
  const rest = (now ? now.nodes : row.nodes) - shown.length;
  return (
    <div class="behind">
      <p class="note">{now ? `${count(now.nodes, "node")} as the cluster stands now` : `As it was decided${rest > 0 ? `, the first ${number(shown.length)}` : ""}`}</p>
      <p class="names">{shown.map((name) => <Name key={name} of={name} />)}{rest > 0 && <span class="soft">and {number(rest)} more</span>}</p>
      {problem ? <p class="note">{sentence(problem)}.</p> : task && (now ? now.next_cursor : rest > 0) && (
        <button type="button" class="link" onClick={more}>{now ? "More" : "All that it keeps out now"}</button>
      )}
    </div>
  );
}

function Expected({ decision }: { decision: DecisionRow }) {
  const { gain_device_minutes: gain, cost_device_minutes: cost, result, result_why: why } = decision;
  if (decision.action === "wait") return null;
  return (
    <Card title="Expected, and what came of it">
      <dl class="figures">
        <Figure label="Expected gain" value={work(gain)} />
        <Figure label="Expected cost" value={work(cost)} />
        <Figure label="Result" value={<State of={outcome(decision, status.value?.open_plan)} />} note={why ?? (result ? "" : "a proposal; nothing was touched")} />
      </dl>
    </Card>
  );
}
