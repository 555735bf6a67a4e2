/** The card of a first visit. */
import { effect, signal } from "@preact/signals";
import { to } from "./route.ts";
import { decisions, nodesNow, openPlan, plans, route, status } from "./store.ts";
import { Trials } from "./trials.tsx";
import { type Tour, isOver, readTour, went, worst } from "./tour.ts";
import { asks } from "./words.ts";

const KEPT = "lepton-tour";

function kept(): string | null {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

const tour = signal<Tour>(readTour(kept()));

effect(() => {
  const now = went(tour.peek(), route.value, status.value?.mode === "act");
  if (JSON.stringify(now) !== JSON.stringify(tour.peek())) tour.value = now;
});

effect(() => {
  try {
    localStorage.setItem(KEPT, JSON.stringify(tour.value));
  } catch {
    // A browser that keeps nothing shows the card again next time.
  }
});

/** A person said something to a plan. */
export function spoke(): void {
  tour.value = { ...tour.value, plan: true };
}

export function FirstVisit() {
  const { node, why, plan } = tour.value;
  if (isOver(tour.value)) return null;
  const first = worst(nodesNow.value);
  const decision = decisions.value[0];
  const open = openPlan.value;
  const modeAsks = asks(status.value);
  const done = plans.value.find((past) => past.state === "carried_out");
  const last: [boolean, string, string, string] =
    status.value?.mode === "act"
      ? [plan, "Look at a plan that it carried out", done ? to("plans", done.id) : to("plans"), done ? `${done.id} is the newest` : "the first one comes soon"]
      : [plan, "Say yes or no to a plan", open ? to("plans", open.id) : to("plans"), open ? `${open.id} waits` : modeAsks ? "when one waits, it is here" : "in mode recommend a plan waits for you"];
  const steps: [boolean, string, string, string][] = [
    [node, "Look at a node", first ? to("cluster", first.name) : to("cluster"), first ? `${first.name} is the one to look at` : ""],
    [why, "Ask why", decision ? to("decisions", decision.id) : to("decisions"), decision ? "the newest decision, explained" : "the first decision comes soon"],
    last,
  ];
  return (
    <aside class="tour" aria-label="Three things to do">
      <ol>
        {steps.map(([done, name, address, note]) => (
          <li key={name} class={done ? "done" : ""}>
            <span class="tick" aria-hidden="true">{done ? "\u2713" : ""}</span>
            <a href={address}>{name}</a> <span class="note">{note}</span>
            {done && <span class="unseen">done</span>}
          </li>
        ))}
      </ol>
      {status.value?.simulated && (
        <details>
          <summary>Try to break it</summary>
          <Trials />
        </details>
      )}
      <button type="button" class="link" onClick={() => (tour.value = { ...tour.value, away: true })}>Put away</button>
    </aside>
  );
}
