/** `/` opens it: everything by its name, and what can be done. */
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { found, type Hit } from "./find.ts";
import { decisions, go, nodes, plans, tasks, themeChoice } from "./store.ts";

export const isOpen = signal(false);

export function Search() {
  const dialog = useRef<HTMLDialogElement | null>(null);
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  useEffect(() => {
    if (isOpen.value && !dialog.current?.open) {
      setText("");
      setAt(0);
      dialog.current?.showModal();
    } else if (!isOpen.value) dialog.current?.close();
  }, [isOpen.value]);
  if (!isOpen.value) return <dialog ref={dialog} />;
  const hits = found(text, {
    nodes: nodes.value.map((node) => node.name),
    tasks: tasks.value.map((task) => task.name),
    plans: plans.value.map((plan) => plan.id),
    decisions: decisions.value.map((decision) => decision.id),
  });
  const take = (hit: Hit | undefined) => {
    if (!hit) return;
    isOpen.value = false;
    if (hit.theme) themeChoice.value = hit.theme;
    else go(hit.address);
  };
  return (
    <dialog
      ref={dialog}
      class="search"
      aria-label="Search and commands"
      onClose={() => (isOpen.value = false)}
      onClick={(event) => event.target === dialog.current && (isOpen.value = false)}
    >
      <input
        type="search"
        placeholder="A node, task, plan, decision, or view"
        aria-label="Search"
        aria-controls="hits"
        autofocus
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") take(hits[at]);
          const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
          if (step) {
            event.preventDefault();
            setAt(Math.max(0, Math.min(hits.length - 1, at + step)));
          }
        }}
      />
      <ul id="hits" role="listbox" aria-label="Found">
        {hits.map((hit, i) => (
          <li key={hit.label} role="option" aria-selected={i === at} onPointerEnter={() => setAt(i)} onClick={() => take(hit)}>
            <span>{hit.label}</span> <span class="note">{hit.kind}</span>
          </li>
        ))}
        {hits.length === 0 && <li class="note">Nothing by that name.</li>}
      </ul>
    </dialog>
  );
}
