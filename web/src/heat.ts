/** The heat map without a canvas: which cells there are, where they lie, what lies under a point, where an arrow key leads. */

export interface Cell {
  name: string;
  /** What its colour shows, 0 to 1 (or -1 to 1 of a change). */
  value: number;
  /** A shape drawn on it. */
  mark: Mark;
  group: string;
}

export type Mark = "" | "hot" | "sick" | "down" | "cordoned" | "hatched";

export interface Placed {
  index: number;
  x: number;
  y: number;
}

export interface Layout {
  size: number;
  gap: number;
  columns: number;
  height: number;
  cells: Placed[];
  groups: { name: string; y: number; count: number }[];
}

const LABEL = 22;
const BETWEEN = 10;

/** Lays cells out in rows, group by group, as large as the space allows. */
export function layout(cells: Cell[], width: number, height: number, most = 34, least = 4): Layout {
  const groups = grouped(cells);
  const labels = groups.length > 1 ? LABEL : 0;
  let size = most;
  while (size > least && heightOf(groups, width, size, labels) > height) size -= 1;
  return lay(groups, width, size, labels);
}

const gapOf = (size: number) => (size > 16 ? 3 : size > 9 ? 2 : 1);
const columnsOf = (width: number, size: number) => Math.max(1, Math.floor((width + gapOf(size)) / (size + gapOf(size))));

function heightOf(groups: [string, number[]][], width: number, size: number, label: number): number {
  const [gap, columns] = [gapOf(size), columnsOf(width, size)];
  const rows = groups.map(([, members]) => label + Math.ceil(members.length / columns) * (size + gap) - gap);
  return rows.reduce((sum, one) => sum + one, BETWEEN * Math.max(0, groups.length - 1));
}

function grouped(cells: Cell[]): [string, number[]][] {
  const groups = new Map<string, number[]>();
  cells.forEach(({ group }, index) => {
    const before = groups.get(group);
    if (before) before.push(index);
    else groups.set(group, [index]);
  });
  return [...groups];
}

function lay(groups: [string, number[]][], width: number, size: number, label: number): Layout {
  const [gap, columns] = [gapOf(size), columnsOf(width, size)];
  const cells: Placed[] = [];
  const heads: Layout["groups"] = [];
  let y = 0;
  groups.forEach(([name, members], at) => {
    if (at > 0) y += BETWEEN;
    heads.push({ name, y, count: members.length });
    y += label;
    members.forEach((index, i) => {
      const row = Math.floor(i / columns);
      cells.push({ index, x: (i % columns) * (size + gap), y: y + row * (size + gap) });
    });
    y += Math.ceil(members.length / columns) * (size + gap) - gap;
  });
  return { size, gap, columns, height: Math.max(0, y), cells, groups: heads };
}

/** Paints cells into the pixels of an image that is `wide` pixels wide, each with the colour of its place; 0 leaves a cell out. */
export function paint(pixels: Uint32Array, wide: number, { cells, size }: Layout, colours: number[], ratio: number): void {
  const high = Math.floor(pixels.length / wide);
  cells.forEach(({ x, y }, place) => {
    const colour = colours[place];
    if (!colour) return;
    const [left, right] = [Math.round(x * ratio), Math.min(wide, Math.round((x + size) * ratio))];
    const bottom = Math.min(high, Math.round((y + size) * ratio));
    for (let row = Math.round(y * ratio); row < bottom; row += 1) pixels.fill(colour, row * wide + left, row * wide + right);
  });
}

/** The cell under a point: a place in `layout.cells`, or -1. */
export function under({ cells, size, gap }: Layout, x: number, y: number): number {
  return cells.findIndex((c) => x >= c.x && x < c.x + size + gap && y >= c.y && y < c.y + size + gap);
}

/** Where a key leads from a cell: a place in `layout.cells`. */
export function moved({ cells }: Layout, from: number, key: string): number {
  const here = cells[from];
  if (!here) return cells.length ? 0 : -1;
  const last = cells.length - 1;
  switch (key) {
    case "ArrowRight":
      return Math.min(last, from + 1);
    case "ArrowLeft":
      return Math.max(0, from - 1);
    case "Home":
      return 0;
    case "End":
      return last;
    case "ArrowUp":
    case "ArrowDown": {
      const way = key === "ArrowDown" ? 1 : -1;
      const beyond = cells
        .map((cell, at) => ({ at, cell, rows: (cell.y - here.y) * way }))
        .filter(({ rows }) => rows > 0)
        .sort((a, b) => a.rows - b.rows || Math.abs(a.cell.x - here.x) - Math.abs(b.cell.x - here.x));
      return beyond[0]?.at ?? from;
    }
    default:
      return from;
  }
}
