/** Whether the machine itself is sound. */
import { useMemo } from "preact/hooks";
import type { RemoteRow, SourceRow, StageSeconds } from "../api.ts";
import { Chart } from "../chart.tsx";
import { quantile } from "../groups.ts";
import { Bars, Card, Empty, Figure, Same, State } from "../parts.tsx";
import { now, status, turns } from "../store.ts";
import { Trials } from "../trials.tsx";
import { clock, count, duration, number, sentence } from "../words.ts";

const STAGES: (keyof StageSeconds)[] = ["collect", "assess", "decide", "execute", "record"];

export function System() {
  const of = status.value!;
  const took = turns.value.map((turn) => turn.turn_seconds);
  return (
    <>
      <div class="head">
        <h1>{of.state === "ok" ? "The loop turns and nothing is wrong with it." : `The loop is ${of.state}.`}</h1>
        <State of={of.state} word={of.state === "ok" ? "Healthy" : of.state} />
      </div>
      <dl class="figures wide">
        <Figure label="Mode" value={of.mode} note={MODES[of.mode]} />
        {Object.entries(of.owner_modes ?? {}).map(([owner, mode]) => (
          <Figure key={owner} label={`Tasks of ${owner}`} value={mode} note={MODES[mode]} />
        ))}
        <Figure label="Turn" value={number(of.turn)} note={clock(now.value)} />
        <Figure label="A turn takes" value={duration(quantile(took, 0.5))} note={`99 in 100 at most ${duration(quantile(took, 0.99))}`} />
        <Figure label="Version" value={of.version} />
      </dl>
      <div class="grid two">
        <Card title="Where a turn's time goes" note="median and 99th percentile of the last turns">
          <Stages />
        </Card>
        <Card title="Time of a turn" note={`the last ${count(took.length, "turn")}`}>
          <Times />
        </Card>
        <Card title="Problems">
          {of.problems.length ? <ul class="plainlist">{of.problems.map((p) => <li key={p}>{p}</li>)}</ul> : <Empty>None.</Empty>}
        </Card>
        <Card title="Sources" note={sentence(of.connected_to)}>
          {of.sources.length ? of.sources.map((row) => <Source key={row.name} of={row} />) : <Empty>None has looked yet.</Empty>}
        </Card>
        <Card title="Store" note={`instance ${of.store.instance}`}>
          {of.store.remote ? <Remote of={of.store.remote} /> : <Empty>A file on the service's machine; no database elsewhere is told.</Empty>}
          {of.store.kafka ? <Remote of={of.store.kafka} /> : null}
        </Card>
        {of.simulated && (
          <Card title="Try to break it" note="each is a real act on this simulated cluster">
            <Trials />
          </Card>
        )}
        <Card title="For programs">
          <ul class="plainlist">
            <li><a href="/api/v1/openapi.json">The interface as OpenAPI 3.1</a></li>
            <li><a href="/metrics">Measures in the text format of Prometheus</a></li>
            <li><a href="/readyz">Whether it is ready</a></li>
          </ul>
        </Card>
      </div>
      <Same cli="lepton status" api="GET /api/v1/turns" />
    </>
  );
}

/** A source: how old what it told is, and what it cannot see. */
function Source({ of }: { of: SourceRow }) {
  const { series, stream } = of;
  const told = [
    of.looks == null ? "" : `${count(of.looks, "look")}, ${of.failures ? `${number(of.failures)} failed` : "none failed"}; the last took ${duration(of.look_seconds)}`,
    of.rejected ? `${count(of.rejected, "reading")} could not be believed` : "",
    series ? `${number(series.mapped)} series known, ${number(series.unmapped)} of nothing known, ${number(series.ambiguous)} claimed twice` : "",
    stream ? `${count(stream.messages, "message")} read, ${number(stream.lag)} not yet; ${count(stream.dead_letters, "dead letter")}, ${number(stream.late)} late, ${number(stream.unknown)} of nodes that are not known` : "",
    of.problem ?? "",
    ...of.notes,
    ...(series?.examples ?? []),
  ];
  return (
    <>
      <p class="source"><State of={of.stale ? "lost" : "ok"} word={`${of.name}: ${of.stale ? "out of date, last looked" : "looked"} ${duration(of.age_seconds)} ago`} /></p>
      <ul class="plainlist">{told.filter(Boolean).map((line) => <li key={line}>{line}</li>)}</ul>
    </>
  );
}

/** A database elsewhere, or topics of Kafka: whether it takes what it is told, and what waits. */
function Remote({ of }: { of: RemoteRow }) {
  const told = [
    `${count(of.told, "row")} told since the start, ${number(of.waiting)} waiting`,
    of.dropped ? `${count(of.dropped, "row")} of history dropped before they were told` : "",
    of.failures ? `${count(of.failures, "attempt")} failed` : "",
    of.problem ? `${of.problem}; decisions go on` : "",
  ];
  return (
    <>
      <p class="source"><State of={of.problem ? "lost" : "ok"} word={`${of.target}: ${of.problem ? "away" : "told"}`} /></p>
      <ul class="plainlist">{told.filter(Boolean).map((line) => <li key={line}>{line}</li>)}</ul>
    </>
  );
}

function Stages() {
  const of = (stage: keyof StageSeconds, share: number) => quantile(turns.value.map((turn) => turn.stages[stage]), share);
  return (
    <Bars
      rows={STAGES.map((stage) => ({
        label: sentence(stage),
        value: of(stage, 0.5),
        behind: of(stage, 0.99),
        text: `${duration(of(stage, 0.5))}, ${duration(of(stage, 0.99))}`,
      }))}
    />
  );
}

function Times() {
  const shown = turns.value;
  const times = useMemo(() => shown.map((turn) => turn.time_seconds), [shown]);
  const lines = useMemo(() => [{ label: "turn", values: shown.map((turn) => turn.turn_seconds), color: "c0", fill: true }], [shown]);
  return shown.length > 1 ? <Chart times={times} lines={lines} height={190} label="Time of a turn" format={duration} /> : <Empty>From the second turn on.</Empty>;
}

const MODES: Record<string, string> = {
  observe: "looks on",
  recommend: "proposes; a person approves",
  act: "carries out what pays for itself",
};
