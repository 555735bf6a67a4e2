/** What the page knows: fetched when the service has turned, at most once a second, and not while nobody looks. */
import { computed, effect, signal } from "@preact/signals";
import type { DecisionRow, LoadBody, NodeRow, PlanBody, Reads, Status, TaskRow } from "./api.ts";
import { Refused, read, readAll } from "./http.ts";
import { type Route, format, parse } from "./route.ts";

const LOOK_MS = 1000;
const DECISIONS = 200;
const PLANS = 50;

export const route = signal<Route>(parse(location.href));

/** Goes to an address; `replace` leaves no step in the history. */
export function go(address: string, replace = false): void {
  if (address !== location.pathname + location.search) {
    if (replace) history.replaceState(null, "", address);
    else history.pushState(null, "", address);
  }
  const before = route.value;
  route.value = parse(location.href);
  if (before.view !== route.value.view || before.id !== route.value.id) scrollTo(0, 0);
}

/** Changes settings in the address. */
export function set(query: Record<string, string>): void {
  const { view, id, query: before } = route.value;
  go(format({ view, id, query: { ...before, ...query } }), true);
}

addEventListener("popstate", () => (route.value = parse(location.href)));

export const status = signal<Status | null>(null);
export const nodes = signal<NodeRow[]>([]);
export const tasks = signal<TaskRow[]>([]);
export const load = signal<LoadBody | null>(null);
export const decisions = signal<DecisionRow[]>([]);
export const plans = signal<PlanBody[]>([]);
/** Empty while the service answers. */
export const lost = signal("");
/** Rises each time that something new is known. */
export const beat = signal(0);

export const ready = computed(() => status.value !== null && load.value !== null);
export const now = computed(() => status.value?.time_seconds ?? 0);
export const safety = computed(() => load.value?.safety_level ?? 0);
export const openPlan = computed(() => {
  const id = status.value?.open_plan;
  return id ? (plans.value.find((plan) => plan.id === id) ?? null) : null;
});

let seen = "";

/** Fetches what has changed since the last look. */
export async function look(force = false): Promise<void> {
  try {
    const fresh = await read("/api/v1/status");
    const mark = `${fresh.turn} ${fresh.open_plan} ${fresh.state} ${fresh.waiting} ${fresh.running}`;
    if (!force && mark === seen && !lost.value) return;
    const [n, t, l, d, p] = await Promise.all([
      readAll<NodeRow>("/api/v1/nodes"),
      readAll<TaskRow>("/api/v1/tasks"),
      read("/api/v1/load"),
      read("/api/v1/decisions", {}, { limit: DECISIONS }),
      read("/api/v1/plans", {}, { limit: PLANS }),
    ]);
    seen = mark;
    status.value = fresh;
    nodes.value = n;
    tasks.value = t;
    load.value = l;
    decisions.value = d.items;
    plans.value = p.items;
    lost.value = "";
    beat.value += 1;
  } catch (error) {
    lost.value = error instanceof Refused ? error.message : "the service does not answer";
  }
}

/** Looks again and again while the page is in view. */
export function watch(): void {
  let timer = 0;
  const turn = async () => {
    await look();
    if (!document.hidden) timer = setTimeout(turn, LOOK_MS);
  };
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden) void turn();
  });
  void turn();
}

export interface Fetched<T> {
  body: T | null;
  problem: string;
}

/** One thing by its name, fetched anew at each beat; what was known stays until then. */
export function thing<P extends keyof Reads>(path: P, names: Record<string, string>): [() => Fetched<Reads[P]>, () => void] {
  const held = signal<Fetched<Reads[P]>>({ body: null, problem: "" });
  let alive = true;
  const stop = effect(() => {
    void beat.value;
    read(path, names)
      .then((body) => alive && (held.value = { body, problem: "" }))
      .catch((error: unknown) => {
        const problem = error instanceof Error ? error.message : String(error);
        if (alive) held.value = { body: held.peek().body, problem };
      });
  });
  return [() => held.value, () => ((alive = false), stop())];
}

export type ThemeChoice = "auto" | "light" | "dark";
const KEPT = "lepton-theme";

function kept(): ThemeChoice {
  try {
    const choice = localStorage.getItem(KEPT);
    return choice === "light" || choice === "dark" ? choice : "auto";
  } catch {
    return "auto";
  }
}

const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const systemDark = signal(prefersDark.matches);
prefersDark.addEventListener("change", () => (systemDark.value = prefersDark.matches));

export const themeChoice = signal<ThemeChoice>(kept());
export const theme = computed(() =>
  themeChoice.value === "auto" ? (systemDark.value ? "dark" : "light") : themeChoice.value,
);

effect(() => {
  document.documentElement.dataset.theme = theme.value;
  try {
    if (themeChoice.value === "auto") localStorage.removeItem(KEPT);
    else localStorage.setItem(KEPT, themeChoice.value);
  } catch {
    // A browser that keeps nothing still shows the page.
  }
});
