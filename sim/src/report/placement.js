// The page of `lepton simulate placement`: reads the embedded study, words the finding, draws the figures.
// Nothing is estimated here beyond means and spreads over seeds.

const byId = (id) => document.getElementById(id);
const study = JSON.parse(byId("data").textContent);
const { runs, summary, seeds, baseline, heat } = study;
const percent = (value, digits = 2) => known(value) ? `${number(value, digits)}%` : "–";
const sum = (values) => values.reduce((total, value) => total + value, 0);
const grid = runs[0].curve.load_percent, loadMax = grid[grid.length - 1], loadNear = Math.min(80, loadMax - 10);
const loads = Object.keys(summary[0].allocation_at).sort((a, b) => a - b);
const headline = loads.includes("100") ? "100" : loads[loads.length - 1];
const meanOf = (row) => row.allocation_at[headline].mean;
const best = summary.slice().sort((a, b) => meanOf(b) - meanOf(a));
const names = best.map((row) => row.policy), indexOf = (name) => names.indexOf(name);

/** One curve of one policy over its seeds: mean (y), lowest, highest and sd at every load of the grid. */
function curve(mine, field) {
  const all = grid.map((_, i) => mine.map((run) => run.curve[field][i]).filter(known));
  const some = (take) => all.map((values) => values.length ? take(values) : null), mean = (values) => sum(values) / values.length;
  return {
    y: some(mean), low: some((values) => Math.min(...values)), high: some((values) => Math.max(...values)),
    sd: some((values) => Math.sqrt(sum(values.map((value) => (value - mean(values)) ** 2)) / Math.max(1, values.length - 1))),
  };
}
const curves = new Map(names.map((name) => {
  const mine = runs.filter((run) => run.policy === name);
  return [name, { runs: mine, allocation: curve(mine, "allocation_percent"), fragmentation: curve(mine, "fragmentation_percent") }];
}));

const state = {
  hidden: new Set(), near: loadMax > 90, measure: "unallocated",
  load: Math.max(0, grid.indexOf(+headline)), table: headline, order: { column: 1, down: true }, heatLoad: 0, heatPolicies: [],
};
const shown = () => names.filter((name) => !state.hidden.has(name));

/** The finding as [claim, support]: the best policy against the baseline, or against the next best. */
function finding() {
  const first = best[0], other = first.policy !== baseline && best.find((row) => row.policy === baseline) || best[1];
  const claim = `At ${headline}% arrived load, ${first.policy} allocates ${percent(meanOf(first))} of the cluster’s ${number(study.devices)} GPUs`;
  const over = seeds.length > 1 ? `Mean over ${seeds.length} seeds.` : `One seed (${seeds[0]}), so without a spread.`;
  if (!other) return [`${claim}.`, over];
  const points = meanOf(first) - meanOf(other), peer = `${other.policy}, the ${other.policy === baseline ? "baseline" : "next best"}`;
  // The study's pairs are policy minus baseline; turned round when the baseline itself is best.
  const pair = (first.policy === baseline ? other : first).allocation_at[headline].paired;
  const ends = pair && (first.policy === baseline ? [-pair.high, -pair.low] : [pair.low, pair.high]);
  const clear = !ends || ends[0] > 0;
  return [
    clear ? `${claim}: ${number(points, 2)} points more than ${peer}.` : `${claim}, which these seeds cannot tell apart from ${peer}.`,
    `${ends ? `The difference paired by seed has a 95% interval of ${number(ends[0], 2)} to ${number(ends[1], 2)} points. ` : ""}That is ${number(points / 100 * study.devices)} of the GPUs: ${percent(100 - meanOf(first))} stay unallocated against ${percent(100 - meanOf(other))}. ${over}`,
  ];
}

function words() {
  [byId("finding").textContent, byId("support").textContent] = finding();
  const seconds = sum(runs.map((run) => run.seconds)), inRow = seeds.length > 2 && seeds.every((seed, i) => !i || seed === seeds[i - 1] + 1);
  byId("facts").append(...[
    ["Cluster", `${number(study.nodes)} nodes, ${number(study.devices)} GPUs`], ["Trace", `${study.trace}, ${number(study.tasks_in_trace)} tasks`],
    ["Arrivals up to", percent(study.load * 100, 0)], ["Seeds", inRow ? `${seeds[0]} to ${seeds[seeds.length - 1]}` : seeds.join(", ")],
    ["Policies", baseline ? `${names.length}, baseline ${baseline}` : names.length], ["Runs", `${number(runs.length)} in ${number(seconds, 1)} s of computing`],
  ].map(([term, fact]) => html("div", {}, html("dt", {}, term), html("dd", {}, fact))));
  byId("command").textContent = `$ ${study.command}`;
  byId("footer").textContent = `${study.tool} ${study.version}, threads: ${study.threads}. This page is one file and loads nothing.`;
}

function drawCurves() {
  const domain = state.near ? [loadNear, loadMax] : [grid[0], loadMax], followers = [];
  const draw = (field, floor, reference) => followers.push(lineChart(byId(field), {
    label: `Mean ${field} by arrived load: ${shown().join(", ")}. Arrow keys read values.`,
    series: shown().map((name) => ({ name, index: indexOf(name), x: grid, ...curves.get(name)[field] })),
    x: { domain, label: "arrived load, % of all GPUs", format: number, read: (value) => `${value}% arrived` },
    y: { label: `${field}, % of all GPUs`, format: (value, exact) => exact ? percent(value) : number(value, value % 1 ? 1 : 0), floor },
    reference, snap: true, rest: +headline, onread: (value) => followers.forEach((follow) => follow(value)),
  }));
  draw("allocation", state.near ? null : 0, { x: [0, 100], y: [0, 100] });
  draw("fragmentation", 0);
  byId("axis-note").textContent = state.near ? "The vertical axis does not start at zero." : "";
  const cell = (name, i) => `${number(curves.get(name).allocation.y[i], 2)} (${number(curves.get(name).fragmentation.y[i], 2)})`;
  sortTable(byId("curve-table"), {
    caption: "Allocation (fragmentation), mean over seeds, % of all GPUs", rows: [...grid.keys()].filter((i) => grid[i] % 10 === 0), order: { column: 0 },
    columns: [{ title: "Arrived load", value: (i) => grid[i], cell: (i) => percent(grid[i], 0) },
      ...names.map((name) => ({ title: name, value: (i) => curves.get(name).allocation.y[i], cell: (i) => cell(name, i) }))],
  });
}

function drawBars() {
  const { load, measure } = state, title = `GPUs ${measure} at ${grid[load]}% arrived load`;
  const turn = (value) => measure === "unallocated" ? 100 - value : value;
  const bars = shown().map((name) => {
    const mine = curves.get(name), seen = mine.runs.filter((run) => known(run.curve.allocation_percent[load]));
    const at = (run) => turn(run.curve.allocation_percent[load]), value = seen.length ? turn(mine.allocation.y[load]) : 0;
    return {
      name, index: indexOf(name), value, spread: mine.allocation.sd[load] || 0, points: seen.map(at),
      text: seen.length ? `${percent(value)} · ${number(value / 100 * study.devices)} GPUs` : "no sample",
      detail: seen.slice(0, 15).map((run) => ({ name: `seed ${run.seed}`, value: percent(at(run)) })),
    };
  }).sort((a, b) => turn(b.value) - turn(a.value));
  byId("bars-title").textContent = title;
  barChart(byId("bars"), { label: title, bars, axis: `${measure}, % of all GPUs`,
    max: measure === "allocated" ? 100 : Math.max(1, ...bars.flatMap((bar) => [bar.value + bar.spread, ...bar.points])) });
}

function drawTable() {
  const at = (row) => row.allocation_at[state.table], plain = (title, value, digits, descending) => ({ title, value, cell: (row) => number(value(row), digits), descending });
  const pairText = (pair) => pair ? `${pair.difference > 0 ? "+" : ""}${number(pair.difference, 2)} (${number(pair.low, 2)} to ${number(pair.high, 2)})` : "–";
  sortTable(byId("table"), {
    caption: `At ${state.table}% arrived load, means over seeds. A heading sorts.`, rows: summary, order: state.order, mark: (row) => row === best[0],
    columns: [
      { title: "Policy", value: (row) => row.policy, cell: (row) => [swatch(indexOf(row.policy)), row.policy] },
      plain("Allocation, %", (row) => at(row).mean, 2, true), plain("Standard deviation", (row) => row.runs > 1 ? at(row).sd : null, 2),
      ...(baseline ? [{ title: `Difference to ${baseline}, points (95% interval)`, descending: true, value: (row) => at(row).paired?.difference,
        cell: (row) => row.policy === baseline ? "baseline" : pairText(at(row).paired) }] : []),
      plain("Fragmentation, %", (row) => row.fragmentation_at[state.table]?.mean, 2),
      plain("Latency p50, µs", (row) => row.latency_p50_us, 1), plain("Latency p99, µs", (row) => row.latency_p99_us, 1),
      plain("Decisions", (row) => row.decisions, 0, true), plain("Seconds", (row) => row.seconds, 2),
    ],
  });
}

/** Nodes with devices by model, the model with most devices first: {model, devices, nodes (indices)}. */
const groups = [...Map.groupBy(heat ? [...heat.nodes.keys()].filter((i) => heat.nodes[i].devices) : [], (i) => heat.nodes[i].model || "no model")]
  .map(([model, nodes]) => ({ model, nodes, devices: sum(nodes.map((i) => heat.nodes[i].devices)) })).sort((a, b) => b.devices - a.devices);
const usedBy = (policy) => heat.policies.find((one) => one.policy === policy).used_percent[state.heatLoad];
const usedIn = (nodes, used) => sum(nodes.map((i) => used[i] * heat.nodes[i].devices)) / sum(nodes.map((i) => heat.nodes[i].devices));

function drawHeat() {
  const ramp = heatRamp(), blocks = [];
  /** Frames the node in both maps and reads its use under both policies. */
  const pick = (group) => (at, event, canvas) => {
    blocks.forEach((block) => { if (block.group === group) block.draw(at); });
    if (at === null) return hideTip();
    const i = group.nodes[at], { name, devices } = heat.nodes[i], box = canvas.getBoundingClientRect();
    return showTip(event.pageX ?? scrollX + box.left, event.pageY ?? scrollY + box.top, name, [{ name: `${group.model}, ${devices} ${devices === 1 ? "GPU" : "GPUs"}`, value: "" },
      ...[...new Set(state.heatPolicies)].map((policy) => ({ name: policy, index: indexOf(policy), value: `${percent(usedBy(policy)[i], 1)} used` }))]);
  };
  [...byId("heat").children].forEach((panel, p) => {
    const policy = state.heatPolicies[p], used = usedBy(policy), width = panel.clientWidth;
    const cell = clamp(Math.round(Math.sqrt(width * 260 / heat.nodes.length)), 4, 18), most = Math.floor(width / cell);
    panel.querySelector(".heat").replaceChildren(...groups.map((group) => {
      const share = percent(usedIn(group.nodes, used), 1), count = group.nodes.length;
      const block = heatBlock({ label: `${policy} on ${group.model}: ${count} nodes, ${share} used. Arrow keys read nodes.`, values: group.nodes.map((i) => used[i]),
        columns: Math.min(most, Math.ceil(Math.sqrt(count * 5))), cell, ramp, onpick: pick(group) });
      blocks.push({ group, draw: block.draw });
      return html("div", {}, html("p", {}, html("b", {}, group.model), ` ${number(count)} nodes, ${share}`), block.canvas);
    }));
    panel.querySelector("figcaption").textContent = `${policy}: ${percent(usedIn(groups.flatMap((group) => group.nodes), used))} of all GPUs allocated.`;
  });
  sortTable(byId("heat-table"), {
    caption: `GPUs allocated by model at ${heat.load_percent[state.heatLoad]}% arrived load, %`, rows: groups, order: { column: 2, down: true },
    columns: [{ title: "Model", value: (row) => row.model }, { title: "Nodes", value: (row) => row.nodes.length }, { title: "GPUs", value: (row) => row.devices },
      ...heat.policies.map(({ policy }) => ({ title: policy, value: (row) => usedIn(row.nodes, usedBy(policy)), cell: (row) => number(usedIn(row.nodes, usedBy(policy)), 1) }))],
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
  drawCurves();
  drawBars();
  drawTable();
  if (state.heatPolicies.length) drawHeat();
}

const choose = (key, draw) => (value) => { state[key] = value; draw(); };
words();
chips(byId("chips"), names, state.hidden, () => { drawCurves(); drawBars(); });
if (state.near) segmented(byId("curve-controls"), "Arrived load", [[false, `0 to ${loadMax}%`], [true, `${loadNear} to ${loadMax}%`]], true, choose("near", drawCurves));
segmented(byId("bar-controls"), "Show", [["unallocated", "unallocated"], ["allocated", "allocated"]], state.measure, choose("measure", drawBars));
slider(byId("bar-controls"), "Arrived load", grid.length, state.load, (i) => `${grid[i]}%`, choose("load", drawBars));
if (loads.length > 1) segmented(byId("table-controls"), "Arrived load", loads.map((load) => [load, `${load}%`]), state.table, choose("table", drawTable));
if (groups.length && heat.policies.length) prepareHeat();
page(redraw);
const count = (selector) => document.querySelectorAll(selector).length;
Object.assign(document.documentElement.dataset, {
  ready: "true", curves: count(".pair .curve[d]"), bars: count("#bars .bar"), rows: count("#table tbody tr"),
  cells: sum(groups.map((group) => group.nodes.length)) * state.heatPolicies.length,
});
