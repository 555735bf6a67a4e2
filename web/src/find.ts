/** What a search finds. */
import { type View, to, toName } from "./route.ts";

export interface Hit {
  label: string;
  kind: string;
  address: string;
  theme?: "auto" | "light" | "dark";
}

export interface Names {
  nodes: string[];
  tasks: string[];
  plans: string[];
  decisions: string[];
}

const SHOWN = 12;

const COMMANDS: Hit[] = [
  ...(
    [
      ["Now", "now"],
      ["Cluster", "cluster"],
      ["Work", "tasks"],
      ["Decisions", "decisions"],
      ["Plans", "plans"],
      ["Forecast and risk", "forecast"],
      ["What if", "whatif"],
      ["Policies", "policies"],
      ["Ledger", "ledger"],
      ["System", "system"],
    ] as [string, View][]
  ).map(([label, view]) => ({ label, kind: "view", address: to(view) })),
  { label: "What waits", kind: "view", address: to("tasks", "", { state: "waiting" }) },
  { label: "Dark theme", kind: "setting", address: "", theme: "dark" },
  { label: "Light theme", kind: "setting", address: "", theme: "light" },
  { label: "Theme of the system", kind: "setting", address: "", theme: "auto" },
];

/** The best hits first: names that begin with the text, then names that hold it; numbers find what they end. */
export function found(text: string, names: Names): Hit[] {
  const wanted = text.trim().toLowerCase();
  const listed = (all: string[], kind: string): Hit[] =>
    all.map((name) => ({ label: name, kind, address: toName(name, kind === "node") }));
  const things = [
    ...listed(names.plans, "plan"),
    ...listed(names.nodes, "node"),
    ...listed(names.tasks, "task"),
    ...listed(names.decisions, "decision"),
  ];
  if (!wanted) return COMMANDS.slice(0, SHOWN);
  const scored = [...COMMANDS, ...things].flatMap((hit) => {
    const rank = rankOf(hit.label.toLowerCase(), wanted);
    return rank < 0 ? [] : [{ hit, rank }];
  });
  return scored.sort((a, b) => a.rank - b.rank).slice(0, SHOWN).map(({ hit }) => hit);
}

function rankOf(name: string, wanted: string): number {
  if (name === wanted) return 0;
  if (/^\d+$/.test(wanted) && Number(name.match(/\d+$/)?.[0]) === Number(wanted)) return 1;
  if (name.startsWith(wanted)) return 2;
  return name.includes(wanted) ? 3 : -1;
}
