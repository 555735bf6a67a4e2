/** A table that sorts by its heads and shows its first rows, more on request; what it is sorted by is in the address. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { route, set } from "./store.ts";

export interface Column<T> {
  key: string;
  head: string;
  cell: (row: T) => ComponentChildren;
  by: (row: T) => number | string;
  numeric?: boolean;
  /** Left out where space is short. */
  minor?: boolean;
}

interface Props<T> {
  rows: T[];
  columns: Column<T>[];
  id: (row: T) => string;
  caption: string;
  /** Sorted by this column first, `-` before it for falling. */
  first: string;
  shown?: number;
}

export function Table<T>({ rows, columns, id, caption, first, shown = 60 }: Props<T>) {
  const [most, setMost] = useState(shown);
  const sort = route.value.query.sort || first;
  const [falling, key] = sort.startsWith("-") ? [true, sort.slice(1)] : [false, sort];
  const column = columns.find((c) => c.key === key) ?? columns[0]!;
  const sorted = [...rows].sort((a, b) => {
    const [x, y] = [column.by(a), column.by(b)];
    const order = x < y ? -1 : x > y ? 1 : id(a) < id(b) ? -1 : 1;
    return falling ? -order : order;
  });
  return (
    <div class="scroll">
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((c) => (
              <th
                key={c.key}
                scope="col"
                class={kind(c)}
                aria-sort={c.key === key ? (falling ? "descending" : "ascending") : "none"}
              >
                <button type="button" onClick={() => set({ sort: c.key === key && !falling ? `-${c.key}` : c.key })}>
                  {c.head}
                  <span aria-hidden="true">{c.key === key ? (falling ? " \u2193" : " \u2191") : ""}</span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.slice(0, most).map((row) => (
            <tr key={id(row)}>
              {columns.map((c) => (
                <td key={c.key} class={kind(c)}>{c.cell(row)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {sorted.length > most && (
        <button type="button" class="plain" onClick={() => setMost(most * 4)}>
          {sorted.length - most} more
        </button>
      )}
    </div>
  );
}

function kind<T>(column: Column<T>): string {
  return `${column.numeric ? "number" : ""} ${column.minor ? "minor" : ""}`.trim();
}
