/** A fan: how a node was used, what was expected of it then, and where the peak of the time to come lies at each quantile. */
import type { NodeForecast } from "./api.ts";

export interface Fan {
  /** The past, now, and the end of what is looked ahead. */
  times: number[];
  used: (number | null)[];
  /** The peak that was expected at each moment of the past. */
  then: (number | null)[];
  /** At each quantile: from what is used now to the peak that is expected. */
  levels: { level: number; values: (number | null)[] }[];
}

/** The lines of a fan. Without an expectation it is the past alone. */
export function fan(of: NodeForecast, levels: number[], horizon: number): Fan {
  const past = of.times_seconds;
  const last = past.length - 1;
  const ahead = last >= 0 && horizon > 0 && of.expected.length > 0 ? [past[last]! + horizon] : [];
  const gap = ahead.map(() => null);
  const opening = (peak: number) => [...past.map((_, at) => (at === last ? of.used[last]! : null)), peak];
  return {
    times: [...past, ...ahead],
    used: [...of.used, ...gap],
    then: [...of.expected_peak, ...gap],
    levels: ahead.length ? of.expected.map((peak, at) => ({ level: levels[at] ?? 0, values: opening(peak) })) : [],
  };
}
