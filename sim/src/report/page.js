// What every report page has: its data, the words at its head, its theme. Placed before the charts in one module.

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const plural = (count, word) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;
const signed = (value, digits = 2) => `${value > 0 ? "+" : ""}${number(value, digits)}`;
/** A mean gain with the half width of its 95% interval, where there is one. */
const interval = (gain) => !gain ? "–" : known(gain.half_width) ? `${signed(gain.mean)} ±${number(gain.half_width, 2)}` : `${signed(gain.mean)} (one pair, no interval)`;

/** The head and the foot of the page: what was found as [claim, support], facts as [term, fact]. */
function words([claim, support], facts, footer = "") {
  [byId("finding").textContent, byId("support").textContent] = [claim, support];
  byId("facts").append(...facts.map(([term, fact]) => html("div", {}, html("dt", {}, term), html("dd", {}, fact))));
  byId("command").textContent = `$ ${data.command}`;
  byId("footer").textContent = `${data.tool} ${data.version}${footer}. This page is one file and loads nothing.`;
}

/** Draws the page, and again after a change of width or theme and for print; runs the theme button. */
function page(redraw) {
  const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)"), button = byId("theme");
  const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
  const set = (theme) => {
    if (theme) root.dataset.theme = theme; else delete root.dataset.theme;
    button.textContent = isDark() ? "Light" : "Dark";
    redraw();
  };
  let before, width = innerWidth;
  button.addEventListener("click", () => set(isDark() ? "light" : "dark"));
  dark.addEventListener("change", () => set(root.dataset.theme));
  addEventListener("beforeprint", () => { before = root.dataset.theme; set("light"); });
  addEventListener("afterprint", () => set(before));
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; redraw(); } });
  set();
}

const count = (selector) => document.querySelectorAll(selector).length;
/** Says that the page is drawn, and how much there is on it: for tests. */
const drawn = (counts) => Object.assign(document.documentElement.dataset, { ready: "true", ...counts });
