// The page of `lepton forecast`: reads the embedded report, words the finding, draws the figures. Nothing is computed here
// beyond places on the page; scores come with the data.

const report = data;
const { models, levels, scatter, fans, source } = report;
const percent = (level) => +(level * 100).toFixed(2), highest = levels.length - 1;
const state = { scatter: models[0].model, fan: fans.length ? fans[0].series : "", order: { column: 1 } };

/** The finding as [claim, support]. */
function found() {
  const [own] = models, naive = models.find((one) => one.model === "naive"), scored = known(own.rel_mae);
  if (!scored) return [`${number(report.series)} series forecast, ${plural(report.horizon, "step")} ahead.`, "Nothing has come yet to compare with."];
  const gain = 1 - own.rel_mae;
  const words = own === naive ? "The last value stands for itself here." : `The typical error is ${number(Math.abs(gain) * 100, 1)}% ${gain < 0 ? "larger" : "smaller"} than that of the last value.`;
  return [words, `${number(report.series)} series, ${plural(report.origins, "origin")}, ${plural(report.horizon, "step")} ahead. The ${percent(levels[highest])}% quantile covered ${number(own.coverage[highest] * 100, 1)}% of what came.`];
}

function sayWhat() {
  words(found(), [
    ["Input", report.input], ["Targets", report.targets.join(", ")], ["Fitted on bins", `0 to ${number(report.fitted_until)}`], ["Training", `${number(report.fit_seconds)} s`],
    ["Seed", report.seed], ["Bins without sample", number(report.notes.missing)], ["Duplicates", number(report.notes.duplicates)], ["Counter resets", number(report.notes.resets)],
    ["Constant, empty series", `${number(report.notes.constant)}, ${number(report.notes.empty)}`], ["Fell back", `${number(report.slipped)} series`],
  ]);
}

/** Points of [actual, predicted], with the diagonal. */
function scatterChart(host, label, points) {
  const side = clamp(host.clientWidth, 280, 460), left = 44, bottom = side - 42, top = 20, right = side - 10;
  const largest = Math.max(0.1, Math.min(1.5, Math.max(0, ...points.flat())));
  const toX = (value) => left + clamp(value / largest, 0, 1) * (right - left), toY = (value) => bottom - clamp(value / largest, 0, 1) * (bottom - top);
  const marks = ticks(0, largest, 5);
  host.replaceChildren(svg("svg", { class: "chart", viewBox: `0 0 ${side} ${side}`, role: "img", "aria-label": label, style: `max-width:${side}px;${paint(0)}` },
    marks.map((mark) => [line(mark ? "grid" : "axis", left, toY(mark), right, toY(mark)), text("end", left - 7, toY(mark) + 4, number(mark, 1)), text("middle", toX(mark), bottom + 18, number(mark, 1))]).flat(),
    text("", 0, 11, "predicted"), text("middle", (left + right) / 2, side - 5, "actual"), line("reference", left, bottom, right, top),
    points.map(([came, said]) => svg("circle", { class: "point", cx: toX(came).toFixed(1), cy: toY(said).toFixed(1), r: 1.6, style: "fill:var(--c);opacity:.45" }))));
}

function drawScatter() {
  const one = scatter.find((one) => one.model === state.scatter);
  byId("scatter-title").textContent = one.model;
  byId("scatter-note").textContent = `${plural(one.points.length, "forecast")}, ${plural(one.step, "step")} ahead; both over the 99th percentile of the series in the fitted part. Dotted: exact.`;
  scatterChart(byId("scatter"), `Predicted against actual of ${one.model}`, one.points);
  const other = source ? { title: "64 - 32 - 1 on the fifth it was not trained on", points: source.points, note: `The founding document's plot: next value, both scaled to the range of their series. Mean squared error ${number(source.mean_squared_error, 5)}, variance explained ${number(source.r_squared * 100, 1)}%, ${plural(source.samples, "sample")}.` }
    : scatter.length > 1 ? { title: scatter[1].model, points: scatter[1].points, note: "The same forecasts by the model to compare with." } : null;
  if (!other) return;
  byId("other-title").textContent = other.title;
  byId("other-note").textContent = other.note;
  scatterChart(byId("other"), `Predicted against actual: ${other.title}`, other.points);
}

function drawFan() {
  const fan = fans.find((one) => one.series === state.fan);
  if (!fan) return;
  const x = fan.values.map((_, i) => fan.from + i), steps = fan.quantiles.map((_, i) => fan.origin + 1 + i), level = (l) => fan.quantiles.map((one) => one[l]);
  const middle = levels.reduce((best, one, l) => (Math.abs(one - 0.5) < Math.abs(levels[best] - 0.5) ? l : best), 0);
  lineChart(byId("fan"), {
    label: `Forecast of ${fan.series} after bin ${fan.origin}. Arrow keys read values.`, rest: fan.origin, snap: true,
    x: { domain: [fan.from, fan.origin + fan.quantiles.length], label: "bin", format: number, read: (value) => `bin ${number(Math.round(value))}` },
    series: [
      { name: "actual", index: 6, x, y: fan.values },
      { name: `${percent(levels[middle])}%`, index: 0, x: steps, y: level(middle), ...(highest > middle ? { low: level(levels[0] < 0.5 ? 0 : middle), high: level(highest) } : {}) },
      ...(highest > middle ? [{ name: `${percent(levels[highest])}%`, index: 1, x: steps, y: level(highest) }] : []),
    ],
    y: { floor: 0, label: fan.series, format: (value, digits = 2) => number(value, digits) },
  });
}

function drawCoverage() {
  const host = byId("coverage"), side = clamp(host.clientWidth, 280, 520), left = 44, bottom = side * 0.7 - 42, top = 20, right = side - 10;
  const toX = (value) => left + value * (right - left), toY = (value) => bottom - value * (bottom - top), marks = [0, 0.25, 0.5, 0.75, 1];
  const dots = (values, hollow) => (values || []).map((value, l) => known(value) ? dot(toX(levels[l]), toY(value), 5, hollow ? "fill:none;stroke:var(--c1);stroke-width:2" : paint(0)) : null).filter(Boolean);
  host.replaceChildren(svg("svg", { class: "chart", viewBox: `0 0 ${side} ${side * 0.7}`, role: "img", style: `max-width:${side}px`, "aria-label": `Coverage by level: ${levels.map((level, l) => `${percent(level)}% covered ${number((models[0].coverage[l] ?? NaN) * 100, 1)}%`).join(", ")}` },
    marks.map((mark) => [line(mark ? "grid" : "axis", left, toY(mark), right, toY(mark)), text("end", left - 7, toY(mark) + 4, number(mark * 100)), text("middle", toX(mark), bottom + 18, number(mark * 100))]).flat(),
    text("", 0, 11, "covered, %"), text("middle", (left + right) / 2, side * 0.7 - 5, "level, %"), line("reference", left, bottom, right, top), dots(models[0].coverage), report.levels && models[0].peak_coverage ? dots(models[0].peak_coverage, true) : []));
}

function drawTable() {
  const column = (title, value, digits = 3) => ({ title, value, cell: (row) => number(value(row), digits) });
  sortTable(byId("table"), {
    caption: `${plural(report.origins, "origin")}, ${plural(report.horizon, "step")} ahead. A heading sorts.`, rows: models, order: state.order, mark: (row) => row === models[0],
    columns: [
      { title: "Model", value: (row) => row.model }, column("relMAE", (row) => row.rel_mae), column("MASE", (row) => row.mase), column("WAPE", (row) => row.wape), column("WQL", (row) => row.wql),
      ...levels.map((level, l) => [column(`SPL${percent(level)}`, (row) => row.spl[l]), column(`cov${percent(level)}`, (row) => row.coverage[l])]).flat(),
      ...(known(models[0].peak_coverage[highest]) ? [column(`peak cov${percent(levels[highest])}`, (row) => row.peak_coverage[highest]), column("peak slack", (row) => row.peak_slack[highest])] : []),
    ],
  });
}

function redraw() {
  drawScatter();
  drawFan();
  drawCoverage();
  drawTable();
}

const choice = (host, label, key, names, draw) => host.append(html("label", {}, `${label} `, html("select", { onchange: (event) => { state[key] = event.target.value; draw(); } }, names.map((name) => html("option", { value: name }, name)))));
sayWhat();
choice(byId("scatter-controls"), "Model", "scatter", models.map((one) => one.model), drawScatter);
choice(byId("fan-controls"), "Series", "fan", fans.map((one) => one.series), drawFan);
page(redraw);
drawn({ points: count("#scatter .point"), curves: count("#fan .curve[d]"), rows: count("#table tbody tr") });
