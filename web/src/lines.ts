/** The geometry of a chart of lines over time. */
import { ticks } from "./scale.ts";

export interface Frame {
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export interface Scales {
  x: (time: number) => number;
  y: (value: number) => number;
  xTicks: number[];
  yTicks: number[];
}

const STEPS = [60, 300, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800];

/** Scales from 0 up to the largest value, or `most` if that is more. */
export function scales(times: number[], values: (number | null)[][], frame: Frame, most: number): Scales {
  const [first, last] = [times[0] ?? 0, times[times.length - 1] ?? 1];
  const span = Math.max(1, last - first);
  const top = Math.max(most, ...values.flat().map((value) => value ?? 0)) || 1;
  const yTicks = ticks(top, 2);
  const high = Math.max(top, yTicks[yTicks.length - 1]!);
  const wide = frame.width - frame.left - frame.right;
  const tall = frame.height - frame.top - frame.bottom;
  const step = STEPS.find((s) => span / s <= Math.max(2, wide / 84)) ?? 604_800;
  const xTicks: number[] = [];
  for (let at = Math.ceil(first / step) * step; at <= last; at += step) xTicks.push(at);
  return {
    x: (time) => frame.left + ((time - first) / span) * wide,
    y: (value) => frame.top + (1 - value / high) * tall,
    xTicks,
    yTicks,
  };
}

const point = (x: number, y: number) => `${x.toFixed(1)},${y.toFixed(1)}`;

/** A line as an SVG path; it breaks where a value is missing. */
export function path(times: number[], values: (number | null)[], { x, y }: Scales): string {
  let pen = "M";
  let text = "";
  times.forEach((time, i) => {
    const value = values[i];
    if (value === null || value === undefined) pen = "M";
    else {
      text += pen + point(x(time), y(value));
      pen = "L";
    }
  });
  return text;
}

/** The area between a line and another, or the bottom. */
export function area(times: number[], upper: (number | null)[], lower: (number | null)[] | null, s: Scales): string {
  const known = times.map((_, i) => i).filter((i) => upper[i] != null && (!lower || lower[i] != null));
  if (known.length < 2) return "";
  const there = known.map((i) => point(s.x(times[i]!), s.y(upper[i]!)));
  const back = known.toReversed().map((i) => point(s.x(times[i]!), s.y(lower ? lower[i]! : 0)));
  return `M${[...there, ...back].join("L")}Z`;
}

/** The moment nearest to a place on the chart. */
export function nearest(times: number[], at: number, { x }: Scales): number {
  let best = -1;
  times.forEach((time, i) => {
    if (best < 0 || Math.abs(x(time) - at) < Math.abs(x(times[best]!) - at)) best = i;
  });
  return best;
}
