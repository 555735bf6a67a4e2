// The page of `lepton risk`: reads the embedded report, words the finding, draws the time lines. Nothing is computed
// here beyond counts and hours.

const { machines, period_seconds: period } = data;
const hours = (bin) => bin * period / 3600;
const clock = (bin) => `day ${number(Math.floor(hours(bin) / 24) + 1)}, hour ${number(hours(bin) % 24, 1)}`;
const why = (episode) => episode ? episode.metrics.map(([name, off]) => `${name} by ${number(off)} deviations`).join(", ") : "–";
const state = { machine: 0, order: { column: 2, down: true } };

/** The finding as [claim, support]: who raised alarms, and how many for the budget. */
function found(alarmed, all, bins) {
  const days = hours(bins) / 24;
  return [
    alarmed.length ? `${plural(alarmed.length, "machine")} of ${number(machines.length)} raised alarms, ${machines[0].machine} the highest.` : `None of ${plural(machines.length, "machine")} raised an alarm.`,
    `${plural(all, "episode")} in ${number(days, 1)} machine-days: ${number(all / Math.max(days, 1e-9), 2)} a machine and day, with a budget of ${number(data.budget_per_day, 2)} on machines that are well.`,
  ];
}

function sayWhat() {
  const alarmed = machines.filter((one) => one.episodes.length), all = machines.reduce((sum, one) => sum + one.episodes.length, 0);
  const bins = machines.reduce((sum, one) => sum + one.bins, 0);
  words(found(alarmed, all, bins), [["Machines", number(machines.length)], ["Bins", number(bins)], ["Bin", `${number(period)} s`], ["Episodes", number(all)]]);
}

function drawLine() {
  const one = machines[state.machine], line = one.line, end = Math.max(1e-9, hours(one.bins));
  lineChart(byId("line"), {
    label: `Score of ${one.machine} over time. Arrow keys read values.`, rest: 0,
    x: { domain: [0, end], label: "hours", format: number, read: (value) => clock(value * 3600 / period) },
    y: { floor: 0, label: "score", format: (value, digits = 2) => number(value, digits) },
    series: [{ name: "score", index: 0, x: line.bins.map(hours), y: line.scores }],
    reference: known(one.threshold) ? { x: [0, end], y: [one.threshold, one.threshold] } : null, bare: true,
  });
  sortTable(byId("episodes"), {
    caption: `Episodes of ${one.machine}`, rows: one.episodes, order: { column: 2, down: true },
    columns: [{ title: "Begins", value: (row) => row.first, cell: (row) => clock(row.first) }, { title: "Minutes", descending: true, value: (row) => row.last - row.first + 1, cell: (row) => number((row.last - row.first + 1) * period / 60) },
      { title: "Highest score", descending: true, value: (row) => row.score_max, cell: (row) => number(row.score_max, 2) }, { title: "Why", value: why }],
  });
}

function drawTable() {
  sortTable(byId("table"), {
    caption: "A heading sorts.", rows: machines, order: state.order,
    columns: [{ title: "Machine", value: (row) => row.machine }, { title: "Episodes", descending: true, value: (row) => row.episodes.length, cell: (row) => number(row.episodes.length) },
      { title: "Highest score", descending: true, value: (row) => row.score_max, cell: (row) => number(row.score_max, 2) }, { title: "Alarm from", value: (row) => row.threshold, cell: (row) => number(row.threshold, 2) },
      { title: "Why", value: (row) => why(row.episodes[0]) }],
  });
}

function redraw() {
  drawLine();
  drawTable();
}

sayWhat();
byId("machine-controls").append(html("label", {}, "Machine ", html("select", { onchange: (event) => { state.machine = Number(event.target.value); drawLine(); } },
  machines.map((one, i) => html("option", { value: i }, `${one.machine} (${plural(one.episodes.length, "episode")})`)))));
page(redraw);
drawn({ curves: count("#line .curve[d]"), rows: count("#table tbody tr") });
