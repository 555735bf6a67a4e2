/** Decisions as a list, the same wherever they stand. */
import type { DecisionRow, WouldFit } from "../api.ts";
import { outcome } from "../groups.ts";
import { Calm, Empty, Name, State } from "../parts.tsx";
import { to } from "../route.ts";
import { now, status } from "../store.ts";
import { ago, clock, reason, verb } from "../words.ts";

interface Props {
  rows: DecisionRow[];
  most?: number;
  none: string;
}

export function DecisionList({ rows, most = 200, none }: Props) {
  if (rows.length === 0) return <Empty>{none}</Empty>;
  return (
    <Calm rows={rows} id={(row) => row.id}>
      {(shown) => (
        <ol class="feed">
          {shown.slice(0, most).map((row) => (
            <li key={row.id}>
              <State of={outcome(row, status.value?.open_plan)} />
              <a href={to("decisions", row.id)}>{verb(row.action)} {row.task ?? row.to}</a>
              <span class="soft">{where(row)}{reason(row.code)}</span>
              <time title={clock(row.time_seconds)}>{ago(now.value, row.time_seconds)}</time>
            </li>
          ))}
        </ol>
      )}
    </Calm>
  );
}

function where({ action, task, from, to: goal }: DecisionRow): string {
  if (action === "wait" || !task) return "";
  if (from && goal) return `${from} → ${goal}: `;
  return goal ? `on ${goal}: ` : from ? `on ${from}: ` : "";
}

/** Changes after which it would fit. */
export function Fits({ rows }: { rows: WouldFit[] }) {
  return (
    <ul class="plainlist">
      {rows.map((row) => (
        <li key={row.node + row.changes.join()}>
          <span class="tried">tried in simulation</span> It would fit on <Name of={row.node} /> if {row.changes.join(", and ")}.
        </li>
      ))}
    </ul>
  );
}
