/** Small parts that all views are made of. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Reads } from "./api.ts";
import { toName } from "./route.ts";
import { type Fetched, nodeNames, thing } from "./store.ts";

export type Shape = "circle" | "triangle" | "square" | "diamond" | "ring" | "dash";
export type Tone = "good" | "warn" | "bad" | "info" | "quiet";

const SHAPES: Record<Shape, JSX.Element> = {
  circle: <circle cx="6" cy="6" r="4.5" />,
  triangle: <path d="M6 1 11.2 10.5H.8Z" />,
  square: <rect x="1.5" y="1.5" width="9" height="9" />,
  diamond: <path d="M6 .4 11.6 6 6 11.6.4 6Z" />,
  ring: <circle cx="6" cy="6" r="3.9" fill="none" stroke="currentColor" stroke-width="1.8" />,
  dash: <rect x="1" y="4.8" width="10" height="2.4" />,
};

const STATES: Record<string, [Shape, Tone]> = {
  ok: ["circle", "good"],
  up: ["circle", "good"],
  done: ["circle", "good"],
  running: ["circle", "good"],
  carried_out: ["circle", "good"],
  approved: ["circle", "good"],
  starting: ["ring", "info"],
  underway: ["diamond", "info"],
  proposed: ["diamond", "info"],
  waiting: ["ring", "quiet"],
  waits: ["ring", "quiet"],
  "not taken": ["dash", "quiet"],
  superseded: ["dash", "quiet"],
  snoozed: ["ring", "quiet"],
  not_tried: ["dash", "quiet"],
  observe: ["ring", "quiet"],
  recommend: ["diamond", "info"],
  act: ["circle", "good"],
  hot: ["triangle", "warn"],
  "likely to fail": ["diamond", "warn"],
  cordoned: ["ring", "warn"],
  degraded: ["triangle", "warn"],
  sick: ["diamond", "bad"],
  down: ["square", "bad"],
  refused: ["square", "bad"],
  rejected: ["square", "bad"],
  undone: ["square", "bad"],
  lost: ["square", "bad"],
};

/** A status: its shape, its colour and its word. */
export function State({ of, word }: { of: string; word?: string }) {
  const [shape, tone] = STATES[of] ?? (["ring", "quiet"] as const);
  return (
    <span class={`state ${tone}`}>
      <svg class="mark" viewBox="0 0 12 12" aria-hidden="true">{SHAPES[shape]}</svg>
      {word ?? of.replaceAll("_", " ")}
    </span>
  );
}

/** A link to whatever has this name. */
export function Name({ of }: { of: string }) {
  return <a class="name" href={toName(of, nodeNames.value.has(of))}>{of}</a>;
}

interface CardProps {
  title: string;
  note?: ComponentChildren;
  more?: ComponentChildren;
  class?: string;
  children: ComponentChildren;
}

/** A part of a view under its heading. */
export function Card({ title, note, more, class: kind = "", children }: CardProps) {
  return (
    <section class={`card ${kind}`}>
      <header>
        <h2>{title}</h2>
        {note && <span class="note">{note}</span>}
        {more && <span class="more">{more}</span>}
      </header>
      {children}
    </section>
  );
}

/** One figure with what it means. */
export function Figure({ label, value, note }: { label: ComponentChildren; value: ComponentChildren; note?: ComponentChildren }) {
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd>{value}</dd>
      {note && <dd class="note">{note}</dd>}
    </div>
  );
}

export interface Bar {
  label: ComponentChildren;
  value: number;
  text: string;
  note?: string;
  tone?: Tone | "plain";
  /** A second, paler length behind the first. */
  behind?: number;
  /** Where a line stands across it. */
  at?: number;
  /** Shown below it, over the whole width. */
  below?: ComponentChildren;
}

/** Bars on one scale; `most` is the length of a full one. */
export function Bars({ rows, most, mark }: { rows: Bar[]; most?: number; mark?: number }) {
  const full = most ?? Math.max(1e-9, ...rows.map((row) => Math.max(row.value, row.behind ?? 0)));
  const length = (value: number) => `${Math.max(0, Math.min(1, value / full)) * 100}%`;
  return (
    <ul class="bars">
      {rows.map((row, i) => (
        <li key={i}>
          <span class="label">{row.label}</span>
          <span class="value">{row.text}</span>
          <span class={`track ${row.tone ?? "plain"}`} aria-hidden="true">
            {row.behind !== undefined && <i class="behind" style={{ width: length(row.behind) }} />}
            <i style={{ width: length(row.value) }} />
            {(row.at ?? mark) !== undefined && <b style={{ left: length((row.at ?? mark)!) }} />}
          </span>
          {row.note && <span class="note">{row.note}</span>}
          {row.below}
        </li>
      ))}
    </ul>
  );
}

/** What would fill an empty place. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

/** Keeps its rows as they are while the pointer or the keyboard is on them, and says how much waits. */
export function Calm<T>({ rows, id, children }: { rows: T[]; id: (row: T) => string; children: (rows: T[]) => ComponentChildren }) {
  const [held, hold] = useState<T[] | null>(null);
  const shown = held ?? rows;
  const known = useMemo(() => new Set(shown.map(id)), [shown]);
  const news = held ? rows.filter((row) => !known.has(id(row))).length : 0;
  return (
    <div
      class="calm"
      onPointerEnter={(event) => event.pointerType === "mouse" && hold(rows)}
      onPointerLeave={() => hold(null)}
    >
      <button type="button" class="news" hidden={news === 0} onClick={() => hold(rows)}>
        {news} new, shown when you look away
      </button>
      {children(shown)}
    </div>
  );
}

/** How to get what a view shows without it. */
export function Same({ cli, api }: { cli: string; api: string }) {
  return (
    <footer class="same">
      <span>The same on the terminal</span> <code>{cli}</code> <span>and by HTTP</span> <code>{api}</code>
    </footer>
  );
}

/** One thing by its name, kept fresh. */
export function useThing<P extends keyof Reads>(
  path: P,
  names: Record<string, string>,
  query: Record<string, string> = {},
  every = 1,
): Fetched<Reads[P]> {
  const key = JSON.stringify([names, query]);
  const [read, stop] = useMemo(() => thing(path, names, query, every), [path, key]);
  useEffect(() => stop, [stop]);
  return read();
}

/** The width of an element, as it changes. */
export function useWidth(): [{ current: HTMLDivElement | null }, number] {
  const box = useRef<HTMLDivElement | null>(null);
  const [width, setWidth] = useState(0);
  // Before the first paint, so that nothing moves after it.
  useLayoutEffect(() => {
    if (!box.current) return undefined;
    setWidth(Math.floor(box.current.clientWidth));
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  return [box, width];
}
