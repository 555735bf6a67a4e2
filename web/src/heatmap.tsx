/** The cluster as cells: a canvas for the eye, the arrow keys, and a table of the same for a screen reader. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Cell, type Layout, type Mark, layout, moved, paint, under } from "./heat.ts";
import { type Theme, fills } from "./scale.ts";
import { theme } from "./store.ts";
import { useWidth } from "./parts.tsx";

interface Props {
  cells: Cell[];
  /** What a cell says of itself. */
  describe: (cell: Cell) => string;
  label: string;
  height: number;
  most?: number;
  diverging?: boolean;
  onChoose?: (cell: Cell) => void;
}

export function HeatMap({ cells, describe, label, height, most = 34, diverging, onChoose }: Props) {
  const [box, width] = useWidth();
  const canvas = useRef<HTMLCanvasElement | null>(null);
  // Where cells lie depends on their names and groups alone, not on what they show.
  const last = useRef<Cell[]>([]);
  const before = last.current;
  const isSame = before.length === cells.length && before.every((cell, i) => cell.name === cells[i]!.name && cell.group === cells[i]!.group);
  if (!isSame) last.current = cells;
  const laid = useMemo(() => layout(cells, Math.max(1, width), height, most), [last.current, width, height, most]);
  const [at, setAt] = useState(-1);
  const color = theme.value;

  // All cells are drawn once for each change; what the pointer is on is drawn over a copy of them.
  const sheet = useRef<HTMLCanvasElement | null>(null);
  useLayoutEffect(() => {
    if (!canvas.current || width === 0) return;
    sheet.current ??= document.createElement("canvas");
    draw(canvas.current, sheet.current, laid, cells, { width, color, diverging: !!diverging });
    show(canvas.current, sheet.current, laid, at);
  }, [laid, cells, width, color, diverging]);
  useLayoutEffect(() => {
    if (canvas.current && sheet.current) show(canvas.current, sheet.current, laid, at);
  }, [at]);

  const cellAt = (place: number): Cell | undefined => cells[laid.cells[place]?.index ?? -1];
  const placeOf = (event: PointerEvent | MouseEvent) => {
    const rect = canvas.current!.getBoundingClientRect();
    return under(laid, event.clientX - rect.left, event.clientY - rect.top);
  };
  const cell = cellAt(at);
  const spot = laid.cells[at];
  return (
    <div class="heat" ref={box}>
      <canvas
        ref={canvas}
        role="application"
        tabIndex={0}
        aria-label={`${label}. Arrow keys move, Enter opens. ${cell ? describe(cell) : ""}`}
        onPointerMove={(event) => setAt(placeOf(event))}
        onPointerLeave={() => setAt(-1)}
        onFocus={() => at < 0 && setAt(0)}
        onBlur={() => setAt(-1)}
        onClick={(event) => {
          const hit = cellAt(placeOf(event));
          if (hit) onChoose?.(hit);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter" && cell) onChoose?.(cell);
          const next = moved(laid, at, event.key);
          if (next !== at) {
            event.preventDefault();
            setAt(next);
          }
        }}
      />
      {cell && spot && (
        <div
          class="tip"
          role="status"
          style={{
            left: `${Math.min(Math.max(0, spot.x - 8), Math.max(0, width - 240))}px`,
            top: `${spot.y + laid.size + 8}px`,
          }}
        >
          <b>{cell.name}</b> {describe(cell)}
        </div>
      )}
    </div>
  );
}

/** Cells of at most so many pixels have no rounded corners: those are many, and painted as pixels, not drawn one by one. */
const SMALL = 12;

interface Look {
  width: number;
  color: Theme;
  diverging: boolean;
}

/** The sheet on the canvas, with a frame around one cell. */
function show(canvas: HTMLCanvasElement, sheet: HTMLCanvasElement, laid: Layout, at: number): void {
  const pen = canvas.getContext("2d");
  if (!pen) return;
  const ratio = devicePixelRatio || 1;
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(sheet, 0, 0);
  const spot = laid.cells[at];
  if (!spot) return;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.strokeStyle = getComputedStyle(canvas).color;
  pen.lineWidth = 2;
  pen.strokeRect(Math.max(1, spot.x - 1), Math.max(1, spot.y - 1), laid.size + 2, laid.size + 2);
}

/** All cells on a sheet of the canvas's size. */
function draw(canvas: HTMLCanvasElement, sheet: HTMLCanvasElement, laid: Layout, cells: Cell[], look: Look): void {
  const ratio = devicePixelRatio || 1;
  const height = laid.height + 4;
  const [wide, high] = [Math.round(look.width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
    canvas.style.width = `${look.width}px`;
    canvas.style.height = `${height}px`;
  }
  [sheet.width, sheet.height] = [wide, high];
  const pen = sheet.getContext("2d");
  if (!pen) return;
  const fill = fills(look.color, look.diverging);
  const isSmall = laid.size <= SMALL;
  if (isSmall) {
    const image = pen.createImageData(wide, high);
    const colours = laid.cells.map(({ index }) => {
      const cell = cells[index];
      return cell && cell.mark !== "down" ? fill(cell.value).pixel : 0;
    });
    paint(new Uint32Array(image.data.buffer), wide, laid, colours, ratio);
    pen.putImageData(image, 0, 0);
  }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  const style = getComputedStyle(canvas);
  // What a canvas draws with must be resolved colours: they stand in two properties that it doesn't show itself.
  const [ink, soft] = [style.color, style.caretColor];
  if (laid.groups.length > 1) {
    pen.font = `12px ${style.fontFamily}`;
    pen.textBaseline = "top";
    for (const group of laid.groups) {
      pen.fillStyle = ink;
      pen.fillText(group.name, 0, group.y + 2);
      const after = pen.measureText(group.name).width;
      pen.fillStyle = soft;
      pen.fillText(`${group.count}`, after + 8, group.y + 2);
    }
  }
  for (const { index, x, y } of laid.cells) {
    const cell = cells[index];
    if (!cell || (isSmall && !cell.mark)) continue;
    const { fill: color, ink: onIt } = fill(cell.value);
    const isOff = cell.mark === "down";
    pen.beginPath();
    pen.roundRect(x, y, laid.size, laid.size, 3);
    if (isOff) {
      pen.strokeStyle = soft;
      pen.lineWidth = 1;
      pen.stroke();
    } else if (!isSmall) {
      pen.fillStyle = color;
      pen.fill();
    }
    if (cell.mark) mark(pen, cell.mark, x, y, laid.size, isOff ? ink : onIt);
  }
}

/** The shapes of the states, the same as beside their words. */
function mark(pen: CanvasRenderingContext2D, kind: Mark, x: number, y: number, size: number, ink: string): void {
  const [cx, cy, r] = [x + size / 2, y + size / 2, Math.max(2, Math.min(8, size * 0.24))];
  pen.fillStyle = ink;
  pen.strokeStyle = ink;
  pen.lineWidth = Math.max(1, size / 14);
  pen.beginPath();
  switch (kind) {
    case "hot":
      pen.moveTo(cx, cy - r);
      pen.lineTo(cx + r * 1.1, cy + r * 0.9);
      pen.lineTo(cx - r * 1.1, cy + r * 0.9);
      pen.closePath();
      pen.fill();
      break;
    case "sick":
      pen.moveTo(cx, cy - r * 1.2);
      pen.lineTo(cx + r * 1.2, cy);
      pen.lineTo(cx, cy + r * 1.2);
      pen.lineTo(cx - r * 1.2, cy);
      pen.closePath();
      pen.fill();
      break;
    case "down":
      pen.fillRect(cx - r, cy - r, 2 * r, 2 * r);
      break;
    case "cordoned":
      pen.arc(cx, cy, r, 0, 2 * Math.PI);
      pen.stroke();
      break;
    case "hatched":
      for (let i = 0; i < 3; i += 1) {
        pen.moveTo(x + (size * (i + 1)) / 3, y + 1);
        pen.lineTo(x + 1, y + (size * (i + 1)) / 3);
      }
      pen.stroke();
      break;
    case "":
      break;
  }
}

/** The ramp with its ends named. */
export function Legend({ low, high, diverging }: { low: string; high: string; diverging?: boolean }) {
  const strip = useRef<HTMLCanvasElement | null>(null);
  const color = theme.value;
  useEffect(() => {
    const pen = strip.current?.getContext("2d");
    if (!pen) return;
    const fill = fills(color, diverging ?? false);
    for (let x = 0; x < 96; x += 1) {
      const share = x / 95;
      pen.fillStyle = fill(diverging ? share * 2 - 1 : share).fill;
      pen.fillRect(x, 0, 1, 8);
    }
  }, [color, diverging]);
  return (
    <span class="legend">
      {low} <canvas ref={strip} width={96} height={8} aria-hidden="true" /> {high}
    </span>
  );
}
