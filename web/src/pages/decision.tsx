/** One decision: the answer in one sentence, then why. */
import { outcome } from "../groups.ts";
import { Empty, Name, Same, State, useThing } from "../parts.tsx";
import { to } from "../route.ts";
import { ago, clock, sentence } from "../words.ts";
import { now, status } from "../store.ts";
import { Why } from "./why.tsx";

export function Decision({ id }: { id: string }) {
  const { body, problem } = useThing("/api/v1/decisions/{id}", { id });
  if (!body) return <Empty>{problem || "Asking…"}</Empty>;
  return (
    <>
      <div class="head">
        <h1><span class="kind">Decision {id}</span> {sentence(body.sentence.replace(/ \([^)]*\)$/, ""))}.</h1>
        <State of={outcome(body, status.value?.open_plan)} />
      </div>
      <p class="facts">
        <span>{clock(body.time_seconds)}, {ago(now.value, body.time_seconds)}</span>
        {body.task && <span>task <Name of={body.task} /></span>}
        {body.plan && <span>part of plan <a href={to("plans", body.plan)}>{body.plan}</a></span>}
        <span>reason <code>{body.code}</code></span>
        <span>policy <code>{body.policy}</code></span>
        <span title="Equal digests mean equal inputs">input <code>{body.input_digest}</code></span>
      </p>
      <Why decision={body} />
      <details class="raw"><summary>The record as JSON</summary><pre>{JSON.stringify(body, null, 2)}</pre></details>
      <Same cli={`lepton explain ${id}`} api={`GET /api/v1/decisions/${id}`} />
    </>
  );
}
