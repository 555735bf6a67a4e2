/** A what-if question as it stands in the address, in a request, and on the command line. */
import type { Scenario } from "./api.ts";

type Query = Record<string, string>;

const words = (text: string | undefined): string[] => (text ?? "").split(/[\s,]+/).filter((word) => word);

/** "node-0001x2" is two like node-0001; without a number it is one. */
export function counted(word: string): { like: string; count: number } {
  const found = /^(.+)x(\d{1,4})$/.exec(word);
  return found ? { like: found[1]!, count: Number(found[2]) } : { like: word, count: 1 };
}

/** The question that the settings of an address ask; none while they ask nothing. */
export function scenarioOf(query: Query): Scenario | null {
  const drain = words(query.drain);
  const add = words(query.add).map(counted);
  const submit = words(query.submit).slice(0, 1).map((word) => ({ ...counted(word), gang: query.gang === "yes" }));
  const policy = (query.policy ?? "").trim();
  if (!drain.length && !add.length && !submit.length && !policy) return null;
  const when = momentOf(query.when);
  return { drain, add, submit, ...(policy ? { policy } : {}), ...(when === null ? {} : { at_seconds: when }) };
}

/** A moment of the past, seconds of the cluster's time; none for now. */
function momentOf(text: string | undefined): number | null {
  return /^\s*\d{1,15}\s*$/.test(text ?? "") ? Number(text) : null;
}

/** What stands in an address whose drawer is open and asks nothing yet. */
const NOTHING = "nothing";

/** A question as one setting of the address of another view. */
export function packed(query: Query): string {
  const asked = Object.entries(query).filter(([, value]) => value.trim() !== "");
  return new URLSearchParams(asked).toString() || NOTHING;
}

/** The question of such a setting. */
export function unpacked(text: string): Query {
  return text === NOTHING ? {} : Object.fromEntries(new URLSearchParams(text));
}

/** The same on the command line. */
export function commandOf(query: Query): string {
  const { drain = [], add = [], submit = [], policy, at_seconds: at } = scenarioOf(query) ?? {};
  return [
    "lepton whatif",
    drain.length ? `--drain ${drain.join(",")}` : "",
    add.length ? `--add ${add.map(({ like, count }) => `${like}x${count}`).join(",")}` : "",
    ...submit.map(({ like, count, gang }) => `--submit-like ${like} --count ${count}${gang ? " --gang" : ""}`),
    policy ? `--policy ${policy}` : "",
    at == null ? "" : `--at ${at}`,
  ]
    .filter((part) => part)
    .join(" ");
}
