/** The slider over past turns: what is looked at is in the address, and what is past is only looked at. */
import { now, past, route, set, turns } from "./store.ts";
import { ago, clock } from "./words.ts";

export function Timeline() {
  const all = turns.value;
  const at = route.value.query.at ?? "";
  const found = all.findIndex((turn) => turn.id === at);
  const place = at && found >= 0 ? found : all.length - 1;
  const shown = past.value?.figures ?? all[place];
  if (all.length < 2 || !shown) return null;
  const choose = (to: number) => set({ at: to >= all.length - 1 ? "" : (all[to]?.id ?? "") });
  return (
    <div class={at ? "timeline past" : "timeline"}>
      <label>
        <span>{at ? `As it was on ${clock(shown.time_seconds)}, ${ago(now.value, shown.time_seconds)}` : "Live"}</span>
        <input
          type="range"
          aria-label="Turn that is shown"
          aria-valuetext={clock(shown.time_seconds)}
          min={0}
          max={all.length - 1}
          value={place}
          onInput={(event) => choose(Number(event.currentTarget.value))}
        />
      </label>
      {at && <button type="button" onClick={() => set({ at: "" })}>Back to now</button>}
      {at && past.value && !past.value.nodes && <span class="note">This turn is too old to know its nodes; the nodes are those of now.</span>}
    </div>
  );
}
