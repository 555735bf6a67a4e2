/** Try to break it: a failure, a burst, a bad policy, a silent source. Only on a simulated cluster, and each a real act on it. */
import { signal } from "@preact/signals";
import type { TrialBody, TrialKind } from "./api.ts";
import { write } from "./http.ts";
import { look } from "./store.ts";
import { sentence } from "./words.ts";

const KINDS: [TrialKind, string][] = [
  ["failure", "Make a node fail"],
  ["burst", "Send a burst of tasks"],
  ["policy", "Let a bad policy serve"],
  ["source", "Silence the source"],
];

/** What came of each since the page was loaded; it stays while one looks at something else. */
const tried = signal<Partial<Record<TrialKind, TrialBody | string>>>({});

async function tryOut(what: TrialKind): Promise<void> {
  const told = await write("/api/v1/trials", {}, {}, { what }).catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
  tried.value = { ...tried.value, [what]: told };
  await look(true);
}

export function Trials() {
  return (
    <ul class="trials">
      {KINDS.map(([what, name]) => {
        const told = tried.value[what];
        return (
          <li key={what}>
            <button type="button" onClick={() => tryOut(what)}>{name}</button>
            {typeof told === "string" && <span role="alert">{sentence(told)}</span>}
            {typeof told === "object" && (
              <span role="status">
                {sentence(told.did)}. <a href={told.at}>Look</a> <span class="note">{told.look}.</span>
              </span>
            )}
          </li>
        );
      })}
    </ul>
  );
}
