/** What surrounds every view: its name, the way to the others, how the service stands. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Status } from "./api.ts";
import { Cluster } from "./pages/cluster.tsx";
import { Decision } from "./pages/decision.tsx";
import { Decisions } from "./pages/decisions.tsx";
import { Forecast } from "./pages/forecast.tsx";
import { Ledger } from "./pages/ledger.tsx";
import { Node } from "./pages/node.tsx";
import { Now } from "./pages/now.tsx";
import { Plan } from "./pages/plan.tsx";
import { Plans } from "./pages/plans.tsx";
import { Policies } from "./pages/policies.tsx";
import { System } from "./pages/system.tsx";
import { Task } from "./pages/task.tsx";
import { WhatIf, WhatIfDrawer, beside } from "./pages/whatif.tsx";
import { Work } from "./pages/work.tsx";
import { State } from "./parts.tsx";
import { type View, to } from "./route.ts";
import { Search, isOpen } from "./search.tsx";
import { go, lost, ready, route, status, theme, themeChoice } from "./store.ts";
import { give, wanted } from "./token.ts";
import { clock, count, sentence } from "./words.ts";

const LINKS: [View, string][] = [
  ["now", "Now"],
  ["cluster", "Cluster"],
  ["tasks", "Work"],
  ["decisions", "Decisions"],
  ["plans", "Plans"],
  ["forecast", "Forecast"],
  ["whatif", "What if"],
  ["policies", "Policies"],
  ["ledger", "Ledger"],
  ["system", "System"],
];

export function Shell() {
  const { view, id } = route.value;
  const title = LINKS.find(([of]) => of === view)?.[1] ?? "Now";
  useEffect(() => {
    document.title = `${id || title} · Lepton`;
  }, [id, title]);
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const types = event.target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
      if (types || event.ctrlKey || event.metaKey || event.altKey || event.key !== "/") return;
      event.preventDefault();
      isOpen.value = true;
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.stopPropagation(); event.preventDefault(); document.getElementById("main")?.focus(); }}>To the content</a>
      <Top view={view} />
      <main id="main" tabIndex={-1} data-view={view} data-ready={ready.value}>
        {wanted.value ? <TokenPrompt why={wanted.value} /> : ready.value ? <Body /> : <Waiting />}
      </main>
      {view !== "whatif" && ready.value && <WhatIfDrawer />}
      <Search />
    </>
  );
}

function Top({ view }: { view: View }) {
  const open = status.value?.open_plan;
  const nav = useRef<HTMLElement | null>(null);
  // Where not all fit beside each other, the one that is looked at is among those in sight.
  useEffect(() => {
    const here = nav.current?.querySelector<HTMLElement>("[aria-current]");
    if (nav.current && here) nav.current.scrollLeft = here.offsetLeft - nav.current.offsetLeft - (nav.current.clientWidth - here.offsetWidth) / 2;
  }, [view]);
  return (
    <header class="top">
      <a class="brand" href="/">
        <svg viewBox="0 0 20 20" aria-hidden="true"><rect x="1" y="1" width="8" height="8" rx="1.5" class="b1" /><rect x="11" y="1" width="8" height="8" rx="1.5" class="b2" /><rect x="1" y="11" width="8" height="8" rx="1.5" class="b2" /><rect x="11" y="11" width="8" height="8" rx="1.5" class="b3" /></svg>
        Lepton
      </a>
      <nav aria-label="Views" ref={nav}>
        {LINKS.filter(([of]) => of !== "whatif" || view === "whatif").map(([of, name]) => (
          <a key={of} href={to(of)} aria-current={of === view ? "page" : undefined}>
            {name}
            {of === "plans" && open && <span class="badge">1<span class="unseen"> waits for you</span></span>}
          </a>
        ))}
      </nav>
      <Standing />
      <div class="tools">
        {view !== "whatif" && (
          <button type="button" class="find ask" aria-expanded={!!route.value.query.whatif} onClick={() => go(beside({}))}>
            What if…
          </button>
        )}
        <button type="button" class="find" onClick={() => (isOpen.value = true)}>
          Search <kbd>/</kbd>
        </button>
        <button
          type="button"
          class="theme"
          aria-label={`Theme: ${themeChoice.value === "auto" ? "of the system" : themeChoice.value}`}
          title="Theme"
          onClick={() => (themeChoice.value = theme.value === "dark" ? "light" : "dark")}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.5" /><path d="M8 1.8a6.2 6.2 0 0 1 0 12.4Z" fill="currentColor" /></svg>
        </button>
      </div>
    </header>
  );
}

/** Health, mode and time of the service. */
function Standing() {
  const now = status.value;
  if (lost.value) return <div class="standing" role="status"><State of="lost" word={now ? `${lost.value}; what is shown is old` : lost.value} /></div>;
  if (!now) return <div class="standing" />;
  return (
    <div class="standing" role="status" aria-live="off">
      <State of={now.state} word={now.state === "ok" ? "Healthy" : now.state} />
      <span title="observe looks on, recommend asks a person, act carries out">
        Mode <b>{now.mode}</b>{owners(now)}
      </span>
      <span class="clock">{clock(now.time_seconds)}</span>
    </div>
  );
}

/** That owners have modes of their own; which they are is on the page of the system. */
function owners(now: Status) {
  const of = Object.entries(now.owner_modes ?? {});
  if (of.length === 0) return null;
  const which = of.map(([owner, mode]) => `${owner} ${mode}`).join(", ");
  return <a href={to("system")} title={which} aria-label={`and ${count(of.length, "owner")} otherwise`}> +{of.length}</a>;
}

function Body() {
  const { view, id } = route.value;
  switch (view) {
    case "now":
      return <Now />;
    case "cluster":
      return id ? <Node key={id} name={id} /> : <Cluster />;
    case "tasks":
      return id ? <Task key={id} name={id} /> : <Work />;
    case "decisions":
      return id ? <Decision key={id} id={id} /> : <Decisions />;
    case "plans":
      return id ? <Plan key={id} id={id} /> : <Plans />;
    case "forecast":
      return <Forecast />;
    case "whatif":
      return <WhatIf />;
    case "policies":
      return <Policies />;
    case "ledger":
      return <Ledger />;
    case "system":
      return <System />;
    default:
      return <Now />;
  }
}

/** Asks a person for the token. */
function TokenPrompt({ why }: { why: string }) {
  const [text, setText] = useState("");
  return (
    <form
      class="token"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim()) give(text);
      }}
    >
      <h1>This service asks for a token</h1>
      <p role="status">{sentence(why)}</p>
      <label>
        Token <input type="password" name="token" autocomplete="off" autofocus placeholder="lpt_…" value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <button type="submit" class="button" disabled={!text.trim()}>Look</button>
      <p class="note">It is kept until this tab is closed, and sent to this service alone. An admin makes one: <code>lepton token create --role viewer</code>.</p>
    </form>
  );
}

function Waiting() {
  return <p class="empty">{lost.value ? `No answer yet: ${lost.value}. Maybe \`lepton serve\` does not run.` : "Asking the service…"}</p>;
}
