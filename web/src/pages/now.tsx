/** The first minute: healthy or not, what is hot, what waits and why, what was done and is wanted, whether it was worth it. */
import { Chart } from "../chart.tsx";
import { type Standing, deeds, standing } from "../groups.ts";
import { FirstVisit } from "../firstvisit.tsx";
import { HeatMap, Legend } from "../heatmap.tsx";
import { Bars, Calm, Card, Empty, Figure, Same, State } from "../parts.tsx";
import { headline, sum, worth } from "../plan.ts";
import { to } from "../route.ts";
import { Timeline } from "../timeline.tsx";
import { decisions, go, load, nodes, now, openPlan, past, route, safety, set, status, turns, waits } from "../store.ts";
import { ago, asks, clock, count, duration, number, percent, reason, resource, sentence, verb, work } from "../words.ts";
import { MEASURES, cellsOf, describer, measureOf } from "./cells.ts";
import { useMemo } from "preact/hooks";

export function Now() {
  return (
    <div class="now">
      <Headline />
      <FirstVisit />
      <div class="grid">
        <Map />
        <Wants />
        <Waits />
        <Did />
        <Trend />
        <Worth />
      </div>
      <Same cli="lepton status" api="GET /api/v1/status" />
    </div>
  );
}

/** The state of the cluster as a person would say it. */
function Headline() {
  const counts: Partial<Record<Standing, number>> = {};
  for (const node of nodes.value) {
    const of = standing(node, safety.value);
    counts[of] = (counts[of] ?? 0) + 1;
  }
  const bad = (of: Standing) => counts[of] ?? 0;
  const ill = [
    [bad("down"), "down"],
    [bad("sick"), "sick"],
    [bad("likely to fail"), "likely to fail"],
    [bad("hot"), "hot"],
    [bad("cordoned"), "cordoned"],
  ].filter(([many]) => many) as [number, string][];
  const all = nodes.value.length;
  const then = past.value?.figures;
  const well = ill.length
    ? `${ill.map(([many, word]) => `${many} ${word}`).join(", ")} of ${count(all, "node")}`
    : all === 1
      ? "The one node is well"
      : `All ${number(all)} nodes are well`;
  const first = waits.value?.groups[0];
  const waiting = then
    ? `${count(then.waiting, "task")} waited`
    : first
      ? `${count(waits.value?.tasks ?? 0, "task")} waiting, mostly: ${reason(first.code)}`
      : "nothing waits";
  const problems = status.value?.problems ?? [];
  return (
    <h1>
      {sentence(well)}; {waiting}.
      {problems.length > 0 && <span class="problem">{problems.join("; ")}</span>}
    </h1>
  );
}

function Map() {
  const measure = measureOf(route.value.query.measure, nodes.value);
  const cells = useMemo(() => cellsOf(nodes.value, measure, safety.value, false), [nodes.value, measure, safety.value]);
  return (
    <Card
      title="Cluster"
      class="map"
      note={<Legend low="0%" high={measure.full} />}
      more={
        <select aria-label="What the colour shows" value={measure.key} onChange={(e) => set({ measure: e.currentTarget.value })}>
          {MEASURES.map(({ key, name }) => <option key={key} value={key}>{name}</option>)}
        </select>
      }
    >
      <HeatMap
        cells={cells}
        height={innerWidth >= 1900 ? 430 : 300}
        most={96}
        label={`${measure.name} of ${cells.length} nodes`}
        describe={describer(nodes.value, measure, safety.value)}
        onChoose={(cell) => go(to("cluster", cell.name))}
      />
      <Timeline />
      <p class="keys">
        <State of="hot" word={`hot, above ${percent(safety.value)}`} /> <State of="sick" word="sick or likely to fail" />
        <State of="down" /> <State of="cordoned" />
      </p>
    </Card>
  );
}

function Wants() {
  const plan = openPlan.value;
  const mode = status.value?.mode;
  const off = status.value?.snoozes[0];
  if (!plan) {
    return (
      <Card title="Lepton wants to" class="wants">
        <Empty>
          {off && `Put off until ${clock(off.until_seconds)}: ${off.steps[0]}${off.steps.length > 1 ? ` and ${number(off.steps.length - 1)} more` : ""}. `}
          {asks(status.value) && "Nothing now. A plan that pays for itself appears here and waits for your word."}
          {mode === "act" && !asks(status.value) && "Plans are carried out as they are made; what was done is below."}
          {mode === "observe" &&
            (status.value?.can_act
              ? "Nothing: it only looks on. `lepton serve --mode recommend` lets it propose."
              : "Nothing: what it is connected to is only looked at.")}
        </Empty>
      </Card>
    );
  }
  const { gain, cost } = sum(plan);
  return (
    <Card title="Lepton wants to" class="wants" note={`${plan.id}, ${ago(now.value, plan.time_seconds)}`}>
      <p class="lead">{headline(plan)}.</p>
      <p class="soft">{sentence(worth(plan))}, {gain > 0 && cost > 0 ? `${number(gain / cost)} times its cost` : "no cost"}.</p>
      <p><a class="button" href={to("plans", plan.id)}>Look at the plan</a></p>
    </Card>
  );
}

function Waits() {
  const groups = waits.value?.groups ?? [];
  const all = waits.value?.tasks ?? 0;
  return (
    <Card title="Waiting" class="waits" note={all ? count(all, "task") : ""} more={<a href={to("tasks", "", { state: "waiting" })}>All</a>}>
      {groups.length === 0 ? (
        <Empty>Nothing waits.</Empty>
      ) : (
        <Bars
          rows={groups.slice(0, 3).map((group) => ({
            label: <a href={to("tasks", "", { state: "waiting", reason: group.code })}>{sentence(reason(group.code))}</a>,
            value: group.tasks,
            text: number(group.tasks),
            note: `${number(group.devices)} devices, oldest ${duration(group.oldest_seconds)}`,
          }))}
        />
      )}
    </Card>
  );
}

function Did() {
  const steps = decisions.value.filter((d) => d.action !== "wait" && (d.result || d.plan === openPlan.value?.id));
  return (
    <Card title="Decided" class="did" more={<a href={to("decisions")}>All</a>}>
      {steps.length === 0 ? (
        <Empty>Nothing was carried out yet, and nothing waits for your word.</Empty>
      ) : (
        <Calm rows={steps} id={(row) => row.id}>
          {(rows) => (
            <ol class="feed">
              {rows.slice(0, 8).map((row) => (
                <li key={row.id}>
                  <State of={row.result ?? "proposed"} />
                  <a href={to("decisions", row.id)}>
                    {verb(row.action)} {row.task ?? row.to}
                  </a>
                  <span class="soft">{row.to && row.task ? `to ${row.to}: ` : ""}{reason(row.code)}</span>
                  <time>{ago(now.value, row.time_seconds)}</time>
                </li>
              ))}
            </ol>
          )}
        </Calm>
      )}
    </Card>
  );
}

function Trend() {
  const all = turns.value;
  const times = useMemo(() => all.map((turn) => turn.time_seconds), [all]);
  const lines = useMemo(
    () => [
      { label: "devices held", values: all.map((turn) => turn.devices_held), color: "c0", fill: true },
      { label: "mean load", values: all.map((turn) => turn.mean_used), color: "c1" },
    ],
    [all],
  );
  return (
    <Card title="Over time" class="trend" more={<a href={to("forecast")}>What is expected</a>}>
      {all.length > 1 ? (
        <Chart
          times={times}
          lines={lines}
          height={196}
          most={1}
          label="Devices held and load over time; a click goes back to that turn"
          format={(v) => percent(v)}
          {...(past.value ? { chosen: past.value.figures.time_seconds } : {})}
          onChoose={goTo}
        />
      ) : (
        <Empty>From the second turn on.</Empty>
      )}
    </Card>
  );
}

/** Looks at the turn nearest to a time. */
function goTo(time: number) {
  const all = turns.value;
  if (all.length === 0) return;
  const near = all.reduce((best, turn) => (Math.abs(turn.time_seconds - time) < Math.abs(best.time_seconds - time) ? turn : best));
  set({ at: near.id });
}

function Worth() {
  const all = deeds(turns.value);
  const since = turns.value[0]?.time_seconds ?? now.value;
  const stood = load.value?.now?.stranded ?? [];
  const free = stood.reduce((sum, row) => sum + row.devices, 0);
  const { gain_device_minutes: gain, cost_device_minutes: cost } = all;
  const done = all.places + all.moves + all.preemptions + all.drains + all.reopened;
  const kinds = [
    all.places && count(all.places, "start"),
    all.moves && count(all.moves, "move"),
    all.preemptions && count(all.preemptions, "stop"),
    all.drains && `${count(all.drains, "node")} closed`,
  ].filter((kind) => kind);
  return (
    <Card title="Worth it?" class="worth" note={since < now.value ? `the last ${duration(now.value - since)}` : ""}>
      <dl class="figures">
        <Figure label="Carried out" value={count(done, "step")} note={kinds.join(", ")} />
        <Figure label="Expected gain" value={work(gain)} note={`for ${work(cost)}`} />
        <Figure label="Refused or undone" value={count(all.refused, "step")} note="the world had changed, or it no longer paid" />
        <Figure label="Stranded now" value={count(Math.round(free * 10) / 10, "device")} note={`bottleneck: ${resource(load.value?.now?.bottleneck ?? "none")}`} />
      </dl>
    </Card>
  );
}
