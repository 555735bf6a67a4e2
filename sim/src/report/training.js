// The page of `lepton train`: reads the embedded report, words the finding, draws the figures. Nothing is estimated
// here beyond means; gains and their intervals come with the data.

const report = data;
const { history, environments, held_out: held, left_out: leftOut, unit } = report;
const mean = (values) => values.reduce((total, value) => total + value, 0) / values.length;
const checks = history.filter((one) => one.check), generations = history.length > 1 ? history.slice(1) : history;
const rows = (held?.environments ?? []).map((row) => ({ ...row, mean: Object.fromEntries(row.results.map((one) => [one.policy, mean(one.values)])) }));
const learned = rows[0]?.results[0].policy;
/** Policies that played everywhere. */
const policies = (rows[0]?.results ?? []).map((one) => one.policy).filter((name) => rows.every((row) => name in row.mean));
const overall = (name) => mean(rows.map((row) => row.mean[name]));
const indexOf = (name) => policies.indexOf(name);
const gains = rows.filter((row) => row.gain);
const state = { workload: "", bars: "", order: { column: 1, down: true } };
/** Whether a gain is shown: 1 where its 95% interval lies above zero, -1 where below, else 0. */
const shown = ({ mean: middle, half_width: half }) => known(half) ? (middle - half > 0) - (middle + half < 0) : 0;
const unclaimed = () => leftOut.map((one) => `${one.environment}: ${one.reason}.`).join(" ");

/** The finding as [claim, support]: the learned policy against the best rule of each workload. */
function found() {
  const what = `After ${plural(report.generations, "generation")}`;
  if (!rows.length) return [`${what}: nothing is claimed of the policy.`, unclaimed() || "The training was stopped before its result was compared."];
  if (!gains.length) return [`${what}, the policy stands without a rule to be compared with.`, ""];
  const { gain } = held, sure = shown(gain), of = gains.length > 1 ? "the best fixed rule of each workload" : `the best fixed rule, ${gains[0].best_rule}`, start = policies.includes("start") ? overall(learned) - overall("start") : null;
  const better = gains.filter((row) => shown(row.gain) > 0).length, worse = gains.filter((row) => shown(row.gain) < 0).length;
  const least = gains.reduce((low, row) => (row.gain.mean < low.gain.mean ? row : low));
  return [
    sure ? `${what}, the policy ${sure < 0 ? "loses" : "gains"} ${number(Math.abs(gain.mean), 2)} ±${number(gain.half_width, 2)} points ${sure < 0 ? "to" : "over"} ${of}.` : `${what}, the policy cannot be told apart from ${of}: ${interval(gain)} points.`,
    `Mean over ${plural(gains.length, "workload")}, ${plural(held.seeds.length, "sequence")} each, none of them learned from, with its 95% interval. Shown to be better on ${number(better)} of ${number(gains.length)}, worse on ${number(worse)}. Least on ${least.name}: ${interval(least.gain)} against ${least.best_rule}. ${start === null ? "" : `Against the weights that training began with: ${signed(start)}. `}${leftOut.length ? `Nothing is claimed of ${unclaimed()}` : ""}`,
  ];
}

function sayWhat() {
  words(found(), [
    ["Learns", report.decides], ["Workloads", number(environments.length)], ["Generations", number(report.generations)],
    ["Episodes", number(report.episodes)], ["Seed", report.seed], ["Time", `${number(report.seconds)} s on ${plural(report.threads, "thread")}`],
  ], report.stopped_early ? ", stopped before its end" : "");
  if (leftOut.length) [byId("checks-title").textContent, byId("checks-note").textContent] = ["Gain on checked sequences", `Nothing is kept apart of ${leftOut.map((one) => one.environment).join(", ")}: there, the checked sequences are learned from, too.`];
  if (rows.length) byId("held-out-note").textContent = `${plural(held.seeds.length, "sequence")} of each workload, kept apart from learning and from choosing, the same for all policies.`;
}

function drawCurves() {
  const last = history[history.length - 1].generation, x = { domain: [0, Math.max(1, last)], label: "generation", format: number, least: 1, read: (value) => `generation ${number(Math.round(value))}` };
  const format = (value, digits = 3) => signed(value, digits), of = (list) => list.map((one) => one.generation);
  const learner = generations.filter((one) => one.learner);
  lineChart(byId("fitness"), {
    label: "Fitness of the best policy and of the mean, by generation. Arrow keys read values.", x, rest: last, snap: true,
    series: [
      { name: "best", index: 0, x: of(generations), y: generations.map((one) => one.best) }, { name: "mean", index: 1, x: of(generations), y: generations.map((one) => one.mean) },
      ...(learner.length ? [{ name: "learner", index: 2, x: of(learner), y: learner.map((one) => one.learner.fitness) }] : []),
    ],
    y: { label: "fitness, points", format },
  });
  const at = environments.indexOf(state.workload);
  lineChart(byId("checks"), {
    label: "Gain over the best fixed rule on sequences kept apart, by generation. Arrow keys read values.", x, rest: last, reference: { x: x.domain, y: [0, 0] },
    series: [
      { name: "mean", index: 0, x: of(checks), y: checks.map((one) => mean(one.check)), ...(at < 0 ? { low: checks.map((one) => Math.min(0, ...one.check)), high: checks.map((one) => Math.max(...one.check)) } : {}) },
      ...(at < 0 ? [] : [{ name: state.workload, index: 1, x: of(checks), y: checks.map((one) => one.check[at]) }]),
    ],
    y: { label: "gain, points", format },
  });
  sortTable(byId("curve-table"), {
    caption: "Gain over the best fixed rule on the checked sequences, points", rows: checks, order: { column: 0 },
    columns: [{ title: "Generation", value: (row) => row.generation }, { title: "Mean", value: (row) => mean(row.check), cell: (row) => signed(mean(row.check)) },
      { title: "Least", value: (row) => Math.min(...row.check), cell: (row) => `${signed(Math.min(...row.check))} on ${environments[row.check.indexOf(Math.min(...row.check))]}` },
      { title: "Best of the generation", value: (row) => row.best, cell: (row) => number(row.best, 3) }, { title: "Width of the population", value: (row) => row.width, cell: (row) => number(row.width, 4) }],
  });
}

/** How far each policy stays behind the best one: of each sequence of a workload, or of each workload in the mean. */
function drawBars() {
  const row = rows.find((one) => one.name === state.bars), points = "points behind the best policy";
  const values = (name) => row ? row.results.find((one) => one.policy === name).values : rows.map((one) => one.mean[name]);
  const best = values(learned).map((_, i) => Math.max(...policies.map((name) => values(name)[i])));
  const bars = policies.map((name) => {
    const behind = values(name).map((value, i) => best[i] - value), value = mean(behind);
    const detail = behind.slice(0, 20).map((points, i) => ({ name: row ? `seed ${held.seeds[i]}` : rows[i].name, value: `${number(points, 2)} behind` }));
    return { name, index: indexOf(name), value, spread: 0, points: behind, text: number(value, 2), detail };
  }).sort((a, b) => a.value - b.value);
  barChart(byId("bars"), { label: `Mean ${points} by policy`, bars, axis: points, max: Math.max(0.1, ...bars.flatMap((bar) => bar.points)) });
  byId("bars-note").textContent = `Bar: mean; shorter is better. Dots: one for each ${row ? "sequence" : "workload"}, behind the policy that is best there.`;
}

function drawTable() {
  sortTable(byId("table"), {
    caption: `${unit[0].toUpperCase()}${unit.slice(1)}; mean over ${plural(held.seeds.length, "sequence")}. A heading sorts.`, rows, order: state.order,
    columns: [
      { title: "Workload", value: (row) => row.name }, { title: `Gain of ${learned} over the best rule (95% interval)`, descending: true, value: (row) => row.gain?.mean, cell: (row) => interval(row.gain) },
      { title: "Best rule", value: (row) => row.best_rule },
      ...policies.map((name) => ({ title: name, descending: true, value: (row) => row.mean[name], cell: (row) => number(row.mean[name], 2) })),
    ],
  });
}

function redraw() {
  drawCurves();
  if (rows.length) { drawBars(); drawTable(); }
}

/** A choice of one workload, or of all of them. */
const choice = (host, label, key, names, draw) => host.append(html("label", {}, `${label} `, html("select", { onchange: (event) => { state[key] = event.target.value; draw(); } },
  html("option", { value: "" }, "all"), names.map((name) => html("option", { value: name }, name)))));
sayWhat();
choice(byId("curve-controls"), "Workload", "workload", environments, drawCurves);
if (rows.length) choice(byId("bar-controls"), "Workload", "bars", rows.map((row) => row.name), drawBars);
else byId("held-out").remove();
page(redraw);
drawn({ curves: count(".pair .curve[d]"), bars: count("#bars .bar"), rows: count("#table tbody tr") });
