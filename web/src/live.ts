/** The stream of the service: server-sent events, read with `fetch`, and the bytes in which all nodes stand. */
import type { NodeRow, NodesShown } from "./api.ts";
import { ask } from "./http.ts";

export interface Event {
  id: string;
  name: string;
  data: string;
}

/** Takes text as it comes and gives the events that are whole. */
export class Decoder {
  #rest = "";

  take(text: string): Event[] {
    const blocks = (this.#rest + text).replaceAll("\r\n", "\n").split("\n\n");
    this.#rest = blocks.pop() ?? "";
    return blocks.flatMap((block) => {
      const event = { id: "", name: "message", data: "" };
      for (const line of block.split("\n")) {
        const [, field = "", value = ""] = /^([a-z]*):? ?(.*)$/.exec(line) ?? [];
        if (field === "id") event.id = value;
        else if (field === "event") event.name = value;
        else if (field === "data") event.data += event.data ? `\n${value}` : value;
      }
      return event.data ? [event] : [];
    });
  }
}

const OF_ONE = 200;
const STATES = ["up", "cordoned", "sick", "down"];

function bytes(base64: string): Uint8Array {
  const letters = atob(base64);
  const all = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at += 1) all[at] = letters.charCodeAt(at);
  return all;
}

/** How each row stands by the bytes; what the bytes do not hold stays. */
function standing(shown: NodesShown): (row: NodeRow, at: number) => NodeRow {
  const [used, promised, held] = [bytes(shown.used), bytes(shown.promised), bytes(shown.devices_held)];
  const [peak, risk, state] = [bytes(shown.expected_peak), bytes(shown.failure_probability), bytes(shown.state)];
  const share = (from: Uint8Array, at: number) => (from[at] ?? 0) / OF_ONE;
  return (row, at) => ({
    ...row,
    used: share(used, at),
    promised: share(promised, at),
    devices_held: share(held, at),
    expected_peak: share(peak, at),
    failure_probability: share(risk, at),
    state: STATES[state[at] ?? 0] ?? "up",
  });
}

/** Rows that stand as the bytes say. Rows of another inventory are left alone. */
export function standAs(rows: NodeRow[], shown: NodesShown): NodeRow[] {
  return rows.length === shown.count ? rows.map(standing(shown)) : rows;
}

/** Rows worked out at a time. */
const SLICE = 2500;

/** The same in slices; between two of them `pause` lets others have the thread. */
export async function standInSlices(rows: NodeRow[], shown: NodesShown, pause: () => Promise<void>): Promise<NodeRow[]> {
  if (rows.length !== shown.count) return rows;
  const stand = standing(shown);
  const all: NodeRow[] = [];
  for (let at = 0; at < rows.length; at += SLICE) {
    rows.slice(at, at + SLICE).forEach((row, i) => all.push(stand(row, at + i)));
    await pause();
  }
  return all;
}

/** Follows the stream until it is told to stop; after a break it goes on where it was. */
export function follow(address: string, heard: (event: Event) => void, broken: () => void): () => void {
  const stop = new AbortController();
  let last = "";
  let pause = 500;
  const run = async () => {
    while (!stop.signal.aborted) {
      try {
        const headers = last ? { "Last-Event-ID": last } : undefined;
        const response = await ask(address, { signal: stop.signal, ...(headers ? { headers } : {}) });
        if (!response.ok || !response.body) throw new Error(response.statusText);
        const decoder = new Decoder();
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
          pause = 500;
          for (const event of decoder.take(piece.value)) {
            last = event.id || last;
            heard(event);
          }
        }
      } catch {
        // What ended the stream shows when it is opened again.
      }
      if (stop.signal.aborted) return;
      broken();
      await new Promise((done) => setTimeout(done, pause));
      pause = Math.min(pause * 2, 10_000);
    }
  };
  void run();
  return () => stop.abort();
}
