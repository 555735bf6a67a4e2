// The page of `lepton simulate placement`: words the finding, draws the figures. Every number comes from the study.

const study = data;
const { summary, seeds, guard, heat, finding } = study;
const learned = guard?.policies[0].policy, replaced = guard && guard.serves !== learned;
/** A policy by who decides: where the guard let a rule serve, the learned policy did not. */
const called = (policy) => replaced && policy === learned ? `${guard.serves} as ${learned}` : policy;
for (const one of [...study.runs, ...summary, ...(heat?.policies ?? [])]) one.policy = called(one.policy);
const baseline = study.baseline && called(study.baseline);
const percent = (value, digits = 2) => known(value) ? `${number(value, digits)}%` : "–";
const points = Object.keys(summary[0].allocation_at).sort((a, b) => a - b), [headline] = points;
const grid = [...Array(Math.max(...summary.map((row) => row.allocation.mean.length))).keys()], loadMax = grid.length - 1, loadNear = Math.min(80, loadMax - 10);
const loadText = (i) => i === loadMax ? `${points[points.length - 1]}%` : `${i}%`;
const meanOf = (row) => row.allocation_at[headline].mean;
/** The policies with a curve, the highest at the headline's load first; colours go by their order. */
const curves = summary.filter((row) => row.allocation.mean.some(known)).sort((a, b) => (meanOf(b) ?? -1) - (meanOf(a) ?? -1));
const names = curves.map((row) => row.policy), indexOf = (name) => names.indexOf(name);

const state = {
  hidden: new Set(), near: loadMax > 90, measure: "unallocated",
  load: Math.min(loadMax, Math.ceil(headline)), table: headline, order: { column: study.stopped_early ? 2 : 1, down: true }, heatLoad: 0, heatPolicies: [],
};
const shown = () => curves.filter((row) => !state.hidden.has(row.policy));

/** What was found as [claim, support]. A policy is called better only where the interval of the paired difference says so. */
function found() {
  if (study.without_result) return [`No result: ${study.without_result}.`, ""];
  if (!finding) return ["No policies can be compared: those that ran did so under different seeds.", ""];
  const { leader_percent: ours, peer_percent: theirs, paired } = finding, [leader, peer] = [finding.leader, finding.peer].map(called);
  const claim = `At ${headline}% arrived load, ${leader} allocates ${percent(ours)} of the cluster’s ${number(study.devices)} GPUs`;
  const over = finding.seeds > 1 ? `Mean over ${number(finding.seeds)} seeds.` : "One seed, so without a spread and without a test.";
  if (!finding.peer) return [`${claim}.`, over];
  const other = `${peer}, the ${peer === baseline ? "baseline" : "next best"}`;
  const than = finding.shown ? `: ${number(paired.difference, 2)} points more than ${other}.` : paired ? `, which these seeds cannot tell apart from ${other}.` : `, ${other}, ${percent(theirs)}.`;
  const test = paired ? `The difference paired by seed has a 95% interval of ${number(paired.low, 2)} to ${number(paired.high, 2)} points. ` : "";
  return [claim + than, `${test}That is ${number((ours - theirs) / 100 * study.devices)} of the GPUs: ${percent(100 - ours)} stay unallocated against ${percent(100 - theirs)}. ${over}`];
}

/** Who served under the learned policy's name, and what was rehearsed to find out. */
function whoServed() {
  const { serves, decision, policies, sequences, nodes } = guard, reached = policies.map((one) => `${one.policy} ${percent(one.allocation_percent)}`).join(", ");
  const rehearsed = sequences ? `In a rehearsal on ${plural(sequences, "sequence")} of the mix and ${plural(nodes, "node")} it reached ${reached}: ${interval(decision.gain)} points against the better rule.` : "The mix asks for no devices, so nothing was rehearsed.";
  return `${replaced ? `The guard let ${serves} serve in the place of ${learned}.` : `Under its guard, ${learned} served itself.`} ${rehearsed}`;
}

function sayWhat() {
  const seconds = study.runs.reduce((sum, run) => sum + run.seconds, 0), inRow = seeds.length > 2 && seeds.every((seed, i) => !i || seed === seeds[i - 1] + 1);
  const [claim, support] = found(), done = study.runs.length, without = summary.filter((row) => !row.runs).length;
  const stopped = [`Stopped after ${number(done)} of ${plural(study.runs_asked, "run")}`, `${claim} ${support}${without ? ` Without a run: ${number(without)} of ${plural(summary.length, "policy").replace("policys", "policies")}.` : ""}`];
  words(study.stopped_early ? stopped : [claim, support], [
    ["Cluster", `${plural(study.nodes, "node")}, ${plural(study.devices, "GPU")}`], ["Trace", `${study.trace}, ${plural(study.tasks_in_trace, "task")}`],
    ["Arrivals up to", `${points[points.length - 1]}%`], ["Seeds", inRow ? `${seeds[0]} to ${seeds[seeds.length - 1]}` : seeds.join(", ")],
    ["Policies", baseline ? `${summary.length}, baseline ${baseline}` : summary.length], ["Runs", `${number(done)} in ${number(seconds, seconds < 1 ? 3 : 1)} s of computing`],
  ], `, threads: ${study.threads}`);
  if (guard) byId("guard").textContent = whoServed();
}

function drawCurves() {
  const domain = state.near ? [loadNear, loadMax] : [0, loadMax], followers = [], rows = shown();
  const draw = (field, floor, reference) => followers.push(lineChart(byId(field), {
    label: `Mean ${field} by arrived load: ${rows.map((row) => row.policy).join(", ")}. Arrow keys read values.`,
    series: rows.map((row) => ({ name: row.policy, index: indexOf(row.policy), x: grid, y: row[field].mean, low: row[field].low, high: row[field].high })),
    x: { domain, label: "arrived load, % of all GPUs", format: number, least: 1, read: (value) => `${loadText(value)} arrived` },
    y: { label: `${field}, % of all GPUs`, format: (value, digits) => digits === undefined ? percent(value) : number(value, digits), floor },
    reference, snap: true, rest: state.load, onread: (value) => followers.forEach((follow) => follow(value)),
  }));
  draw("allocation", state.near ? null : 0, { x: [0, 100], y: [0, 100] });
  draw("fragmentation", 0);
  byId("axis-note").textContent = state.near ? "The vertical axis does not start at zero." : "";
  sortTable(byId("curve-table"), {
    caption: "Allocation (fragmentation), mean over seeds, % of all GPUs", rows: grid.filter((i) => i % (loadMax < 20 ? 1 : 10) === 0), order: { column: 0 },
    columns: [{ title: "Arrived load", value: (i) => i, cell: loadText },
      ...curves.map((row) => ({ title: row.policy, value: (i) => row.allocation.mean[i], cell: (i) => `${number(row.allocation.mean[i], 2)} (${number(row.fragmentation.mean[i], 2)})` }))],
  });
}

function drawBars() {
  const { load, measure } = state, title = `GPUs ${measure} at ${loadText(load)} arrived load`;
  const turn = (value) => measure === "unallocated" ? 100 - value : value;
  const bars = shown().filter((row) => known(row.allocation.mean[load])).map((row) => {
    const seen = study.runs.filter((run) => run.policy === row.policy), at = (run) => turn(run.curve.allocation_percent[load]), value = turn(row.allocation.mean[load]);
    return {
      name: row.policy, index: indexOf(row.policy), value, spread: row.allocation.sd[load] ?? 0, points: seen.map(at),
      text: `${percent(value)} · ${number(value / 100 * study.devices)} GPUs${study.stopped_early ? ` · ${plural(row.runs, "run")}` : ""}`, detail: seen.slice(0, 15).map((run) => ({ name: `seed ${run.seed}`, value: percent(at(run)) })),
    };
  }).sort((a, b) => turn(b.value) - turn(a.value));
  byId("bars-title").textContent = title;
  barChart(byId("bars"), { label: title, bars, axis: `${measure}, % of all GPUs`,
    max: measure === "allocated" ? 100 : Math.max(0.1, ...bars.flatMap((bar) => [bar.value + bar.spread, ...bar.points])) });
}

function drawTable() {
  const at = (row) => row.allocation_at[state.table], plain = (title, value, digits, descending) => ({ title, value, cell: (row) => number(value(row), digits), descending });
  const pairText = (pair) => pair ? `${signed(pair.difference)} (${number(pair.low, 2)} to ${number(pair.high, 2)})` : "–";
  const best = finding?.best && state.table === headline ? called(finding.leader) : null;
  sortTable(byId("table"), {
    caption: `At ${state.table}% arrived load, means over seeds.${best ? " Shaded: better than every other, the 95% interval of each paired difference above zero." : ""} A heading sorts.`,
    rows: summary, order: state.order, mark: (row) => row.policy === best,
    columns: [
      { title: "Policy", value: (row) => row.policy, cell: (row) => [indexOf(row.policy) < 0 ? "" : swatch(indexOf(row.policy)), row.policy] },
      ...(study.stopped_early ? [{ title: "Runs done", value: (row) => row.runs, cell: (row) => `${number(row.runs)} of ${number(row.runs_asked)}` }] : []),
      plain("Allocation, %", (row) => at(row).mean, 2, true), plain("Standard deviation", (row) => at(row).sd, 2),
      ...(baseline ? [{ title: `Difference to ${baseline}, points (95% interval)`, descending: true, value: (row) => at(row).paired?.difference,
        cell: (row) => row.policy === baseline ? "baseline" : pairText(at(row).paired) }] : []),
      plain("Fragmentation, %", (row) => row.fragmentation_at[state.table].mean, 2),
      plain("Latency p50, µs", (row) => row.latency_p50_us, 1), plain("Latency p99, µs", (row) => row.latency_p99_us, 1),
      plain("Tasks arrived", (row) => row.decisions, 0, true), plain("Placed", (row) => row.placed, 0, true), plain("Seconds", (row) => row.seconds, 2),
    ],
  });
}

/** The models of devices, each with its nodes (their places in the list). */
const groups = (heat?.models ?? []).map((group, model) => ({ ...group, at: model, nodes: [...heat.nodes.keys()].filter((i) => heat.nodes[i].model === model) }));
const mapOf = (policy) => heat.policies.find((one) => one.policy === policy);
const usedBy = (policy) => mapOf(policy).used_percent[state.heatLoad], shareOf = (policy, group) => mapOf(policy).model_percent[state.heatLoad][group.at];

function drawHeat() {
  const ramp = heatRamp(), blocks = [], load = heat.load_percent[state.heatLoad];
  /** Frames the node in both maps and reads its use under both policies. */
  const pick = (group) => (at, event, canvas) => {
    blocks.forEach((block) => { if (block.group === group) block.draw(at); });
    if (at === null) return hideTip();
    const i = group.nodes[at], { name, devices } = heat.nodes[i], box = canvas.getBoundingClientRect();
    return showTip(event.pageX ?? scrollX + box.left, event.pageY ?? scrollY + box.top, name, [{ name: `${group.model}, ${plural(devices, "GPU")}`, value: "" },
      ...[...new Set(state.heatPolicies)].map((policy) => ({ name: policy, index: indexOf(policy), value: `${percent(usedBy(policy)[i], 0)} used` }))]);
  };
  [...byId("heat").children].forEach((panel, p) => {
    const policy = state.heatPolicies[p], used = usedBy(policy), width = panel.clientWidth;
    const cell = clamp(Math.round(Math.sqrt(width * 260 / heat.nodes.length)), 4, 18), most = Math.floor(width / cell);
    panel.querySelector(".heat").replaceChildren(...groups.map((group) => {
      const share = percent(shareOf(policy, group), 1), count = group.nodes.length;
      const block = heatBlock({ label: `${policy} on ${group.model}: ${count} nodes, ${share} used. Arrow keys read nodes.`, values: group.nodes.map((i) => used[i]),
        columns: Math.min(most, Math.ceil(Math.sqrt(count * 5))), cell, ramp, onpick: pick(group) });
      blocks.push({ group, draw: block.draw });
      return html("div", {}, html("p", {}, html("b", {}, group.model), ` ${plural(count, "node")}, ${share}`), block.canvas);
    }));
    const run = study.runs.find((one) => one.policy === policy && one.seed === heat.seed);
    panel.querySelector("figcaption").textContent = `${policy}: ${percent(run.curve.allocation_percent[load])} of all GPUs allocated.`;
  });
  sortTable(byId("heat-table"), {
    caption: `GPUs allocated by model at ${load}% arrived load, %`, rows: groups, order: { column: 2, down: true },
    columns: [{ title: "Model", value: (row) => row.model }, { title: "Nodes", value: (row) => row.nodes.length }, { title: "GPUs", value: (row) => row.devices },
      ...heat.policies.map(({ policy }) => ({ title: policy, value: (row) => shareOf(policy, row), cell: (row) => number(shareOf(policy, row), 1) }))],
  });
}

/** Two maps side by side: the best policy, and the baseline or the next best. */
function prepareHeat() {
  const offered = names.filter((name) => heat.policies.some((one) => one.policy === name));
  state.heatPolicies = [...new Set([offered[0], offered.includes(baseline) ? baseline : offered[1], offered[1]])].filter(Boolean).slice(0, 2);
  state.heatLoad = heat.load_percent.reduce((found, load, i, all) => (Math.abs(load - 100) < Math.abs(all[found] - 100) ? i : found), 0);
  byId("heat-section").hidden = false;
  byId("heat-note").textContent = `A cell is a node, its colour the share of its GPUs allocated under seed ${heat.seed}.`;
  slider(byId("heat-controls"), "Arrived load", heat.load_percent.length, state.heatLoad, (i) => `${heat.load_percent[i]}%`, (i) => { state.heatLoad = i; drawHeat(); });
  byId("heat-controls").append(html("span", {}, "0%", html("i", { class: "ramp" }), "100% used"));
  byId("heat").append(...state.heatPolicies.map((chosen, p) => html("figure", {},
    html("select", { "aria-label": `Policy of heat map ${p + 1}`, onchange: (event) => { state.heatPolicies[p] = event.target.value; drawHeat(); } },
      offered.map((name) => html("option", { value: name, selected: name === chosen }, name))), html("div", { class: "heat" }), html("figcaption"))));
}

function redraw() {
  if (names.length) { drawCurves(); drawBars(); }
  drawTable();
  if (state.heatPolicies.length) drawHeat();
}

const choose = (key, draw) => (value) => { state[key] = value; draw(); };
sayWhat();
if (names.length) {
  chips(byId("chips"), names, state.hidden, () => { drawCurves(); drawBars(); });
  if (state.near) segmented(byId("curve-controls"), "Arrived load", [[false, `0 to ${loadText(loadMax)}`], [true, `${loadNear} to ${loadText(loadMax)}`]], true, choose("near", drawCurves));
  segmented(byId("bar-controls"), "Show", [["unallocated", "unallocated"], ["allocated", "allocated"]], state.measure, choose("measure", drawBars));
  slider(byId("bar-controls"), "Arrived load", grid.length, state.load, loadText, choose("load", drawBars));
} else byId("figures").remove();
if (points.length > 1) segmented(byId("table-controls"), "Arrived load", points.map((load) => [load, `${load}%`]), state.table, choose("table", drawTable));
if (names.length && heat) prepareHeat();
page(redraw);
drawn({
  curves: count(".pair .curve[d]"), bars: count("#bars .bar"), rows: count("#table tbody tr"),
  cells: (heat?.nodes.length ?? 0) * state.heatPolicies.length,
});
