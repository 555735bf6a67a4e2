/** What was decided, the newest first. */
import { Empty, Same } from "../parts.tsx";
import type { DecisionRow } from "../api.ts";
import { outcome } from "../groups.ts";
import { decisions, route, set, status } from "../store.ts";
import { count, sentence, verb } from "../words.ts";
import { DecisionList } from "./lists.tsx";

export function Decisions() {
  const { action = "", result = "", find = "" } = route.value.query;
  const all = decisions.value;
  const actions = [...new Set(all.map((row) => row.action))].sort();
  const of = (row: DecisionRow) => outcome(row, status.value?.open_plan);
  const results = [...new Set(all.map(of))].sort();
  const rows = all.filter(
    (row) =>
      (!action || row.action === action) &&
      (!result || of(row) === result) &&
      (!find || `${row.id} ${row.task} ${row.from} ${row.to} ${row.code}`.includes(find)),
  );
  return (
    <>
      <div class="head"><h1>Decisions</h1></div>
      <div class="controls">
        <label>What <select value={action} onChange={(e) => set({ action: e.currentTarget.value })}>
          <option value="">all</option>
          {actions.map((one) => <option key={one} value={one}>{verb(one)}</option>)}
        </select></label>
        <label>Result <select value={result} onChange={(e) => set({ result: e.currentTarget.value })}>
          <option value="">all</option>
          {results.map((one) => <option key={one} value={one}>{sentence(one.replace("_", " "))}</option>)}
        </select></label>
        <input type="search" placeholder="Task, node or reason" aria-label="Filter" value={find} onInput={(e) => set({ find: e.currentTarget.value })} />
        <span class="soft">{count(rows.length, "decision")} of the last {all.length}</span>
      </div>
      {rows.length ? <DecisionList rows={rows} none="" /> : <Empty>No decision is like that.</Empty>}
      <Same cli="lepton get decisions" api="GET /api/v1/decisions" />
    </>
  );
}
