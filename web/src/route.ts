/** The page's state is its address: a view, perhaps the name of one thing, and settings in the query. */

export const VIEWS = [
  "now",
  "cluster",
  "tasks",
  "decisions",
  "plans",
  "forecast",
  "whatif",
  "policies",
  "ledger",
  "system",
] as const;
export type View = (typeof VIEWS)[number];

export interface Route {
  view: View;
  /** The node, task, decision or plan that is looked at. */
  id: string;
  query: Record<string, string>;
}

/** Reads an address; what is unknown is the first view. */
export function parse(address: string): Route {
  const url = new URL(address, "http://page");
  const [, first = "", id = ""] = url.pathname.split("/");
  const view = VIEWS.find((view) => view === first) ?? "now";
  return { view, id: view === "now" ? "" : decode(id), query: Object.fromEntries(url.searchParams) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a route; empty settings are left out, in the order of their names. */
export function format({ view, id, query }: Route): string {
  const path = view === "now" ? "/" : `/${view}${id ? `/${encodeURIComponent(id)}` : ""}`;
  const kept = Object.entries(query).filter(([, value]) => value !== "");
  const search = new URLSearchParams(kept.sort(([a], [b]) => (a < b ? -1 : 1))).toString();
  return search ? `${path}?${search}` : path;
}

/** The address of a view. */
export function to(view: View, id = "", query: Record<string, string> = {}): string {
  return format({ view, id, query });
}

/** Where a name leads: d12-3 a decision, p12 a plan, a known node or task. */
export function toName(name: string, isNode: boolean): string {
  if (/^d\d+-\d+$/.test(name)) return to("decisions", name);
  if (/^p\d+$/.test(name)) return to("plans", name);
  return to(isNode ? "cluster" : "tasks", name);
}
