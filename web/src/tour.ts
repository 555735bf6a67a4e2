/** Three things to do on a first visit. Each ticks itself when it is done; nothing is asked of who does not want it. */
import type { NodeRow } from "./api.ts";
import type { Route } from "./route.ts";

export interface Tour {
  /** A node was opened. */
  node: boolean;
  /** A decision was opened. */
  why: boolean;
  /** A plan was approved, rejected or put off; or, where no word is asked for, looked at. */
  plan: boolean;
  /** The card was put away. */
  away: boolean;
}

export const FRESH: Tour = { node: false, why: false, plan: false, away: false };

/** After going somewhere. Where plans are carried out without a word of a person, it is enough to look at one. */
export function went(tour: Tour, { view, id }: Route, acts: boolean): Tour {
  if (!id) return tour;
  return { ...tour, node: tour.node || view === "cluster", why: tour.why || view === "decisions", plan: tour.plan || (acts && view === "plans") };
}

export function isOver(tour: Tour): boolean {
  return tour.away || (tour.node && tour.why && tour.plan);
}

/** The node that a first look should go to: the one that is worst off, or the fullest. */
export function worst(nodes: NodeRow[]): NodeRow | undefined {
  const weight = (node: NodeRow) => (node.failing ? 4 : 0) + (node.hot ? 2 : 0) + Math.min(1, node.used);
  let best: NodeRow | undefined;
  for (const node of nodes) {
    if (node.state === "up" && (!best || weight(node) > weight(best))) best = node;
  }
  return best;
}

/** As it is kept between visits; what cannot be read is a fresh start. */
export function readTour(text: string | null): Tour {
  try {
    const kept: unknown = JSON.parse(text ?? "{}");
    return { ...FRESH, ...(kept && typeof kept === "object" ? kept : {}) };
  } catch {
    return FRESH;
  }
}
