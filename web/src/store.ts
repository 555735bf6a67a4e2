/** What the page knows. The stream tells what is new; it is shown at most once a second, and nothing is asked while nobody looks. */
import { batch, computed, effect, signal } from "@preact/signals";
import type { DecisionRow, LoadBody, NodeRow, NodesShown, PlanLineRow, Reads, Status, TaskRow, TurnBody, TurnFigures, WaitingBody } from "./api.ts";
import { read, readAll } from "./http.ts";
import { type Event, follow, standAs, standInSlices } from "./live.ts";
import { type Route, format, parse } from "./route.ts";
import { wanted } from "./token.ts";

const BEAT_MS = 1000;
const DECISIONS = 200;
const PLANS = 50;
const TURNS = 1000;
/** Beats between two readings of what changes slowly; of many nodes the rows are read less often than their bytes. */
const SLOW = 5;
const MANY_NODES = 2000;
const MANY_TASKS = 2000;

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
/** How the nodes stand now, whatever moment is looked at. */
export const nodesNow = signal<NodeRow[]>([]);
export const tasks = signal<TaskRow[]>([]);
export const load = signal<LoadBody | null>(null);
export const decisions = signal<DecisionRow[]>([]);
export const plans = signal<PlanLineRow[]>([]);
export const waits = signal<WaitingBody | null>(null);
/** The last turns, the oldest first. */
export const turns = signal<TurnFigures[]>([]);
/** The past turn that is looked at. */
export const past = signal<TurnBody | null>(null);
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
/** The nodes at the moment that is looked at: now, or a past turn. */
export const nodes = computed(() => {
  const then = past.value;
  if (!then?.nodes) return nodesNow.value;
  const known = new Map(nodesNow.value.map((node) => [node.name, node]));
  const rows = then.names.map((name) => ({ ...NO_NODE, ...known.get(name), name, failure_probability_day: 0, signs: [] }));
  return standAs(rows, then.nodes);
});

/** The names of the nodes, to tell them from tasks; made anew only where nodes come or go. */
export const nodeNames = signal<ReadonlySet<string>>(new Set());

const NO_NODE: NodeRow = {
  name: "", state: "up", tasks: 0, devices: 0, used: 0, promised: 0, devices_held: 0, expected_peak: 0, hot: false,
  failing: false, failure_probability: 0, failure_probability_day: 0, signs: [], labels: [],
};

/** What was heard and is not shown yet. */
const news: { status?: Status; nodes?: NodesShown; waits?: WaitingBody; turns: TurnFigures[]; decided: boolean } = { turns: [], decided: true };
let beats = 0;
let inventory = "";

function heard({ name, data }: Event): void {
  const body: unknown = JSON.parse(data);
  if (name === "status") news.status = body as Status;
  else if (name === "nodes") news.nodes = body as NodesShown;
  else if (name === "waiting") news.waits = body as WaitingBody;
  else if (name === "turns") news.turns.push(...(body as TurnFigures[]));
  else news.decided = true;
}

const nextTask = () => new Promise<void>((next) => setTimeout(next));

/** Shows what was heard, and asks for what the stream does not tell. */
export async function look(force = false): Promise<void> {
  const { status: told, nodes: stood, waits: waiting, turns: more } = news;
  if (wanted.value || (!told && !force && status.value && !lost.value)) return;
  const first = status.value === null;
  if (first && more.length) news.turns = [];
  const isSlow = force || first || beats % SLOW === 0;
  const isMany = nodesNow.value.length > MANY_NODES;
  const isOther = stood !== undefined && stood.inventory !== inventory;
  const needsTasks = ["tasks", "plans"].includes(route.value.view);
  const needsDecisions = force || first || news.decided || told?.open_plan !== status.value?.open_plan;
  beats += 1;
  news.decided = false;
  try {
    // One question first, so that a service that is away is not asked all of them each second.
    const s = told && !force && !lost.value ? told : await read("/api/v1/status");
    const [w, t, n, a, l, d, p] = await Promise.all([
      waiting ?? read("/api/v1/waiting"),
      first ? read("/api/v1/turns", {}, { limit: TURNS }) : null,
      first || isOther || (isMany ? beats % (3 * SLOW) === 0 : true) ? readAll<NodeRow>("/api/v1/nodes") : null,
      first || (needsTasks && (force || tasks.value.length <= MANY_TASKS || beats % SLOW === 0)) ? readAll<TaskRow>("/api/v1/tasks") : null,
      isSlow ? read("/api/v1/load") : null,
      needsDecisions ? read("/api/v1/decisions", {}, { limit: DECISIONS }) : null,
      needsDecisions ? read("/api/v1/plans", {}, { limit: PLANS }) : null,
    ]);
    const rows = n ?? (stood ? await standInSlices(nodesNow.value, stood, nextTask) : null);
    // What is known is worked out and shown in tasks of their own, so that none of them holds up a person's hand: first the nodes, which
    // may be many, then the rest.
    if (rows) {
      nodesNow.value = rows;
      await nextTask();
    }
    batch(() => {
      status.value = s;
      waits.value = w;
      if (n && (n.length !== nodeNames.peek().size || n.some((node) => !nodeNames.peek().has(node.name)))) {
        nodeNames.value = new Set(n.map((node) => node.name));
      }
      if (stood) inventory = stood.inventory;
      if (a) tasks.value = a;
      if (l) load.value = l;
      if (d) decisions.value = d.items;
      if (p) plans.value = p.items;
      const fresh = t ? t.items.toReversed() : news.turns;
      if (fresh.length) turns.value = [...turns.value, ...fresh].slice(-TURNS);
      news.turns = [];
      if (news.status === told) delete news.status;
      if (news.nodes === stood) delete news.nodes;
      if (news.waits === waiting) delete news.waits;
      lost.value = "";
      beat.value += 1;
    });
  } catch (error) {
    news.decided = true;
    lost.value = wanted.value ? "a token is asked for" : error instanceof TypeError ? "the service does not answer" : String((error as Error).message);
  }
}

/** Follows the service while the page is in view. */
export function watch(): void {
  let stop = () => {};
  let timer = 0;
  const turn = async () => {
    await look();
    timer = setTimeout(turn, BEAT_MS);
  };
  const begin = () => {
    stop();
    clearTimeout(timer);
    if (document.hidden || wanted.peek()) return;
    stop = follow("/api/v1/stream", heard, () => (lost.value = "the service does not answer"));
    void turn();
  };
  document.addEventListener("visibilitychange", begin);
  // Without a token nothing is asked until a person has given one.
  wanted.subscribe(begin);
}

/** A view that needs tasks is not left waiting for the next beat. */
effect(() => {
  if (["tasks", "plans"].includes(route.value.view) && status.peek()) void look(true);
});

/** The past turn that the address names. */
effect(() => {
  const at = route.value.query.at ?? "";
  if (!at) past.value = null;
  else if (past.peek()?.figures.id !== at) {
    read("/api/v1/turns/{id}", { id: at })
      .then((body) => route.peek().query.at === at && (past.value = body))
      .catch(() => (past.value = null));
  }
});

export interface Fetched<T> {
  body: T | null;
  problem: string;
}

/** One thing by its name, fetched anew at each beat, or each of so many; what was known stays until then. */
export function thing<P extends keyof Reads>(
  path: P,
  names: Record<string, string>,
  query: Record<string, string> = {},
  every = 1,
): [() => Fetched<Reads[P]>, () => void] {
  const held = signal<Fetched<Reads[P]>>({ body: null, problem: "" });
  let alive = true;
  const stop = effect(() => {
    if (beat.value % every !== 0 && held.peek().body) return;
    read(path, names, query)
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
