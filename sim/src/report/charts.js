// Drawing helpers shared by the report pages: line chart with bands, bars with error marks, sortable table, heat
// map, controls. Placed before a page's own script in one module, so their names are shared and nothing is global.
// They know nothing of policies or simulations: a page hands them numbers and names. All text goes in as text
// nodes, never as markup, so a hostile name in the data stays a name.

const COLOURS = 8;
const DASHES = ["none", "6 3", "2 3", "9 3 2 3"];

function build(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if ((value ?? false) !== false) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child !== null));
  return node;
}
const html = (tag, attributes, ...children) => build(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => build(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
const line = (kind, x1, y1, x2, y2) => svg("line", { class: kind, x1, y1, x2, y2 });
const text = (kind, x, y, content) => svg("text", { class: kind, x, y }, content);
const dot = (cx, cy, r, style) => svg("circle", { class: "dot", cx, cy, r, style });
/** Sets colour and dash of series `index` for everything inside the element that carries it. */
const paint = (index) => `--c:var(--c${index % COLOURS});--d:${DASHES[Math.floor(index / COLOURS) % DASHES.length]}`;
const swatch = (index) => svg("svg", { class: "swatch", viewBox: "0 0 20 10", style: paint(index), "aria-hidden": "true" },
  svg("path", { class: "curve", d: "M0 5H20", style: "stroke-width:4" }));

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const known = Number.isFinite;
/** A number for reading: thousands separated, a true minus sign but none before zero, an en dash for nothing. */
const number = (value, digits = 0) => known(value)
  ? value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace(/^-(?=[0.]*$)/, "").replace("-", "\u2212") : "–";

/** Round values between low and high, about `count` of them, no nearer to each other than `least`. */
function ticks(low, high, count, least = 0) {
  const raw = Math.max((high - low) / count || 1, least), power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999) * power;
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(+(i * step).toPrecision(12));
  return found;
}
/** Tick marks as [value, text]: all with as many decimals as tell the nearest two apart. */
function labelled(marks, format) {
  const step = Math.min(...marks.slice(1).map((mark, i) => mark - marks[i])), digits = known(step) ? clamp(Math.ceil(-Math.log10(step) - 1e-9), 0, 12) : 0;
  return marks.map((mark) => [mark, format(mark, digits)]);
}

// One read-out for the page. It is a live region, so what pointer or arrow keys find is also spoken.
const tip = html("div", { class: "tip", role: "status" });
function showTip(pageX, pageY, title, rows) {
  tip.replaceChildren(html("b", {}, title), ...rows.map((row) => html("div", {}, known(row.index) ? swatch(row.index) : null, html("span", {}, row.name), html("span", {}, row.value))));
  if (!tip.isConnected) document.body.append(tip);
  const { offsetWidth: width, offsetHeight: height } = tip, edge = scrollX + document.documentElement.clientWidth;
  tip.style.left = `${Math.max(scrollX + 6, pageX + 16 + width > edge ? pageX - 16 - width : pageX + 16)}px`;
  tip.style.top = `${clamp(pageY - height - 12, scrollY + 6, scrollY + innerHeight - height - 6)}px`;
}
const hideTip = () => tip.replaceChildren();

/** Pushes label heights apart until no two are closer than `gap`, keeping their order. */
function spread(labels, gap, low, high) {
  labels.sort((a, b) => a.y - b.y);
  labels.forEach((label, i) => { label.at = Math.max(label.y, i ? labels[i - 1].at + gap : low); });
  for (let i = labels.length - 1, limit = high; i >= 0; limit = labels[i].at - gap, i--) labels[i].at = Math.min(labels[i].at, limit);
}

/** Index of the sample nearest to x, or of the last one not after it when `before` is set; xs ascend. */
function sampleAt(xs, x, before) {
  let low = 0, high = xs.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (xs[middle] <= x) low = middle; else high = middle - 1;
  }
  return !before && xs[low + 1] - x < x - xs[low] ? low + 1 : low;
}

/** A lifted finger leaves the element too, but its read-out must stay to be read: until a tap elsewhere takes the focus. */
const unlessTouch = (leave) => (event) => { if (event.pointerType !== "touch") leave(); };

/** Listens to pointer and arrow keys alike: point(event) or step(direction as [x, y], event), and leave(). */
function listen(node, point, step, leave) {
  const turns = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  return build(node, { tabindex: 0, onpointermove: point, onpointerdown: point, onpointerleave: unlessTouch(leave), onblur: leave, onkeydown: (event) => {
    if (event.key === "Escape") leave();
    if (!turns[event.key]) return;
    event.preventDefault();
    step(turns[event.key], event);
  } }, []);
}

/**
 * Curves over one axis. options: label, series [{name, index, x, y, low?, high?}],
 * x {domain, label, format, read, log?, ticks?, least?}, y {floor?, ceiling?, label, format}, reference? {x, y}; a format takes
 * (value, digits): digits of a tick mark, undefined for a value that is read; `least` is the least step of marks,
 * before? (read the last sample instead of the nearest), snap? (read whole x only), rest (x first read by keys), onread?, bare? (no names at the ends).
 * Returns follow(x or null), which shows the reading line without the read-out.
 */
function lineChart(host, options) {
  const { series, x, y } = options;
  const width = Math.max(280, host.clientWidth), narrow = width < 520, bare = narrow || options.bare, height = Math.round(clamp(width * 0.62, 240, 380));
  const top = 26, left = 44, bottom = height - 42, right = width - (bare ? 10 : 22 + Math.min(150, Math.max(...series.map((one) => one.name.length)) * 6.8));
  const [x0, x1] = x.domain, inside = (value) => value >= x0 && value <= x1;
  const seen = series.flatMap((one) => one.x.flatMap((at, i) => inside(at) ? [(one.low || one.y)[i], (one.high || one.y)[i]] : [])).filter(known);
  let y0 = y.floor ?? seen.reduce((low, value) => Math.min(low, value), Infinity), y1 = y.ceiling ?? seen.reduce((high, value) => Math.max(high, value), y0);
  const rules = ticks(y0, y1, 5), step = rules[1] - rules[0] || 1;
  y0 = Math.floor(y0 / step) * step;
  y1 = Math.max(y0 + step, Math.ceil(y1 / step - 1e-9) * step);
  const [warp, unwarp] = x.log ? [Math.log10, (value) => 10 ** value] : [Number, Number];
  const toX = (value) => left + (warp(value) - warp(x0)) / (warp(x1) - warp(x0)) * (right - left);
  const fromX = (pixel) => unwarp(warp(x0) + clamp((pixel - left) / (right - left), 0, 1) * (warp(x1) - warp(x0)));
  const toY = (value) => bottom - (value - y0) / (y1 - y0) * (bottom - top);
  const clip = `clip-${host.id}`;
  const root = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": options.label },
    svg("clipPath", { id: clip }, svg("rect", { x: left, y: top - 6, width: right - left + 1, height: bottom - top + 8 })),
    labelled(ticks(y0, y1, 5), y.format).map(([mark, label]) => [line(mark === y0 ? "axis" : "grid", left, toY(mark), right, toY(mark)), text("end tick", left - 7, toY(mark) + 4, label)]).flat(),
    labelled((x.ticks || ticks)(x0, x1, narrow ? 5 : 8, x.least), x.format).map(([mark, label]) => [line("axis", toX(mark), bottom, toX(mark), bottom + 4), text("middle tick", toX(mark), bottom + 18, label)]).flat(),
    text("", 0, 11, y.label), text("middle", (left + right) / 2, height - 5, x.label));

  const path = (xs, ys) => xs.map((at, i) => known(ys[i]) ? `${i && known(ys[i - 1]) ? "L" : "M"}${toX(at).toFixed(1)} ${toY(ys[i]).toFixed(1)}` : "").join("");
  const plot = svg("g", { "clip-path": `url(#${clip})` }), labels = [];
  if (options.reference) plot.append(svg("path", { class: "reference", d: path(options.reference.x, options.reference.y) }));
  for (const one of series) {
    const group = svg("g", { "data-name": one.name, style: paint(one.index) });
    if (one.low) {
      const keep = [...one.x.keys()].filter((i) => known(one.low[i])), pick = (values) => keep.map((i) => values[i]);
      const back = path(pick(one.x).reverse(), pick(one.low).reverse());
      group.append(svg("path", { class: "band", d: `${path(pick(one.x), pick(one.high))}${back.replace("M", "L")}Z` }));
    }
    group.append(svg("path", { class: "curve", d: path(one.x, one.y) }));
    plot.append(group);
    const last = one.x.findLastIndex((at, i) => inside(at) && known(one.y[i]));
    if (last >= 0) labels.push({ one, x: toX(one.x[last]), y: toY(one.y[last]) });
  }
  root.append(plot);
  spread(labels, 14, top, bottom);
  if (!bare) root.append(...labels.map((label) => svg("g", { "data-name": label.one.name, style: paint(label.one.index) },
    svg("path", { class: "lead", d: `M${label.x + 1} ${label.y}L${right + 8} ${label.at}h5` }), text("name", right + 17, label.at + 4, label.one.name))));

  const cursor = svg("g");
  root.append(cursor);
  let at = options.rest;
  /** Draws the reading line at x and returns what it meets, highest first. */
  function follow(value) {
    cursor.replaceChildren();
    if (value === null) return [];
    cursor.append(line("axis", toX(value), top, toX(value), bottom));
    return series.map((one) => ({ one, i: sampleAt(one.x, value, options.before) })).filter(({ one, i }) => known(one.y[i])).sort((a, b) => b.one.y[b.i] - a.one.y[a.i]).map(({ one, i }) => {
      if (one.y[i] >= y0) cursor.append(dot(toX(options.before ? value : one.x[i]), toY(one.y[i]), 4, paint(one.index)));
      return { name: one.name, index: one.index, value: y.format(one.y[i]) };
    });
  }
  function show(value, pageY) {
    const box = root.getBoundingClientRect();
    at = clamp(options.snap ? Math.round(value) : value, x0, x1);
    showTip(scrollX + box.left + toX(at) * box.width / width, pageY, x.read(at), follow(at));
    options.onread?.(at);
  }
  listen(root, (event) => {
    const box = root.getBoundingClientRect();
    show(fromX((event.clientX - box.left) * width / box.width), event.pageY);
  }, ([turn]) => show(options.snap ? at + turn : fromX(toX(at) + turn * 6), scrollY + root.getBoundingClientRect().top + 60),
  () => { follow(null); hideTip(); options.onread?.(null); });
  host.replaceChildren(root);
  return follow;
}

/** Horizontal bars from zero. options: label, axis, max, bars [{name, index, value, spread, points, text, detail (rows of the read-out)}]. */
function barChart(host, options) {
  const { bars, max } = options, width = Math.max(280, host.clientWidth), narrow = width < 520;
  const head = narrow ? 17 : 0, row = 32 + head, longest = (key) => Math.max(...bars.map((bar) => bar[key].length));
  const left = narrow ? 2 : 16 + Math.min(160, longest("name") * 7), right = width - 14 - longest("text") * 6.7;
  const bottom = 6 + bars.length * row, toX = (value) => left + value / max * (right - left);
  const root = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${bottom + 40}`, role: "group", "aria-label": options.label },
    labelled(ticks(0, max, narrow ? 4 : 8), number).map(([mark, label]) => [line(mark ? "grid" : "axis", toX(mark), 6, toX(mark), bottom), text("middle tick", toX(mark), bottom + 17, label)]).flat(),
    text("middle", (left + right) / 2, bottom + 36, options.axis));
  bars.forEach((bar, i) => {
    const low = 6 + i * row + head, middle = low + 16, mean = toX(bar.value), wide = toX(bar.spread) - left;
    const group = svg("g", { "data-name": bar.name, role: "img", "aria-label": `${bar.name}: ${bar.text}`, style: paint(bar.index) },
      svg("rect", { y: low - head, width, height: row, fill: "transparent" }),
      narrow ? text("name", left, low, bar.name) : text("name end", left - 9, middle + 4, bar.name),
      svg("rect", { class: "bar", x: left, y: low + 6, width: mean - left, height: 20 }), line("mean", mean, low + 6, mean, low + 26),
      bar.points.map((value, n) => dot(toX(value), middle + (n * 7 % 5 - 2) * 3.2, 2.6, "--c:var(--ink)")),
      bar.points.length > 1 ? svg("path", { class: "whisker", d: `M${mean - wide} ${middle - 5}v10m0-5H${mean + wide}m0-5v10` }) : null,
      text("name", Math.max(mean + wide, ...bar.points.map(toX)) + 10, middle + 4, bar.text));
    const show = (event) => {
      const box = group.getBoundingClientRect();
      showTip(event.pageX ?? scrollX + box.left + box.width / 2, event.pageY ?? scrollY + box.top, bar.name, bar.detail);
    };
    root.append(build(group, { tabindex: 0, onfocus: show, onpointermove: show, onpointerdown: show, onblur: hideTip, onpointerleave: unlessTouch(hideTip) }, []));
  });
  host.replaceChildren(root);
}

/** A table whose columns sort. options: caption, rows, columns [{title, value(row), cell?(row), descending?}], order {column, down} (kept by the caller), mark?(row). */
function sortTable(host, { columns, rows, caption, order, mark }) {
  const body = html("tbody");
  const heads = columns.map((column, i) => html("th", { scope: "col" }, html("button", { type: "button", onclick: () => {
    order.down = order.column === i ? !order.down : column.descending;
    order.column = i;
    fill();
  } }, column.title)));
  function fill() {
    const { value } = columns[order.column], missing = (one) => (one ?? null) === null;
    const sorted = rows.slice().sort((a, b) => {
      const [p, q] = [value(a), value(b)];
      return missing(p) - missing(q) || (p < q ? -1 : p > q ? 1 : 0) * (order.down ? -1 : 1);
    });
    heads.forEach((head, i) => head.setAttribute("aria-sort", i !== order.column ? "none" : order.down ? "descending" : "ascending"));
    body.replaceChildren(...sorted.map((row) => html("tr", { class: mark?.(row) ? "best" : null },
      columns.map(({ value: plain, cell = plain }, i) => html(i ? "td" : "th", { scope: i ? null : "row" }, cell(row))))));
  }
  fill();
  host.replaceChildren(html("p", { class: "caption" }, caption), html("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    html("table", {}, html("thead", {}, html("tr", {}, heads)), body)));
}

/** What a CSS colour variable is under the theme in force, as [red, green, blue]; canvases need it. */
function resolve(variable) {
  const probe = document.body.appendChild(html("i", { style: `color:var(${variable})` }));
  const parts = getComputedStyle(probe).color.match(/[\d.]+/g).map(Number);
  probe.remove();
  return parts.slice(0, 3);
}

/** 101 colours from empty (0) to full (100) under the theme in force, in steps that look equal, as on the page of the service. */
function heatRamp() {
  const stops = ["--heat0", "--heat1", "--heat2"].map((stop) => `rgb(${resolve(stop)})`), pen = html("canvas", { width: 101, height: 1 }).getContext("2d");
  for (let percent = 0; percent <= 100; percent += 1) {
    const i = percent < 50 ? 0 : 1;
    pen.fillStyle = `color-mix(in oklab, ${stops[i + 1]} ${2 * percent - 100 * i}%, ${stops[i]})`;
    pen.fillRect(percent, 0, 1, 1);
  }
  const { data: pixels } = pen.getImageData(0, 0, 101, 1);
  return Array.from({ length: 101 }, (_, percent) => `rgb(${pixels.slice(4 * percent, 4 * percent + 3).join()})`);
}

/** A block of equal cells on a canvas. options: label, values (percent, null is blank), columns, cell (pixels), ramp, onpick(index or null, event, canvas). */
function heatBlock({ label, values, columns, cell, ramp, onpick }) {
  const width = columns * cell, height = Math.ceil(values.length / columns) * cell, scale = Math.max(1, devicePixelRatio), side = cell > 6 ? cell - 1 : cell;
  const canvas = html("canvas", { width: width * scale, height: height * scale, role: "img", "aria-label": label, style: `width:${width}px` });
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  let picked = null;
  /** Draws all cells, and a frame around `index`. */
  function draw(index) {
    picked = index;
    context.clearRect(0, 0, width, height);
    values.forEach((value, i) => {
      if (!known(value)) return;
      context.fillStyle = ramp[clamp(Math.round(value), 0, 100)];
      context.fillRect(i % columns * cell, Math.floor(i / columns) * cell, side, side);
    });
    if (index === null) return;
    [context.strokeStyle, context.lineWidth] = [`rgb(${resolve("--c1")})`, 2];
    context.strokeRect(index % columns * cell, Math.floor(index / columns) * cell, side, side);
  }
  listen(canvas, (event) => {
    const box = canvas.getBoundingClientRect(), place = (part, count) => clamp(Math.floor(part * count), 0, count - 1);
    const index = place((event.clientY - box.top) / box.height, height / cell) * columns + place((event.clientX - box.left) / box.width, columns);
    onpick(index < values.length ? index : null, event, canvas);
  }, ([x, y], event) => onpick(clamp((picked ?? 0) + x + y * columns, 0, values.length - 1), event, canvas), () => onpick(null));
  draw(null);
  return { canvas, draw };
}

/** Buttons of which one is pressed; choices are [key, text]. */
function segmented(host, title, choices, value, onchange) {
  const buttons = choices.map(([key, label]) => html("button", { type: "button", "aria-pressed": String(key === value), onclick: (event) => {
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button === event.target)));
    onchange(key);
  } }, label));
  host.append(html("fieldset", { class: "segmented" }, html("legend", {}, title), buttons));
}

/** A slider over positions 0..count-1; `label(position)` is shown and spoken. */
function slider(host, title, count, value, label, onchange) {
  const output = html("output"), input = html("input", { type: "range", max: count - 1, value, oninput: () => { tell(); onchange(+input.value); } });
  const tell = () => input.setAttribute("aria-valuetext", output.textContent = label(+input.value));
  tell();
  host.append(html("label", { class: "slider" }, title, input, output));
}

/** Chips that show or hide a series, and bring it out while pointed at; at least one stays shown. */
function chips(host, names, hidden, onchange) {
  const only = (name) => document.querySelectorAll(".chart [data-name]").forEach((node) => node.classList.toggle("faded", name !== null && node.dataset.name !== name));
  host.append(...names.map((name, index) => {
    const button = html("button", { type: "button", "aria-pressed": "true", onclick: () => {
      if (!hidden.delete(name) && hidden.size + 1 < names.length) hidden.add(name);
      button.setAttribute("aria-pressed", String(!hidden.has(name)));
      onchange();
    }, onpointerenter: () => hidden.has(name) || only(name), onpointerleave: () => only(null) }, swatch(index), name);
    return button;
  }));
}
