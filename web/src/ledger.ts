/** The ledger in shares: where each hour of a resource went. */
import type { LedgerRow } from "./api.ts";

export interface Account {
  key: string;
  label: string;
  hours: number;
  /** Of all hours of the row; 0 of a row without any. */
  share: number;
}

const ACCOUNTS: [string, string, (row: LedgerRow) => number][] = [
  ["used", "used", (row) => row.used_hours],
  ["unused", "held and not used", (row) => row.unused_hours],
  ["beyond", "used beyond what is held", (row) => row.beyond_hours],
  ["moves", "paid for moves", (row) => row.moves_hours],
  ["stranded", "free and of no use", (row) => sum(Object.values(row.stranded_hours))],
  ["lost", "lost with nodes that were down", (row) => row.lost_hours],
  ["idle", "free", (row) => row.idle_hours],
];

/** All accounts of a row, in the order in which they stand beside each other; together they are the row. */
export function accounts(row: LedgerRow): Account[] {
  return ACCOUNTS.map(([key, label, of]) => ({ key, label, hours: of(row), share: row.capacity_hours > 0 ? of(row) / row.capacity_hours : 0 }));
}

/** The resource that is shown unless another is asked for: devices where there are any. */
export function shownResource(rows: LedgerRow[], asked: string): string {
  const there = rows.map((row) => row.resource);
  return there.includes(asked) ? asked : there.includes("devices") ? "devices" : (there[0] ?? "");
}

function sum(values: number[]): number {
  return values.reduce((all, one) => all + one, 0);
}
