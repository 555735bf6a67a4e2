// The page of `lepton simulate jobs`: reads the embedded study, words the finding, draws the figures. The Gantt view
// is drawn on a canvas from flat arrays; every number comes from the study.

const study = data;
const { summary, series, distributions, gantt } = study;
const placements = new Set(summary.map((row) => row.placement));
const nameOf = (one) => [one.policy, ...(one.backfill && one.backfill !== "none" ? [`+ ${one.backfill}`] : []), ...(placements.size > 1 ? [`on ${one.placement}`] : [])].join(" ");
const unit = study.unit || "node", units = `${unit}s`;
/** How many units a job held, in words. */
const held = (size) => `${number(size / study.unit_size, size % study.unit_size ? 2 : 0)} ${size === study.unit_size ? unit : units}`;
const names = summary.map(nameOf), indexOf = (name) => names.indexOf(name);
const hidden = new Set(), shown = (list) => list.filter((one) => !hidden.has(nameOf(one)));

const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
/** A duration in the largest unit that it fills, to about three digits. */
function duration(seconds) {
  if (!known(seconds)) return "–";
  const [size, unit] = UNITS.find(([size]) => Math.abs(seconds) >= size) || UNITS[3], value = seconds / size;
  return `${number(value, value >= 100 || value % 1 === 0 ? 0 : value >= 10 ? 1 : 2)} ${unit}`;
}
/** The unit in which an axis of this length reads best, as [seconds, name]. */
const axisUnit = (seconds) => [[86400, "days"], [3600, "hours"], [60, "minutes"]].find(([size]) => seconds >= 3 * size) || [1, "seconds"];
const percent = (share) => known(share) ? `${number(share * 100, 1)}%` : "–";

/** How long the learned policy served itself, and who did in its place. */
function whoServed(one) {
  const { comparisons, changes } = one;
  return `Under its guard, the learned policy served ${percent(one.model_share)} of the jobs of ${nameOf(one)} and ${one.rule} the others: ${plural(comparisons, "comparison")} on shadow machines, ${plural(changes, "change")}.`;
}

const seconds = (row) => row.mean_wait_seconds;
/** How many of the jobs the figures of a row are over, and why the others are in none. */
function fared(row) {
  const others = [[row.too_large, "too large for the machine"], [row.unfinished, "unfinished"]].filter(([count]) => count > 0);
  return `${number(row.finished)} of ${number(row.jobs)}${others.map(([count, what]) => `, ${number(count)} ${what}`).join("")}`;
}
/** What is said on top, and what supports it: nothing is called best that the study has not tested. */
function finding() {
  const { verdict } = study, row = (one) => one && summary[indexOf(nameOf(one))], [lowest, next] = [row(verdict.lowest), row(verdict.next)];
  const slowdown = (one) => number(one.mean_bounded_slowdown, 2), between = ({ difference, low, high }) => `${number(difference, 2)} (95% interval ${number(low, 2)} to ${number(high, 2)})`;
  const finishers = `Jobs finished: ${summary.map((one) => `${nameOf(one)} ${fared(one)}`).join("; ")}.`;
  const waits = (one) => known(seconds(one)) ? `Jobs wait ${duration(seconds(one))} in the mean under ${nameOf(one)}. ` : "";
  const shortest = () => {
    const wait = summary.slice().sort((a, b) => seconds(a) - seconds(b))[0];
    return seconds(wait) < seconds(lowest) ? `The shortest mean wait is ${duration(seconds(wait))} under ${nameOf(wait)}. ` : "";
  };
  switch (verdict.finding) {
    case "NoResult": return ["No job finished: there are no figures.", finishers];
    case "OnlyOne": return [`${nameOf(summary[0])} keeps the mean bounded slowdown at ${slowdown(summary[0])}.`, waits(summary[0]) + finishers];
    case "Stopped": return ["The study was stopped before every policy had all its runs; their means are not compared.", `Runs done: ${summary.map((one) => `${nameOf(one)} ${number(one.runs)} of ${number(one.runs_planned)}`).join("; ")}.`];
    case "DifferentJobs": return ["Different jobs finished under these policies, so their means are not compared.", finishers];
    case "Even": return [`${nameOf(lowest)} and ${nameOf(next)} have the same mean bounded slowdown, the lowest: ${slowdown(lowest)}.`, waits(lowest) + shortest() + finishers];
    case "Best": return [`${nameOf(lowest)} keeps the mean bounded slowdown at ${slowdown(lowest)}: ${number(100 * (1 - lowest.mean_bounded_slowdown / next.mean_bounded_slowdown), 1)}% below ${nameOf(next)}, the next best.`, `The difference over ${number(lowest.spread.samples)} ${lowest.spread.over} is ${between(verdict.difference)}. ${waits(lowest)}${shortest()}${finishers}`];
    case "NotShown": return [`${nameOf(lowest)} has the lowest mean bounded slowdown, ${slowdown(lowest)}, and is not shown to be below ${nameOf(next)}, the next.`, `The difference over ${number(lowest.spread.samples)} ${lowest.spread.over} is ${between(verdict.difference)}. ${waits(lowest)}${shortest()}${finishers}`];
    default: return [`${nameOf(lowest)} has the lowest mean bounded slowdown in this run, ${slowdown(lowest)}; then comes ${nameOf(next)} with ${slowdown(next)}.`, `One sample: nothing is tested. ${waits(lowest)}${shortest()}${finishers}`];
  }
}

function sayWhat() {
  const [found, supported] = finding();
  const left = study.left_out?.length ? ` Left out of the trace: ${study.left_out.map(({ count, why }) => `${number(count)} ${why}`).join(", ")}.` : "";
  words([found, supported + left], [["Cluster", `${number(study.nodes)} nodes`], ["Trace", study.trace], ["Seeds", study.seeds.join(", ") || "none"], ["Policies", names.length],
    ["Jobs", number(study.jobs)]]);
  document.querySelectorAll(".units").forEach((place) => { place.textContent = units; });
  const one = study.shown, parts = one && [one.virtual_cluster === null ? null : `virtual cluster ${one.virtual_cluster}`, one.start === null ? null : `the sequence from job ${number(one.start)}`, `seed ${one.seed}`].filter(Boolean);
  document.querySelectorAll(".shown").forEach((place) => { place.textContent = one ? `One of ${number(one.runs)} runs: ${parts.join(", ")}, on ${number(one.nodes)} nodes.` : ""; });
  byId("all-runs").textContent = one ? `Over the jobs of all ${number(one.runs)} runs.` : "";
  byId("guard").textContent = (study.guards || []).map(whoServed).join(" ");
}

const order = { column: 1, down: false };
function drawTable() {
  const column = (title, key, show, descending) => ({ title, value: (row) => row[key], cell: (row) => show(row[key]), descending });
  const any = (key) => summary.some((row) => row[key]), spread = (row) => row.spread?.mean_bounded_slowdown;
  const best = study.verdict.finding === "Best" ? indexOf(nameOf(study.verdict.lowest)) : -1;
  const apart = summary.some((row) => spread(row)?.paired);
  sortTable(byId("table"), {
    caption: `Means are over the jobs that finished.${best < 0 ? "" : " The shaded row has the lowest mean bounded slowdown, and the interval of the difference to the next is below zero."}${summary.some(spread) ? ` ±: standard deviation over ${summary.find(spread).spread.over}; of a difference half of its 95% interval.` : ""} A heading sorts.`, rows: summary, order, mark: (row) => indexOf(nameOf(row)) === best,
    columns: [
      { title: "Policy", value: nameOf, cell: (row) => [swatch(indexOf(nameOf(row))), nameOf(row)] },
      { title: "Bounded slowdown, mean", value: (row) => row.mean_bounded_slowdown, cell: (row) => number(row.mean_bounded_slowdown, 2) + (spread(row) ? ` ±${number(spread(row).sd, 2)}` : "") },
      ...(apart ? [{ title: `against ${nameOf(study.baseline)}`, value: (row) => spread(row)?.paired?.difference, cell: (row) => { const paired = spread(row)?.paired; return paired ? `${number(paired.difference, 2)} ±${number((paired.high - paired.low) / 2, 2)}` : "–"; } }] : []),
      { title: "Finished", value: (row) => row.finished, cell: (row) => row.finished === row.jobs ? number(row.jobs) : `${number(row.finished)} of ${number(row.jobs)}`, descending: true },
      ...(any("too_large") ? [column("Too large", "too_large", number)] : []), ...(any("unfinished") ? [column("Unfinished", "unfinished", number)] : []),
      ...(study.stopped_early ? [{ title: "Runs", value: (row) => row.runs, cell: (row) => `${number(row.runs)} of ${number(row.runs_planned)}`, descending: true }] : []),
      column("Wait, mean", "mean_wait_seconds", duration), column("p95", "p95_wait_seconds", duration),
      column("p99", "p99_wait_seconds", duration), column("longest", "max_wait_seconds", duration), column("Completion, mean", "mean_completion_seconds", duration),
      column("Utilisation", "utilization", percent, true), column("Jain index", "jain_fairness", (value) => number(value, 3), true),
      ...(any("preemptions") ? [column("Preemptions", "preemptions", number), column("Lost work", "lost_share", percent)] : []), column("Makespan", "makespan_seconds", duration),
    ],
  });
}

const ownerOrder = { column: 2, down: true };
function drawOwners() {
  const column = (title, key, show, descending) => ({ title, value: (row) => row[key], cell: (row) => show(row[key]), descending });
  sortTable(byId("owners"), {
    caption: "The owners with the most work under each policy. Means are over the jobs that finished. A heading sorts.", rows: study.owners, order: ownerOrder,
    columns: [
      { title: "Owner", value: (row) => row.owner, cell: (row) => row.owner || "–" },
      { title: "Policy", value: nameOf, cell: (row) => [swatch(indexOf(nameOf(row))), nameOf(row)] },
      column(`Work, ${unit}-hours`, "work_unit_seconds", (value) => number(value / 3600 / study.unit_size, 1), true), column("Bounded slowdown, mean", "mean_bounded_slowdown", (value) => number(value, 2)),
      column("Wait, mean", "mean_wait_seconds", duration), column("Completion, mean", "mean_completion_seconds", duration), column("Jobs", "jobs", number, true), column("Finished", "finished", number, true),
    ],
  });
}

// Queues change slowly; the use of a machine jumps, and finer spans would hide one policy's curve behind another's.
const QUEUE_SPANS = 180, USE_SPANS = 60;
/** Means of a step function (each value holds until the next time) over `spans` equal spans from 0 to `last`; after the final time it is zero. */
function spanMeans(times, values, last, spans) {
  const sums = new Array(spans).fill(0), width = last / spans;
  for (let i = 0, span = 0; i + 1 < times.length; i++) {
    for (let from = times[i], to; from < times[i + 1]; from = to) {
      while (span + 1 < spans && from >= (span + 1) * width) span++;
      to = span + 1 < spans ? Math.min(times[i + 1], (span + 1) * width) : times[i + 1];
      sums[span] += (values[i] || 0) * (to - from);
    }
  }
  return sums.map((sum) => sum / width);
}

function drawSeries() {
  const last = Math.max(...series.map((one) => one.time_seconds[one.time_seconds.length - 1])), [size, unit] = axisUnit(last), followers = [];
  const note = (spans) => `Means over spans of ${duration(last / spans)}.`;
  [byId("queue-note").textContent, byId("use-note").textContent] = [note(QUEUE_SPANS), note(USE_SPANS)];
  const draw = (id, key, label, scale, spans, format, ceiling) => followers.push(lineChart(byId(id), {
    label: `${label} over time: ${shown(series).map(nameOf).join(", ")}. Arrow keys read values.`,
    series: shown(series).map((one) => ({ name: nameOf(one), index: indexOf(nameOf(one)), x: Array.from({ length: spans }, (_, i) => (i + 0.5) * last / spans / size), y: spanMeans(one.time_seconds, one[key], last, spans).map((value) => value * scale) })),
    x: { domain: [0, last / size], label: `time, ${unit}`, format: number, read: (value) => `after ${duration(value * size)}` },
    y: { label, format, floor: 0, ceiling }, bare: true, rest: 0, onread: (value) => followers.forEach((follow) => follow(value)),
  }));
  draw("queue", "queue_length", "jobs", 1, QUEUE_SPANS, (value, digits = value < 100 ? 1 : 0) => number(value, digits));
  draw("utilization", "utilization", `% of all ${units}`, 100, USE_SPANS, (value, digits) => digits === undefined ? `${number(value, 1)}%` : number(value, digits), 100);
}

function drawDistributions() {
  const draw = (id, key, least, format, ticks, label) => {
    const curves = shown(distributions).map((one) => ({ name: nameOf(one), index: indexOf(nameOf(one)), x: one[key].map((value) => Math.max(value, least)), y: one[key].map((_, i) => 100 * i / (one[key].length - 1)) }));
    const most = Math.max(10 * least, ...curves.map((one) => one.x[one.x.length - 1]));
    lineChart(byId(id), {
      label: `Distribution of ${label}: ${curves.map((one) => one.name).join(", ")}. Arrow keys read values.`, series: curves,
      x: { domain: [least, most], log: true, label, format, read: (value) => `at most ${format(value)}`, ticks },
      y: { label: "% of jobs", format: (value, digits) => digits === undefined ? `${number(value)}%` : number(value, digits), floor: 0, ceiling: 100 }, bare: true, before: true, rest: least,
    });
  };
  const within = (marks) => (low, high, count) => {
    const found = marks.filter((mark) => mark >= low && mark <= high), every = Math.ceil(found.length / count);
    return found.filter((_, i) => i % every === 0);
  };
  const times = within([1, 10, 60, 600, 3600, 6 * 3600, 86400, 10 * 86400, 100 * 86400, 1000 * 86400]);
  draw("wait", "wait_seconds", 1, duration, times, "wait");
  draw("completion", "completion_seconds", 1, duration, times, "completion time");
  draw("slowdown", "bounded_slowdown", 1, (value) => value >= 1e6 ? `${number(value / 1e6, value % 1e6 ? 2 : 0)} M` : number(value, value < 10 && value % 1 ? 2 : 0), within([1, 2, 5, 10, 100, 1000, 1e4, 1e5, 1e6]), "bounded slowdown");
}

/** The part of the Gantt view in sight (seconds from..to, rows low..high), the run shown, the job pointed at. */
let view = null, run = null, chosen = 0, picked = -1, painted = 0;
const AXIS = 26;
// The first colour of the ramp is nearly the paper's; a job that did not wait must still be seen.
const FIRST_SHADE = 22;

/** The chosen run as typed arrays, with its time span and the colour step of every job (its wait, logarithmic). */
function loadRun() {
  const { jobs, lanes } = gantt[chosen], start = Float64Array.from(jobs.start_seconds), end = Float64Array.from(jobs.end_seconds), wait = start.map((from, i) => from - jobs.submit_seconds[i]);
  const waitMax = gantt.reduce((most, one) => one.jobs.start_seconds.reduce((high, from, i) => Math.max(high, from - one.jobs.submit_seconds[i]), most), 1);
  return { jobs, lanes, start, end, wait, waitMax, parted: summary.some((row) => nameOf(row) === nameOf(gantt[chosen]) && row.preemptions), first: start.reduce((a, b) => Math.min(a, b), Infinity), last: end.reduce((a, b) => Math.max(a, b), 1),
    lane: Uint32Array.from(jobs.lane), shade: Uint8Array.from(wait, (value) => FIRST_SHADE + (100 - FIRST_SHADE) * Math.log1p(Math.max(0, value)) / Math.log1p(waitMax)) };
}
function drawGantt() {
  const canvas = byId("gantt").firstChild, width = canvas.parentNode.clientWidth, height = clamp(Math.round(width * 0.5), 260, 480), scale = Math.max(1, devicePixelRatio);
  Object.assign(canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
  canvas.style.touchAction = view.high - view.low < run.lanes ? "none" : "pan-y";
  const context = canvas.getContext("2d"), ramp = heatRamp(), plot = height - AXIS, { start, end, lane, shade } = run;
  const perSecond = width / (view.to - view.from), perRow = plot / (view.high - view.low);
  const visible = [];
  let narrow = 0;
  for (let i = 0; i < start.length; i++) {
    if (end[i] < view.from || start[i] > view.to || lane[i] + 1 < view.low || lane[i] > view.high) continue;
    visible.push(i);
    if ((end[i] - start[i]) * perSecond < 1.5) narrow++;
  }
  // Detail by need: single boxes while they can be told apart, else one mean per pixel.
  const single = visible.length < 400 || visible.length < 4000 && perRow >= 6 || visible.length < 12000 && narrow < visible.length / 2 && perRow >= 2;
  painted = visible.length;
  context.scale(scale, scale);
  context.save();
  context.beginPath();
  context.rect(0, 0, width, plot);
  context.clip();
  if (single) {
    for (const i of visible) {
      context.fillStyle = ramp[shade[i]];
      context.fillRect((start[i] - view.from) * perSecond, (lane[i] - view.low) * perRow, Math.max(0.8, (end[i] - start[i]) * perSecond - 0.4), perRow - (perRow > 4 ? 1 : 0));
    }
  } else {
    drawDensity(context, width, plot, visible, ramp);
  }
  context.restore();
  drawAxis(context, width, plot, perSecond);
  if (picked >= 0) {
    [context.strokeStyle, context.lineWidth] = [`rgb(${resolve("--c1")})`, 2];
    context.strokeRect((start[picked] - view.from) * perSecond, (lane[picked] - view.low) * perRow, Math.max(3, (end[picked] - start[picked]) * perSecond), Math.max(3, perRow));
  }
  const { starts } = gantt[chosen], cut = starts > start.length ? ` The run has ${number(starts)} starts; the first ${number(start.length)} are drawn.` : "";
  byId("gantt-caption").textContent = `${number(visible.length)} of ${number(start.length)} jobs in sight, rows ${number(Math.floor(view.low) + 1)} to ${number(Math.ceil(view.high))} of ${number(run.lanes)}. A row holds one job at a time, whatever its size.${run.parted ? " A job that was interrupted is drawn once for every time it ran." : ""}${cut}`;
}

/** One colour per CSS pixel: the mean shade of the jobs in it, its strength the share of row time they fill. Costs jobs + pixels. */
function drawDensity(context, width, plot, visible, ramp) {
  const rows = Math.min(plot, Math.ceil(view.high) - Math.floor(view.low)), perSecond = width / (view.to - view.from), perRow = rows / (view.high - view.low);
  // Differences along a pixel row, summed up below: a job adds at its first pixel and takes away after its last.
  const filled = new Float32Array(rows * (width + 1)), shaded = new Float32Array(rows * (width + 1));
  const add = (at, share, shade) => { filled[at] += share; shaded[at] += share * shade; };
  for (const i of visible) {
    const row = clamp(Math.floor((run.lane[i] - view.low) * perRow), 0, rows - 1) * (width + 1), weight = Math.min(1, perRow), shade = run.shade[i];
    const from = clamp((run.start[i] - view.from) * perSecond, 0, width), to = clamp((run.end[i] - view.from) * perSecond, 0, width), a = Math.floor(from), b = Math.floor(to);
    // Exact at both ends: pixel a holds 1 - (from - a), pixel b holds to - b, those between hold 1.
    add(row + a, weight * (a + 1 - from), shade);
    if (a < width) add(row + a + 1, weight * (from - a), shade);
    add(row + b, -weight * (b + 1 - to), shade);
    if (b < width) add(row + b + 1, -weight * (to - b), shade);
  }
  const colours = ramp.map((colour) => colour.match(/\d+/g).map(Number)), paper = resolve("--paper");
  const image = context.createImageData(width, rows);
  for (let row = 0; row < rows; row++) {
    let share = 0, shade = 0;
    for (let x = 0, at = row * (width + 1); x < width; x++, at++) {
      share += filled[at];
      shade += shaded[at];
      const colour = colours[share > 1e-3 ? clamp(Math.round(shade / share), 0, 100) : 0], part = share > 1e-3 ? Math.min(1, 0.15 + 0.85 * share) : 0, pixel = 4 * (row * width + x);
      for (let k = 0; k < 3; k++) image.data[pixel + k] = paper[k] + (colour[k] - paper[k]) * part;
      image.data[pixel + 3] = 255;
    }
  }
  const layer = new OffscreenCanvas(width, rows);
  layer.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(layer, 0, 0, width, plot);
}

function drawAxis(context, width, plot, perSecond) {
  const [size, unit] = axisUnit(view.to - view.from), marks = ticks(view.from / size, view.to / size, width < 520 ? 4 : 9), step = (marks[1] ?? 1) - marks[0];
  context.fillStyle = `rgb(${resolve("--soft")})`;
  context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  context.textAlign = "center";
  context.fillRect(0, plot, width, 1);
  for (const mark of marks) {
    const x = (mark * size - view.from) * perSecond;
    context.fillRect(x, plot, 1, 4);
    if (x > 14 && x < width - 64) context.fillText(number(mark, step % 1 ? Math.min(3, Math.ceil(-Math.log10(step % 1))) : 0), x, plot + 18);
  }
  context.textAlign = "right";
  context.fillText(unit, width, plot + 18);
}

/** Moves and zooms the view about a point given in parts of the canvas (0 to 1), then keeps it inside the run. */
function change(zoomTime, zoomRows, shiftTime = 0, shiftRows = 0, aboutX = 0.5, aboutY = 0.5) {
  const fit = (from, to, zoom, shift, about, low, high, least) => {
    const length = clamp((to - from) * zoom, least, high - low), start = clamp(from + (to - from) * (about + shift) - length * about, low, high - length);
    return [start, start + length];
  };
  [view.from, view.to] = fit(view.from, view.to, zoomTime, shiftTime, aboutX, run.first, run.last, Math.min(60, run.last - run.first));
  [view.low, view.high] = fit(view.low, view.high, zoomRows, shiftRows, aboutY, 0, run.lanes, Math.min(4, run.lanes));
  drawGantt();
}

function reset() {
  run = loadRun();
  [view, picked] = [{ from: run.first, to: run.last, low: 0, high: run.lanes }, -1];
  drawGantt();
}

/** The job under a point of the canvas, or the nearest on that row within three pixels; -1 where there is none. */
function jobAt(part, down, width) {
  const time = view.from + part * (view.to - view.from), row = Math.floor(view.low + down * (view.high - view.low)), slack = 3 * (view.to - view.from) / width;
  let found = -1, nearest = slack;
  for (let i = 0; i < run.start.length; i++) {
    if (run.lane[i] !== row) continue;
    const away = Math.max(run.start[i] - time, time - run.end[i], 0);
    if (away < nearest) [found, nearest] = [i, away];
  }
  return found;
}

function prepareGantt() {
  const canvas = html("canvas", { tabindex: 0, role: "img", "aria-label": "Jobs by row and time, coloured by wait. Arrow keys move, plus and minus zoom.", style: "width:100%;cursor:grab" });
  byId("gantt").append(canvas);
  byId("gantt-section").hidden = false;
  const press = (title, label, act) => html("button", { type: "button", title, "aria-label": title, onclick: act }, label);
  byId("gantt-controls").append(
    html("select", { "aria-label": "Policy of the Gantt view", onchange: (event) => { chosen = +event.target.value; reset(); } }, gantt.map((one, i) => html("option", { value: i }, nameOf(one)))),
    html("span", {}, "Time ", press("Zoom into time", "+", () => change(0.5, 1)), press("Zoom out of time", "−", () => change(2, 1))),
    html("span", {}, "Rows ", press("Zoom into rows", "+", () => change(1, 0.5)), press("Zoom out of rows", "−", () => change(1, 2))), press("Show everything", "All", reset),
    html("span", {}, "wait 0", html("i", { class: "ramp", style: "background:linear-gradient(90deg,color-mix(in srgb,var(--heat0),var(--heat1) 44%),var(--heat1) 36%,var(--heat2))" }), duration(loadRun().waitMax)));

  const fingers = new Map();
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / (box.height - AXIS), width: box.width };
  };
  const tell = (event, at) => {
    const before = picked, { jobs } = run;
    picked = at.y <= 1 ? jobAt(at.x, at.y, at.width) : -1;
    if (picked !== before) drawGantt();
    if (picked < 0) return hideTip();
    return showTip(event.pageX, event.pageY, `${duration(run.end[picked] - run.start[picked])} on ${held(jobs.size[picked])}`,
      [["waited", run.wait[picked]], ["waiting since", jobs.submit_seconds[picked]], ["started at", run.start[picked]], ["ended at", run.end[picked]]].map(([name, value]) => ({ name, value: duration(value) })));
  };
  const forget = () => { hideTip(); if (picked >= 0) { picked = -1; drawGantt(); } };
  const lift = (event) => { fingers.delete(event.pointerId); };
  build(canvas, {
    onpointerdown: (event) => { fingers.set(event.pointerId, place(event)); canvas.setPointerCapture(event.pointerId); tell(event, place(event)); },
    onpointermove: (event) => {
      const at = place(event), old = fingers.get(event.pointerId);
      if (!old) return tell(event, at);
      hideTip();
      fingers.set(event.pointerId, at);
      if (fingers.size === 1) return change(1, 1, old.x - at.x, old.y - at.y);
      const other = [...fingers].find(([id]) => id !== event.pointerId)[1], apart = (one) => Math.hypot((one.x - other.x) * at.width, one.y - other.y) || 1;
      return change(apart(old) / apart(at), 1, 0, 0, (at.x + other.x) / 2);
    },
    onpointerup: lift, onpointercancel: lift,
    onpointerleave: unlessTouch(forget), onblur: forget,
    onkeydown: (event) => {
      const act = { ArrowLeft: [1, 1, -0.1], ArrowRight: [1, 1, 0.1], ArrowUp: [1, 1, 0, -0.1], ArrowDown: [1, 1, 0, 0.1], "+": [0.5, 1], "-": [2, 1] }[event.key];
      if (!act) return;
      event.preventDefault();
      change(...act);
    },
  }, []);
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const at = place(event), zoom = Math.exp(clamp(event.deltaY, -60, 60) / 150);
    change(event.shiftKey ? 1 : zoom, event.shiftKey ? zoom : 1, 0, 0, clamp(at.x, 0, 1), clamp(at.y, 0, 1));
  }, { passive: false });
  reset();
}

function drawCharts() {
  if (series?.length) drawSeries();
  if (distributions?.length) drawDistributions();
}
function redraw() {
  drawTable();
  if (study.owners?.length) drawOwners();
  drawCharts();
  if (run) drawGantt();
}

sayWhat();
byId("owners-section").hidden = !study.owners?.length;
byId("series-section").hidden = !series?.length;
byId("distribution-section").hidden = !distributions?.length;
chips(byId("chips"), names, hidden, drawCharts);
if (gantt?.length) prepareGantt();
page(redraw);
drawn({ curves: count(".pair .curve[d]"), rows: count("#table tbody tr"), jobs: painted });
