/** Where the capacity went. */
import type { LedgerRow } from "../api.ts";
import { type Account, accounts, shownResource } from "../ledger.ts";
import { Bars, Card, Empty, Figure, Name, Same, useThing } from "../parts.tsx";
import { route, set } from "../store.ts";
import { type Column, Table } from "../table.tsx";
import { amount, duration, number, percent, reason, resource, sentence } from "../words.ts";

const RANGES: [string, string][] = [["1", "hour"], ["24", "day"], ["168", "week"], ["720", "30 days"]];

export function Ledger() {
  const { hours = "24", by = "node", resource: asked = "" } = route.value.query;
  const { body, problem } = useThing("/api/v1/ledger", {}, { hours, by });
  if (!body) return <Empty>{problem || "Asking…"}</Empty>;
  const of = shownResource(body.total, asked);
  const all = body.total.find((row) => row.resource === of);
  return (
    <>
      <div class="head">
        <h1>{all && all.capacity_hours > 0 ? heading(all) : "Nothing is booked yet"}.</h1>
        <div class="segmented" role="group" aria-label="The last">
          {RANGES.map(([key, name]) => (
            <button key={key} type="button" aria-pressed={hours === key} onClick={() => set({ hours: key === "24" ? "" : key })}>{sentence(name)}</button>
          ))}
        </div>
      </div>
      {!all ? (
        <Empty>The first hour is booked while it runs: look again after a turn.</Empty>
      ) : (
        <>
          <Whole row={all} />
          <div class="grid two">
            <Card title="Free and of no use, by cause" note="what keeps it from the tasks that are expected">
              <Stranded row={all} />
            </Card>
            <Card title="Each resource" note={`${duration(body.observed_seconds)} of ${duration(body.to_seconds - body.from_seconds)} observed`}>
              <ul class="stacks">
                {body.total.map((row) => (
                  <li key={row.resource}>
                    <button type="button" class="link" aria-pressed={row.resource === of} onClick={() => set({ resource: row.resource })}>{sentence(resource(row.resource))}</button>
                    <span class="soft">{hoursOf(row, row.capacity_hours)}</span>
                    <Stack of={accounts(row)} />
                  </li>
                ))}
              </ul>
            </Card>
          </div>
          <Card
            title={by === "owner" ? "By owner" : "By node"}
            note={sentence(resource(of))}
            more={<button type="button" class="link" onClick={() => set({ by: by === "owner" ? "" : "owner" })}>{by === "owner" ? "By node" : "By owner"}</button>}
          >
            <Rows rows={body.items.filter((row) => row.resource === of)} isOwner={by === "owner"} />
          </Card>
        </>
      )}
      <Same cli={`lepton ledger --hours ${hours} --by ${by}`} api={`GET /api/v1/ledger?hours=${hours}&by=${by}`} />
    </>
  );
}

function heading(row: LedgerRow): string {
  const share = (key: string) => accounts(row).find((one) => one.key === key)?.share ?? 0;
  const what = row.resource === "devices" ? "the devices' time" : `the ${resource(row.resource)}`;
  return `${percent(share("used"))} of ${what} was used, ${percent(share("stranded"))} was free and of no use`;
}

/** An amount of a resource times hours. */
function hoursOf(row: LedgerRow, hours: number): string {
  return row.resource === "devices" ? `${number(hours)} device-hours` : `${amount(row.resource, hours).replace(/s$/, "")}-hours`;
}

function Whole({ row }: { row: LedgerRow }) {
  const of = accounts(row);
  return (
    <section class="ledger">
      <Stack of={of} tall />
      <dl class="figures wide">
        {of.filter((one) => one.hours > 0).map((one) => (
          <Figure key={one.key} label={<><i class={`swatch ${one.key}`} /> {sentence(one.label)}</>} value={percent(one.share)} note={hoursOf(row, one.hours)} />
        ))}
      </dl>
    </section>
  );
}

/** The accounts beside each other, in one bar; the words stand beside it. */
function Stack({ of, tall = false }: { of: Account[]; tall?: boolean }) {
  const said = of.filter((one) => one.share > 0).map((one) => `${one.label} ${percent(one.share)}`).join(", ");
  return (
    <div class={`stack ${tall ? "tall" : ""}`} role="img" aria-label={said}>
      {of.map((one) => one.share > 0 && <i key={one.key} class={one.key} style={{ width: `${one.share * 100}%` }} title={`${one.label}: ${percent(one.share)}`} />)}
    </div>
  );
}

function Stranded({ row }: { row: LedgerRow }) {
  const causes = Object.entries(row.stranded_hours).sort(([, a], [, b]) => b - a);
  if (causes.length === 0) return <Empty>None.</Empty>;
  return <Bars rows={causes.map(([cause, hours]) => ({ label: sentence(reason(cause)), value: hours, text: hoursOf(row, hours) }))} />;
}

function Rows({ rows, isOwner }: { rows: LedgerRow[]; isOwner: boolean }) {
  const share = (row: LedgerRow, key: string) => accounts(row).find((one) => one.key === key)!.share;
  const column = (key: string, head: string, minor = false): Column<LedgerRow> => ({
    key, head, cell: (row) => percent(share(row, key)), by: (row) => share(row, key), numeric: true, minor,
  });
  const columns: Column<LedgerRow>[] = [
    { key: "name", head: isOwner ? "Owner" : "Node", cell: (row) => (isOwner ? row.name || "nobody" : <Name of={row.name} />), by: (row) => row.name },
    { key: "went", head: "Where it went", cell: (row) => <Stack of={accounts(row)} />, by: (row) => share(row, "used"), minor: true },
    column("used", "Used"),
    column("unused", "Held, not used"),
    column("moves", "Moves", true),
    column("stranded", "Of no use"),
    column("lost", "Lost", true),
    column("idle", "Free"),
    { key: "hours", head: "All of it", cell: (row) => hoursOf(row, row.capacity_hours), by: (row) => row.capacity_hours, numeric: true },
  ];
  if (rows.length === 0) return <Empty>{isOwner ? "No task says whom it belongs to." : "No node yet."}</Empty>;
  return <Table rows={rows} columns={columns} id={(row) => row.name} caption={isOwner ? "Owners" : "Nodes"} first="-used" />;
}
