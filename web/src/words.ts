/** Numbers, times and reasons as people read them. */
import type { Status } from "./api.ts";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/** A share as a percentage: 0.423 is "42%", 0.004 is "0.4%". */
export function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.1) return "<0.1%";
  const digits = value !== 0 && Math.abs(value) < 1 ? 1 : 0;
  return `${minus(value.toFixed(digits))}%`;
}

/** A number with as many digits as help: 1,234 or 12.3 or 0.12. */
export function number(value: number): string {
  const size = Math.abs(value);
  const digits = Number.isInteger(value) || size >= 100 ? 0 : size >= 10 ? 1 : 2;
  const text = value.toLocaleString("en-US", { maximumFractionDigits: digits });
  return text === "-0" ? "0" : minus(text);
}

/** With two decimals, so that numbers beside each other read alike. */
export function hundredths(value: number): string {
  const text = value.toFixed(2);
  return text === "-0.00" ? "0.00" : minus(text);
}

/** With a sign, for differences. */
export function signed(value: number): string {
  return value > 0 ? `+${number(value)}` : number(value);
}

/** With a true minus. */
export function minus(text: string): string {
  return text.replace("-", "\u2212");
}

/** How many of something: "1 task", "3 tasks", "no tasks". */
export function count(many: number, one: string, more = `${one}s`): string {
  if (many === 0) return `no ${more}`;
  return `${number(many)} ${many === 1 ? one : more}`;
}

/** From here on a time is one since 1970; before, one of a simulated cluster, which begins at 0. */
const REAL_SECONDS = 1e9;

/** The cluster's time: "day 2, 03:14" of a simulated one, "29 Nov, 16:04:07" of a real one. */
export function clock(seconds: number): string {
  if (seconds >= REAL_SECONDS) {
    const of = new Date(seconds * 1000);
    const day = of.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
    return `${day}, ${of.toLocaleTimeString("en-GB")}`;
  }
  const day = Math.floor(seconds / DAY) + 1;
  return `day ${day}, ${hour(seconds)}`;
}

/** The time of day: "03:14". */
export function hour(seconds: number): string {
  if (seconds >= REAL_SECONDS) {
    return new Date(seconds * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  }
  const of = (unit: number, within: number) =>
    String(Math.floor((seconds % within) / unit)).padStart(2, "0");
  return `${of(HOUR, DAY)}:${of(MINUTE, HOUR)}`;
}

/** A length of time: "8 ms", "45 s", "3 min", "2 h 5 min", "3 d 4 h". */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (seconds > 0 && seconds < 1) return `${number(seconds * 1000)} ms`;
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return `${Math.round(whole / MINUTE)} min`;
  if (whole < DAY) return two(whole, HOUR, "h", MINUTE, "min");
  return two(whole, DAY, "d", HOUR, "h");
}

function two(seconds: number, unit: number, name: string, rest: number, restName: string): string {
  const first = Math.floor(seconds / unit);
  const second = Math.floor((seconds % unit) / rest);
  return second ? `${first} ${name} ${second} ${restName}` : `${first} ${name}`;
}

/** How long ago. */
export function ago(now: number, then: number): string {
  return now <= then ? "now" : `${duration(now - then)} ago`;
}

/** Device-minutes, in the unit that reads best. */
export function work(deviceMinutes: number): string {
  const size = Math.abs(deviceMinutes);
  return size >= 600
    ? `${number(deviceMinutes / 60)} device-hours`
    : `${number(Math.round(deviceMinutes * 10) / 10)} device-min`;
}

const REASONS: Record<string, string> = {
  NodeNotReady: "node down, sick or cordoned",
  LabelMismatch: "label missing",
  DeviceModelMismatch: "no device of an accepted model",
  InsufficientResource: "too little CPU or memory",
  InsufficientDevices: "too few free devices",
  AntiAffinity: "must not be near a task there",
  Affinity: "must be near a task elsewhere",
  Spread: "failure domains would be uneven",
  Quota: "quota used up",
  Gang: "its gang as a whole fits nowhere",
  PendingTaskFits: "waiting work fits",
  NodeOverloaded: "node above the safety level",
  NodeFailing: "node likely to fail",
  StrandedCapacity: "frees stranded devices",
  NodeCalm: "signs of a fault are gone",
  HigherPriority: "more important work needs the room",
  CheaperPlacement: "cheaper placement",
  Undecided: "not decided on",
  OwnerObserved: "its owner's tasks are only observed",
  FitsNow: "a node would take it; its turn comes",
  NoCpu: "no CPU left beside them",
  NoOtherResource: "another resource is used up",
  NodeClosed: "node takes no work",
  DeviceOut: "device out of service",
  Fragment: "pieces too small for the expected work",
};

const TERMS: Record<string, string> = {
  policy: "packing, as the policy has it",
  use: "use of its busiest resource",
  whole_node: "breaks into an empty node",
  lacking_cpu: "CPU that it will lack",
};

/** Whether the loop asks people about the tasks of anybody. */
export function asks(of: Status | null | undefined): boolean {
  return [of?.mode, ...Object.values(of?.owner_modes ?? {})].includes("recommend");
}

/** A term of a score in words. */
export function term(code: string): string {
  return TERMS[code] ?? code.replaceAll("_", " ");
}

/** A stable code in words; an unknown one is taken apart. */
export function reason(code: string): string {
  return REASONS[code] ?? code.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}

const UNITS: [suffix: string, unit: string, divisor: number, shown: string][] = [
  ["_millicores", "cores", 1000, "cores"],
  ["_mib", "GiB", 1024, "GiB"],
  ["_mbit_s", "Gbit/s", 1000, "Gbit/s"],
  ["_mb_s", "MB/s", 1, "MB/s"],
  ["_permille", "%", 10, "%"],
];

/** A resource's name without its unit: "cpu_millicores" is "CPU". */
export function resource(name: string): string {
  const unit = UNITS.find(([suffix]) => name.endsWith(suffix));
  const bare = (unit ? name.slice(0, -unit[0].length) : name).replaceAll("_", " ");
  return bare === "cpu" ? "CPU" : bare;
}

/** An amount of a resource in the unit that people use: 12000 of "cpu_millicores" is "12 cores". */
export function amount(name: string, value: number): string {
  const unit = UNITS.find(([suffix]) => name.endsWith(suffix));
  return unit ? `${number(value / unit[2])} ${unit[3]}` : number(value);
}

const ACTIONS: Record<string, string> = {
  place: "Start",
  migrate: "Move",
  preempt: "Stop",
  cordon: "Close",
  uncordon: "Reopen",
  wait: "Wait",
};

/** What a step does, as one verb. */
export function verb(action: string): string {
  return ACTIONS[action] ?? action;
}

/** The first letter large. */
export function sentence(text: string): string {
  return text ? text[0]!.toUpperCase() + text.slice(1) : text;
}
