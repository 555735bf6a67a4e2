/** Whether the machine itself is sound. */
import { Card, Empty, Figure, Same, State } from "../parts.tsx";
import { now, status } from "../store.ts";
import { clock, duration, number } from "../words.ts";

export function System() {
  const of = status.value!;
  return (
    <>
      <div class="head">
        <h1>{of.state === "ok" ? "The loop turns and nothing is wrong with it." : `The loop is ${of.state}.`}</h1>
        <State of={of.state} word={of.state === "ok" ? "Healthy" : of.state} />
      </div>
      <dl class="figures wide">
        <Figure label="Mode" value={of.mode} note={MODES[of.mode]} />
        <Figure label="Turn" value={number(of.turn)} note={clock(now.value)} />
        <Figure label="Last turn took" value={duration(of.turn_seconds)} />
        <Figure label="Version" value={of.version} />
      </dl>
      <div class="grid two">
        <Card title="Problems">
          {of.problems.length ? <ul class="plainlist">{of.problems.map((p) => <li key={p}>{p}</li>)}</ul> : <Empty>None.</Empty>}
        </Card>
        <Card title="Sources that have not looked for too long">
          {of.stale_sources.length ? <ul class="plainlist">{of.stale_sources.map((s) => <li key={s}>{s}</li>)}</ul> : <Empty>None: all of them are fresh.</Empty>}
        </Card>
        <Card title="For programs">
          <ul class="plainlist">
            <li><a href="/api/v1/openapi.json">The interface as OpenAPI 3.1</a></li>
            <li><a href="/metrics">Measures in the text format of Prometheus</a></li>
            <li><a href="/readyz">Whether it is ready</a></li>
          </ul>
        </Card>
      </div>
      <Same cli="lepton status" api="GET /api/v1/status" />
    </>
  );
}

const MODES: Record<string, string> = {
  observe: "looks on",
  recommend: "proposes; a person approves",
  act: "carries out what pays for itself",
};
