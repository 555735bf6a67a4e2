/** Lines over time. */
import { useMemo, useState } from "preact/hooks";
import { area, nearest, path, scales } from "./lines.ts";
import { useWidth } from "./parts.tsx";
import { clock, hour } from "./words.ts";

export interface Line {
  label: string;
  values: (number | null)[];
  /** The class of its colour: c0, c1, c2. */
  color: string;
  dashed?: boolean;
  /** Filled down to the bottom, or to these values. */
  fill?: boolean | (number | null)[];
}

interface Props {
  times: number[];
  lines: Line[];
  height: number;
  label: string;
  format: (value: number) => string;
  /** The least that the axis reaches up to. */
  most?: number;
  /** A level across the chart, with its name. */
  level?: { at: number; name: string };
  /** A moment that is marked. */
  chosen?: number;
  /** A moment from which on nothing has happened yet. */
  since?: number;
  /** Its lines are named elsewhere. */
  bare?: boolean;
  onChoose?: (time: number) => void;
}

export function Chart({ times, lines, height, label, format, most = 0, level, chosen, since, bare = false, onChoose }: Props) {
  const [box, width] = useWidth();
  const [at, setAt] = useState(-1);
  const frame = { width, height, left: 36, right: 4, top: 6, bottom: 18 };
  const s = useMemo(() => scales(times, lines.map((l) => l.values), frame, most), [times, lines, width, height, most]);
  const shown = at >= 0 && at < times.length ? at : times.length - 1;
  const value = (line: Line) => {
    const v = at >= 0 ? line.values[shown] : line.values.findLast((one) => one !== null);
    return v === null || v === undefined ? "" : format(v);
  };
  const placeOf = (event: PointerEvent | MouseEvent) => {
    const left = (event.currentTarget as Element).getBoundingClientRect().left;
    return nearest(times, event.clientX - left, s);
  };
  const across = (y: number, kind: string) => <path class={kind} d={`M${frame.left},${y.toFixed(1)}H${width - frame.right}`} />;
  const down = (x: number, kind: string) => <path class={kind} d={`M${x.toFixed(1)},${frame.top}V${height - frame.bottom}`} />;
  return (
    <figure class="chart">
      <figcaption class={bare && at < 0 ? "unseen" : ""}>
        {lines.map((line) => (
          <span key={line.label}>
            <i class={`key ${line.color} ${line.dashed ? "dashed" : ""}`} /> {line.label} <b>{value(line)}</b>
          </span>
        ))}
        {level && <span><i class="key level" /> {level.name} <b>{format(level.at)}</b></span>}
        <span class="when">{at >= 0 && clock(times[shown] ?? 0)}</span>
      </figcaption>
      <div ref={box} style={{ height: `${height}px` }}>
        {width > 0 && (
          <svg
            width={width}
            height={height}
            role="img"
            aria-label={`${label}. Now ${lines.map((line) => `${line.label} ${value(line)}`).join(", ")}.`}
            onPointerMove={(event) => setAt(placeOf(event))}
            onPointerLeave={() => setAt(-1)}
            onClick={(event) => onChoose?.(times[placeOf(event)] ?? 0)}
          >
            {s.yTicks.map((tick) => (
              <g key={tick}>
                {across(s.y(tick), "grid-line")}
                <text x={frame.left - 6} y={s.y(tick) + 4} class="end">{format(tick)}</text>
              </g>
            ))}
            {s.xTicks.map((tick) => (
              <text key={tick} x={s.x(tick)} y={height - 3} class="middle">{hour(tick)}</text>
            ))}
            {lines.map((line) => line.fill && (
              <path key={line.label} class={`area ${line.color}`} d={area(times, line.values, line.fill === true ? null : line.fill, s)} />
            ))}
            {lines.map((line) => (
              <path key={line.label} class={`line ${line.color} ${line.dashed ? "dashed" : ""}`} d={path(times, line.values, s)} />
            ))}
            {level && across(s.y(level.at), "level")}
            {since !== undefined && down(s.x(since), "cursor")}
            {chosen !== undefined && down(s.x(chosen), "chosen")}
            {at >= 0 && down(s.x(times[shown] ?? 0), "cursor")}
          </svg>
        )}
      </div>
    </figure>
  );
}
