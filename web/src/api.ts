// The types of the interface; made from docs/openapi.json by `npm run types`.

/** Nodes like one that is there. */
export interface AddNodes {
  /** How many. */
  count?: number;
  /** The node. */
  like: string;
}

/** Devices asked for. */
export interface AskDevices {
  /** How many. */
  count: number;
  /** Thousandths of each. */
  milli?: number;
  /** Accepted models; any unless given. */
  models?: string[];
}

/** The audit. */
export interface AuditBody {
  items: AuditRow[];
}

/** Something that somebody did. */
export interface AuditRow {
  /** What. */
  action: string;
  /** Who: `local` on this machine without tokens. */
  actor: string;
  /** More of it. */
  detail: string;
  /** To what. */
  target: string;
  /** When, seconds since 1970. */
  unix_seconds: number;
}

/** How a candidate stands after a person's word. */
export interface CandidateDecided {
  /** Its name. */
  id: string;
  /** serving or demoted. */
  state: string;
}

/** A node that was considered. */
export interface CandidateRow {
  /** Expected use of the node's busiest resource with the task on it, as a share of its capacity. */
  expected_use: number;
  /** The node. */
  node: string;
  /** Whether it stays below the safety level. */
  safe: boolean;
  /** The policy's score, higher is better. */
  score: number;
  /** What the score is made of; the terms add up to it. Nothing where it has one term alone. */
  terms: TermRow[];
}

/** How a candidate stands. */
export type CandidateState = "learning" | "failed" | "proposed" | "serving" | "demoted";

/** Candidates, the newest first. */
export interface CandidatesBody {
  /** Whether any are learned, and what comes of them: `off`, `propose` or `promote`. */
  adapt: string;
  /** Share of one core that learning takes at most, percent. */
  cpu_percent: number;
  /** CPU time that learning took since the start of the service, seconds. */
  cpu_seconds: number;
  /** Generations since then. */
  generations: number;
  items: LearnedRow[];
  /** What is wrong with candidates; none where nothing is. */
  problem?: string | null;
  /** The candidate that may serve; none where it is the placement of the settings. */
  serving?: string | null;
}

/** A generation of its learning. Gains are over the rule, percent of the devices; a loss counts three times. */
export interface CurvePoint {
  /** What its best member gains on sequences that are new in each generation. */
  best?: number | null;
  /** What the middle of the generation gains on sequences kept apart, where that was looked at. */
  check?: number | null;
  /** From 1; 0 is the placement that it began with. */
  generation: number;
  /** The mean of its members. */
  mean?: number | null;
}

/** How a plan, or what was put off, stands after a person's word. */
export interface Decided {
  /** Its name. */
  id: string;
  /** approved, rejected or ended. */
  state: string;
}

/** A page of decisions, the newest first. */
export interface DecisionPage {
  /** The cluster's time of what is shown, seconds. */
  as_of_seconds: number;
  items: DecisionRow[];
  /** Where the next page begins; none at the end. */
  next_cursor?: string | null;
}

/** A decision with its reasons. */
export interface DecisionRow {
  /** place, migrate, preempt, cordon, uncordon or wait. */
  action: string;
  /** The best candidates, the chosen one among them. */
  candidates: CandidateRow[];
  /** The dominant reason, a stable code. */
  code: string;
  /** Expected cost, device-minutes. */
  cost_device_minutes: number;
  /** Where it came from. */
  from?: string | null;
  /** Expected gain, device-minutes. */
  gain_device_minutes: number;
  /** Its name: the turn and its number in it. */
  id: string;
  /** Digest of what was decided upon. */
  input_digest: string;
  /** The plan it belongs to. */
  plan?: string | null;
  /** The policy that chose the node. */
  policy: string;
  /** done, underway, refused, undone or not_tried; none while it was only proposed. */
  result?: string | null;
  /** Why it was refused or undone. */
  result_why?: string | null;
  /** How many nodes each rule ruled out. */
  ruled_out: RuledOut[];
  /** What was decided and why, in one sentence. */
  sentence: string;
  /** The task. */
  task?: string | null;
  /** When, seconds. */
  time_seconds: number;
  /** Where it goes, or the node concerned. */
  to?: string | null;
}

/** What was done to the cluster, each step counted once, when it is done. */
export interface Deeds {
  /** What they cost, device-minutes. */
  cost_device_minutes: number;
  /** Nodes that take no new tasks any more. */
  drains: number;
  /** What the parts that were finished are expected to gain, device-minutes. */
  gain_device_minutes: number;
  /** Tasks moved. */
  moves: number;
  /** Tasks placed. */
  places: number;
  /** Tasks taken off their node. */
  preemptions: number;
  /** Steps refused or taken back. */
  refused: number;
  /** Nodes that take tasks again. */
  reopened: number;
}

/** Which parts are to go. */
export interface Derivation {
  /** Keys of parts, as 12.3; parts that need them go with them. */
  without: string[];
}

/** The plan that took the place of another. */
export interface Derived {
  /** Digest of what it does. */
  effects: string;
  /** The plan. */
  id: string;
  /** The parts that are left. */
  parts: string[];
  /** proposed. */
  state: string;
}

/** A device of a node. */
export interface DeviceRow {
  /** Share of it that is held. */
  held: number;
  /** Whether it works. */
  in_service: boolean;
  /** Its model. */
  model: string;
  /** The tasks that hold it. */
  tasks: string[];
}

/** When a waiting task is expected to start, seen from now. */
export interface ExpectedStart {
  /** In so many seconds as likely before as after; 0 where it could start now. */
  expected_in_seconds: number;
  /** How starts came that were told before. */
  judged: StartsJudgedRow;
  /** The answer in one sentence. */
  sentence: string;
  /** Within so many seconds with nine chances in ten; none where that is further away than can be seen. */
  within_in_seconds?: number | null;
}

/** Why something is as it is. */
export interface Explanation {
  /** The dominant reason, a stable code. */
  code: string;
  /** The decisions behind it, the newest first. */
  decisions: DecisionRow[];
  /** What was asked for. */
  id: string;
  /** decision, plan, task or node. */
  kind: string;
  plan?: PlanBody | null;
  /** The answer in one sentence. */
  sentence: string;
  starts?: ExpectedStart | null;
  why_not?: WhyNotBody | null;
  would_fit?: WouldFit | null;
}

/** Messages of one fault in the log of a node. */
export interface FaultRow {
  /** What is at fault by them. */
  cause: string;
  /** How many came. */
  count: number;
  /** That one, cut where it is long. */
  example: string;
  /** When the last was written, seconds since 1970. */
  last_seconds: number;
  /** Name of the pattern that they fit. */
  pattern: string;
  /** How bad they are: critical, error or warning. */
  severity: string;
  /** The source that found them. */
  source: string;
}

/** What is expected of some nodes. */
export interface ForecastBody {
  /** The cluster's time of what is shown, seconds. */
  as_of_seconds: number;
  /** Share of the last days' peaks of all nodes that were not above the highest level; none before any is known. */
  coverage?: number | null;
  /** How far it looks ahead, seconds; 0 while nothing is expected yet. */
  horizon_seconds: number;
  /** The nodes, those with the highest peaks expected first where none was named. */
  items: NodeForecast[];
  /** The quantiles of `expected`, rising. */
  levels: number[];
  /** A node is hot above this share of its busiest resource. */
  safety_level: number;
}

/** How a node stood. */
export interface HistoryBody {
  /** The cluster's time of what is shown, seconds. */
  as_of_seconds: number;
  /** A row a measure. */
  items: MeasureHistory[];
  /** `raw`, `five-minutes` or `hours`: the finest level that covers what was asked for. What is not rolled up yet follows as five minutes. */
  level: string;
  node: string;
  /** How long each lasts, seconds; 0 for a sample. */
  point_seconds: number[];
  /** When each point is, or begins, seconds of the cluster's time, the oldest first. Of times in which nothing was known there is none. */
  times_seconds: number[];
}

/** A rule that stands in the way. */
export interface InTheWay {
  /** A stable code. */
  code: string;
  /** The same in words. */
  sentence: string;
}

/** A candidate. */
export interface LearnedRow {
  /** When learning began, seconds of the cluster's time. */
  began_seconds: number;
  /** Its learning, generation by generation. */
  curve: CurvePoint[];
  /** Digest of its own weights; none while it is learned, and where nothing was. */
  digest?: string | null;
  /** When it was done. */
  ended_seconds?: number | null;
  /** Sequences that were played in it. */
  episodes: number;
  /** Generations of its learning. */
  generations: number;
  /** Tasks that had come lately. */
  history_tasks: number;
  /** Its name, as c3. */
  id: string;
  /** Version of the mix that it was learned for. */
  mix_version: number;
  /** Nodes of the model of the cluster on which it was tried. */
  nodes: number;
  /** What it was learned from: `shipped`, `configured`, or another candidate. */
  parent: string;
  /** Digest of that one's weights. */
  parent_digest: string;
  /** SHA-256 of its file; none where there is no file. */
  sha256?: string | null;
  state: CandidateState;
  /** Seeds of the sequences that it learned from. */
  training_seeds: string;
  /** What the gate said last. */
  verdicts: VerdictRow[];
  /** Why it stands so, in a sentence. */
  why: string;
}

/** A part of the ledger. */
export interface LedgerBody {
  /** Where it begins, seconds of the cluster's time. */
  from_seconds: number;
  /** By node or owner, a row a resource. */
  items: LedgerRow[];
  /** Seconds of it that were observed: not while the service was down or its readings out of date. */
  observed_seconds: number;
  /** Where it ends, seconds. */
  to_seconds: number;
  /** All nodes together, a row a resource. */
  total: LedgerRow[];
}

/** Where the capacity of one resource went, in its unit times hours. */
export interface LedgerRow {
  /** Allocated: used, unused and moves together. */
  allocated_hours: number;
  /** Used beyond what is allocated. */
  beyond_hours: number;
  /** All of it: of an owner what its tasks had. The sum of used, unused, beyond, moves, stranded, lost and idle. */
  capacity_hours: number;
  /** Free. */
  idle_hours: number;
  /** Of nodes that were down. */
  lost_hours: number;
  /** Held by tasks that stood still because they were moved. */
  moves_hours: number;
  /** The node or owner; empty for all nodes together, and for what nobody owns. */
  name: string;
  /** The resource; `devices` for the devices. */
  resource: string;
  /** Free and of no use, by cause. */
  stranded_hours: Record<string, number>;
  /** Allocated and not used. */
  unused_hours: number;
  /** Allocated and really used; what is held of devices counts as used. */
  used_hours: number;
}

/** How load stands, stood, and is expected to stand. */
export interface LoadBody {
  /** Nodes used below a quarter of it, the idlest first. */
  cold: string[];
  expected?: OutlookRow | null;
  /** Nodes above the safety level, the worst first. */
  hot: string[];
  now?: MomentRow | null;
  /** The last week, a moment each quarter of an hour, the oldest first; only what is known since the start. */
  over_time: MomentRow[];
  /** A node is hot above this share of its busiest resource. */
  safety_level: number;
}

/** How one thing of a node stood. */
export interface MeasureHistory {
  /** The greatest; empty where the points are samples. */
  max: number[];
  /** The mean of each point; of a sample its value. */
  mean: number[];
  /** `used`, `promised`, `devices_held`, `expected_peak`, `failure_probability` as shares or probabilities; `state` (0 up, 1 cordoned, 2 sick, 3 down); `use_of.` and the name of a resource: the share of it that was really used. */
  measure: string;
  /** The least; empty where the points are samples. */
  min: number[];
  /** What 95 of 100 samples did not pass; empty where the points are samples. */
  p95: number[];
}

/** Load at a moment. */
export interface MomentRow {
  /** The resource that is allocated most. */
  bottleneck?: string | null;
  /** Nodes used below a quarter of it. */
  cold: number;
  /** Free devices that the expected tasks cannot use. */
  fragmentation_devices?: number | null;
  /** Nodes above the safety level. */
  hot: number;
  /** Each resource, then the devices. */
  resources: ResourceRow[];
  /** Free devices that cannot be used, by cause. */
  stranded: StrandedRow[];
  /** When, seconds. */
  time_seconds: number;
  /** Tasks that wait. */
  waiting: number;
}

/** A node with all that is known of it. */
export interface NodeBody {
  /** The cluster's time of what is shown, seconds. */
  as_of_seconds: number;
  /** Its devices in order. */
  devices: DeviceRow[];
  /** Messages of faults in its log that were found, the latest first; only where logs are followed. */
  faults: FaultRow[];
  /** The quantiles of `expected`, rising, each 0 to 1. */
  levels: number[];
  /** Its row in the list of nodes. */
  node: NodeRow;
  /** Its resources. */
  resources: NodeResource[];
  /** The tasks on it. */
  tasks: TaskRow[];
}

/** A node's load: how it was, what was expected of it then, and what is expected now. */
export interface NodeForecast {
  /** Share of the moments of which the hour after them is over, in which `expected_peak` was not passed; none where there is none. What is expected is of the tasks that stand there at that moment: those that come later are in what is passed, not in what was expected. */
  covered?: number | null;
  /** The peak of the time to come at each of `levels`, as a share of its busiest resource; empty while nothing is expected. */
  expected: number[];
  /** The peak of the hour after each that was expected then, with a chance of nine in ten not to be passed. */
  expected_peak: number[];
  /** How many such moments there are. */
  judged: number;
  /** The node. */
  node: string;
  /** Moments of the past, the oldest first, seconds. */
  times_seconds: number[];
  /** Share of its busiest resource that was used at each. */
  used: number[];
}

/** A page of nodes. */
export interface NodePage {
  /** The cluster's time of what is shown, seconds. */
  as_of_seconds: number;
  /** Changes when the names or their order change: the order of the bytes of the stream's `nodes` is that of this list. */
  inventory: string;
  items: NodeRow[];
  /** Where the next page begins; none at the end. */
  next_cursor?: string | null;
}

/** One resource of a node. */
export interface NodeResource {
  /** What there is. */
  capacity: number;
  /** The peak of the next hour at each of `levels`; empty while nothing is known. */
  expected: number[];
  /** What is promised to tasks. */
  promised: number;
  /** Its name, with its unit last. */
  resource: string;
  /** What is really used. */
  used: number;
}

/** A node. */
export interface NodeRow {
  /** Devices. */
  devices: number;
  /** Share of its device capacity held. */
  devices_held: number;
  /** Share of its busiest resource that it is expected to use at its peak in the next hour, with a chance of nine in ten not more; what is used now while nothing is known. */
  expected_peak: number;
  /** Whether it works and is likely to fail, or is sick. */
  failing: boolean;
  /** Estimated probability of a failure within the next hour. */
  failure_probability: number;
  /** The same within the next day. */
  failure_probability_day: number;
  /** Whether it is above the safety level. */
  hot: boolean;
  /** Its labels, as `key=value`. */
  labels: string[];
  /** The model of its first device; none without devices. */
  model?: string | null;
  /** Its name. */
  name: string;
  /** Share of its fullest resource that is promised to tasks. */
  promised: number;
  /** The signs that speak for it, the strongest first. */
  signs: string[];
  /** up, down, sick or cordoned. */
  state: string;
  /** Tasks on it. */
  tasks: number;
  /** Share of its busiest resource that is really used. */
  used: number;
}

/** How all nodes stand. Each measure is a text in base64, one byte a node in the order of `/api/v1/nodes`: 200 times the share or probability, at most 255; `state` is 0 for up, 1 for cordoned, 2 for sick, 3 for down. */
export interface NodesShown {
  /** Nodes. */
  count: number;
  /** Share of the device capacity that is held. */
  devices_held: string;
  /** Share of the busiest resource that is expected to be used at the peak of the next hour. */
  expected_peak: string;
  /** Probability of a failure within the next hour. */
  failure_probability: string;
  /** The turn, as in `/api/v1/turns`. */
  id: string;
  /** Changes when the names or their order change; `/api/v1/nodes` tells the same. */
  inventory: string;
  /** Share of the fullest resource that is promised. */
  promised: string;
  /** Its state. */
  state: string;
  /** The cluster's time, seconds. */
  time_seconds: number;
  /** Share of the busiest resource that is used. */
  used: string;
}

/** What is expected of the next hour. */
export interface OutlookRow {
  /** Share of recent peaks not above the highest quantile (0.95). */
  coverage?: number | null;
  /** How far it looks ahead, seconds. */
  horizon_seconds: number;
  /** Nodes whose peak passes the safety level with a chance of a tenth or more, the worst first. */
  hot: string[];
  /** Series (nodes x resources) that are followed. */
  series: number;
  /** Since when load is followed, seconds: after a start it is learned anew. */
  since_seconds: number;
  /** Those that lately covered far less than they say. */
  slipped: number;
  /** Those too young for a forecast of their own. */
  young: number;
}

/** Steps that belong together. */
export interface PartRow {
  /** The same in fields, in the same order. */
  actions: StepRow[];
  /** Parts that must be done first. */
  after: string[];
  /** Expected cost, device-minutes. */
  cost_device_minutes: number;
  /** Expected gain, device-minutes. */
  gain_device_minutes: number;
  /** Its name for good. */
  key: string;
  /** Why. */
  reason: string;
  /** Its steps in words. */
  steps: string[];
}

/** A plan. */
export interface PlanBody {
  /** Who approved or rejected it. */
  decided_by?: string | null;
  /** Digest of what it does: what `If-Match` must name. */
  effects: string;
  /** Its name: the turn that made it. */
  id: string;
  /** Its parts in order. */
  parts: PartRow[];
  /** proposed, approved, rejected, snoozed, superseded or carried_out. */
  state: string;
  /** The plan that took its place. */
  successor?: string | null;
  /** When it was made, seconds. */
  time_seconds: number;
  /** How many tasks wait on. */
  waiting: number;
  /** Why. */
  why?: string | null;
}

/** A plan in a list: what it comes to, without its parts. */
export interface PlanLineRow {
  /** How many steps of each action: place, migrate, preempt, cordon, uncordon. */
  actions: Record<string, number>;
  /** What carrying them out costs. */
  cost_device_minutes: number;
  /** Who approved or rejected it. */
  decided_by?: string | null;
  /** Digest of what it does: what `If-Match` must name. */
  effects: string;
  /** What its parts are expected to gain together, device-minutes. */
  gain_device_minutes: number;
  /** Its name: the turn that made it. */
  id: string;
  /** How many parts it has. */
  parts: number;
  /** How many steps for each reason. */
  reasons: Record<string, number>;
  /** proposed, approved, rejected, snoozed, superseded or carried_out. */
  state: string;
  /** The plan that took its place. */
  successor?: string | null;
  /** When it was made, seconds. */
  time_seconds: number;
  /** How many tasks wait on. */
  waiting: number;
  /** Why. */
  why?: string | null;
}

/** A page of plans, the newest first. */
export interface PlanPage {
  /** The cluster's time of what is shown, seconds. */
  as_of_seconds: number;
  items: PlanLineRow[];
  /** Where the next page begins; none at the end. */
  next_cursor?: string | null;
}

/** The policies of the loop. */
export interface PoliciesBody {
  /** What is decided by a learned policy or its rule. */
  items: ServingRow[];
}

/** What is put off, and for how long. */
export interface Postponement {
  /** For so many minutes of the cluster's time, 1 to 10080. */
  minutes: number;
  /** Keys of parts, as 12.3; all of the plan where none is named. Parts that need them are put off too. */
  parts?: string[];
  /** Why, at most 1000 characters. */
  reason?: string;
}

/** What went wrong with a request. */
export interface Problem {
  /** What exactly, and what may help. */
  detail: string;
  /** The HTTP status. */
  status: number;
  /** The plan that took the place of the one named. */
  successor?: string | null;
  /** The same for people. */
  title: string;
  /** A stable name of the kind of problem. */
  type: string;
  /** What the gate said of a candidate that it refused. */
  verdicts?: VerdictRow[];
}

/** Why a plan is rejected. */
export interface Rejection {
  /** The kind of reason. */
  code: RejectionCode;
  /** More of it, at most 1000 characters. */
  reason?: string;
}

/** Kinds of reasons against a plan. */
export type RejectionCode = "TooDisruptive" | "WrongTime" | "WrongVictim" | "NotWorthIt" | "Other";

/** How a database elsewhere, or Kafka, is told. While it is away decisions go on, and what it has not been told waits. */
export interface RemoteRow {
  /** Rows of history that the store dropped before they were told; never decisions, plans, steps or lines of the audit. */
  dropped: number;
  /** Attempts that failed since the start. */
  failures: number;
  /** Why it cannot be told now; none where it can. */
  problem?: string | null;
  /** Which one. */
  target: string;
  /** Rows that it took since the start. */
  told: number;
  /** Rows that wait. */
  waiting: number;
}

/** One resource over the working nodes, or the devices. */
export interface ResourceRow {
  /** Share of the capacity promised to tasks. */
  allocated: number;
  /** The busiest node now. */
  busiest?: string | null;
  /** What is promised and not used. */
  gap: number;
  /** Use of the busiest node over the mean: 1 is perfect balance. */
  max_over_mean: number;
  /** Its name; `devices` for the devices, whose use is what is held. */
  resource: string;
  /** Share of the capacity really used. */
  used: number;
  /** Coefficient of variation of the nodes' use: 0 is perfect balance. */
  variation: number;
}

/** A rule that ruled nodes out. */
export interface RuledOut {
  /** The first of them by name, at most 24; none in decisions that are older than these names. */
  named: string[];
  /** How many nodes. */
  nodes: number;
  /** The rule. */
  rule: string;
}

/** Nodes that a rule keeps a task from now. */
export interface RuledOutPage {
  /** The cluster's time of what is shown, seconds. */
  as_of_seconds: number;
  /** Their names, in the order of the nodes. */
  items: string[];
  /** Where the next page begins; none at the end. */
  next_cursor?: string | null;
  /** How many nodes it keeps the task from. */
  nodes: number;
  /** The rule. */
  rule: string;
}

/** What is changed. */
export interface Scenario {
  /** Nodes that are added. */
  add?: AddNodes[];
  /** A moment of the past, seconds of the cluster's time; now unless given. */
  at_seconds?: number | null;
  /** Nodes that are drained: they take no tasks, and those on them want another place. */
  drain?: string[];
  /** The placement policy that scores nodes, in the place of the serving one. */
  policy?: string | null;
  /** Tasks that are submitted. */
  submit?: Submit[];
}

/** Series of a source. */
export interface SeriesRow {
  /** Those that claim what another one claims too. */
  ambiguous: number;
  /** Some of those that are not used. */
  examples: string[];
  /** Those that belong to a node or task. */
  mapped: number;
  /** Those that belong to none that is known, and are not used. */
  unmapped: number;
}

/** What is decided by a learned policy or by the rule in its place. */
export interface ServingRow {
  /** Comparisons of the two since the last change, the last 20. */
  comparisons: number;
  /** What is decided: `placement` (on which node) or `order` (who starts first). */
  decides: string;
  /** What the learned policy gained over the rule in them, in the mean; none without any. */
  gain?: number | null;
  /** Each of them, the newest last. */
  gains: number[];
  /** Half width of its 95% interval; none of fewer than two. */
  half_width?: number | null;
  /** Whether that is the learned one. */
  learned: boolean;
  /** The learned policy. */
  model: string;
  /** Why it is so, in a sentence. */
  note: string;
  /** The rule that decides where the learned policy does not. */
  rule: string;
  /** The policy that decides now. */
  serves: string;
  /** Unit of the gains. */
  unit: string;
}

/** Something that is put off. */
export interface Snooze {
  /** Who put it off. */
  actor: string;
  /** Its name, as s1. */
  id: string;
  /** The plan that it was of. */
  plan: string;
  /** Since when, seconds of the cluster's time. */
  since_seconds: number;
  /** Its steps in words, as they were then. */
  steps: string[];
  /** What is not to be done, and to which task or node. */
  subjects: string[];
  /** Until when, seconds of the cluster's time. */
  until_seconds: number;
  /** Why. */
  why: string;
}

/** What is put off. */
export interface SnoozeList {
  /** The cluster's time of what is shown, seconds. */
  as_of_seconds: number;
  items: Snooze[];
}

/** A plan that was put off, or the one without what was put off. */
export interface Snoozed {
  /** The plan. */
  id: string;
  /** snoozed, or superseded where something is left of it. */
  state: string;
  /** The plan without what is put off, where something is left. */
  successor?: string | null;
  /** Until when, seconds of the cluster's time. */
  until_seconds: number;
}

/** Where readings come from. */
export interface SourceRow {
  /** How long ago it last looked, seconds of the cluster's time. */
  age_seconds: number;
  /** Looks that failed. */
  failures: number;
  /** How long the last look took, seconds. */
  look_seconds: number;
  /** Looks since the start; none of a simulated cluster. */
  looks?: number | null;
  /** Its name. */
  name: string;
  /** What it cannot see, and what would show it. */
  notes: string[];
  /** Why the last look failed; none where it did not. */
  problem?: string | null;
  /** Readings since its last complete list that could not be believed. */
  rejected: number;
  series?: SeriesRow | null;
  /** Whether that is too long: then nothing is acted on. */
  stale: boolean;
  stream?: StreamRow | null;
}

/** How long each stage of a turn took, seconds. */
export interface StageSeconds {
  /** Assessing the cluster. */
  assess: number;
  /** Reading the sources and believing them. */
  collect: number;
  /** Deciding. */
  decide: number;
  /** Carrying out, with its journal. */
  execute: number;
  /** Writing decisions and plan down before anything is done, and what came of it afterwards. */
  record: number;
}

/** When a waiting task is expected to start. */
export interface StartRow {
  /** The cluster's time before which it starts as likely as after it, seconds. */
  expected_seconds: number;
  /** The cluster's time before which it starts with nine chances in ten, seconds; none where that is further away than can be seen. */
  within_seconds?: number | null;
}

/** How starts came that were told before, each task once, by the first that was told of it. */
export interface StartsJudgedRow {
  /** Tasks that started, or are later than was told. */
  judged: number;
  /** Those that started within the band; nine of ten should have. */
  within: number;
  /** Of them those that started before the time expected; half of them should have. */
  within_expected: number;
}

/** How the service stands. */
export interface Status {
  /** Whether anything can be carried out there. */
  can_act: boolean;
  /** What the loop is connected to. */
  connected_to: string;
  /** Share of the device capacity of working nodes that is held. */
  devices_held: number;
  /** Nodes that are likely to fail. */
  failing_nodes: number;
  /** Nodes above the safety level. */
  hot_nodes: number;
  /** observe, recommend or act. */
  mode: string;
  /** Nodes. */
  nodes: number;
  /** The plan that waits for a person. */
  open_plan?: string | null;
  /** The same by owner, where it is another with his tasks. */
  owner_modes?: Record<string, string>;
  /** What is wrong now. */
  problems: string[];
  /** Tasks that stand on a node. */
  running: number;
  /** Whether that is a simulated cluster, which may be put through trials. */
  simulated: boolean;
  /** What people have put off. */
  snoozes: Snooze[];
  /** All sources. */
  sources: SourceRow[];
  /** How long each of its stages took, seconds. */
  stages: StageSeconds;
  /** Sources that have not looked for too long. */
  stale_sources: string[];
  /** How starts came that were told before. */
  starts: StartsJudgedRow;
  /** `ok`, or `degraded` where `problems` says why. */
  state: string;
  /** What is kept, and where. */
  store: StoreRow;
  /** The cluster's time, seconds. */
  time_seconds: number;
  /** Number of the last turn. */
  turn: number;
  /** How long the last turn took, seconds. */
  turn_seconds: number;
  /** Its version. */
  version: string;
  /** Tasks that wait. */
  waiting: number;
}

/** One step of a plan, in fields. */
export interface StepRow {
  /** place, migrate, preempt, cordon or uncordon. */
  action: string;
  /** Where it stands. */
  from?: string | null;
  /** The task. */
  task?: string | null;
  /** Where it goes, or the node concerned. */
  to?: string | null;
}

/** What is kept, and where. */
export interface StoreRow {
  /** What tells this store's rows from those of others in one database. */
  instance: string;
  kafka?: RemoteRow | null;
  /** Why it cannot be written now; none where it can. */
  problem?: string | null;
  remote?: RemoteRow | null;
}

/** Free capacity that cannot be used. */
export interface StrandedRow {
  /** NoCpu, NoOtherResource, NodeClosed, DeviceOut or Fragment. */
  cause: string;
  /** How many devices. */
  devices: number;
  /** Nodes that have part in it. */
  nodes: number;
}

/** Messages of a source since its start. */
export interface StreamRow {
  /** Those that were longer than is read, of which the rest was left out. */
  cut: number;
  /** Of these, those that were of no use and were sent to the dead letters. */
  dead_letters: number;
  /** Some of the nodes that are not known, with where they were read. */
  examples: string[];
  /** Messages that are there and have not been read. */
  lag: number;
  /** When the last came, seconds since 1970; 0 before the first. */
  last_message_seconds: number;
  /** Those that were older than what was known. */
  late: number;
  /** Those that were read. */
  messages: number;
  /** Those that had been read before, and were left alone. */
  repeated: number;
  /** Those that spoke of a node that is not known. */
  unknown: number;
}

/** Tasks: like one that is there, or by what they ask for. */
export interface Submit {
  /** How many. */
  count?: number;
  /** How much of each resource each asks for, by name; what is not named is 0. */
  demand?: Record<string, number>;
  devices?: AskDevices | null;
  /** Whether they are a gang: placed all or none. */
  gang?: boolean;
  /** A task that they are like. */
  like?: string | null;
  /** Higher is more important. */
  priority?: number;
}

/** A page of tasks. */
export interface TaskPage {
  /** The cluster's time of what is shown, seconds. */
  as_of_seconds: number;
  items: TaskRow[];
  /** Where the next page begins; none at the end. */
  next_cursor?: string | null;
}

/** A task. */
export interface TaskRow {
  /** How much of each resource it asks for, in the order of a node's resources. */
  demand: number[];
  /** Devices it asks for; a share of one counts as much. */
  devices: number;
  /** Whether it must not be moved or stopped. */
  do_not_disrupt: boolean;
  /** The gang it is a member of. */
  gang?: string | null;
  /** Its name. */
  name: string;
  /** Where it stands. */
  node?: string | null;
  /** Whose it is. */
  owner?: string | null;
  /** Its priority; higher goes first. */
  priority: number;
  /** When its present run began, seconds. */
  started_seconds?: number | null;
  starts?: StartRow | null;
  /** running or waiting. */
  state: string;
  /** When it was submitted, seconds. */
  submitted_seconds: number;
  /** What keeps it waiting, as far as Lepton decided on it. */
  waits_for?: string | null;
}

/** A term of a score. */
export interface TermRow {
  /** `policy`, `use`, `whole_node` or `lacking_cpu`. */
  code: string;
  /** What it adds to the score, in shares of the node's use. */
  value: number;
}

/** What is to be tried. */
export interface TrialAsked {
  what: TrialKind;
}

/** What was done, and what to look at afterwards. */
export interface TrialBody {
  /** Where: an address of the page. */
  at: string;
  /** What happened, in a sentence. */
  did: string;
  /** What to look for, in a sentence. */
  look: string;
  /** What was tried. */
  what: TrialKind;
}

/** What is tried. */
export type TrialKind = "failure" | "burst" | "policy" | "source";

/** A past turn. */
export interface TurnBody {
  figures: TurnFigures;
  /** The names of the nodes, in the order of the bytes. */
  names: string[];
  nodes?: NodesShown | null;
}

/** How a turn went. */
export interface TurnFigures {
  /** Share of the device capacity of working nodes that is held. */
  devices_held: number;
  /** What was done since the turn before. */
  done: Deeds;
  /** Nodes likely to fail. */
  failing_nodes: number;
  /** Nodes above the safety level. */
  hot_nodes: number;
  /** Its name among the turns that are kept. */
  id: string;
  /** Standard deviation of the same: 0 is perfect balance. */
  imbalance: number;
  /** Mean over the working nodes of the share of the busiest resource that is used. */
  mean_used: number;
  /** Nodes. */
  nodes: number;
  /** Steps that the turn's plan has. */
  planned_steps: number;
  /** What that plan is expected to gain beyond its cost, device-minutes. */
  planned_worth_device_minutes: number;
  /** Tasks that stand on a node. */
  running: number;
  /** How long each of its stages took. */
  stages: StageSeconds;
  /** `ok` or `degraded`. */
  state: string;
  /** Free devices on working nodes that have no CPU left to go with them. */
  stranded_devices: number;
  /** The cluster's time, seconds. */
  time_seconds: number;
  /** Number of the turn. */
  turn: number;
  /** How long the turn took, seconds. */
  turn_seconds: number;
  /** When it ended, seconds since 1970. */
  unix_seconds: number;
  /** Tasks that wait. */
  waiting: number;
}

/** A page of turns, the newest first. */
export interface TurnPage {
  /** The cluster's time of what is shown, seconds. */
  as_of_seconds: number;
  items: TurnFigures[];
  /** Where the next page begins; none at the end. */
  next_cursor?: string | null;
}

/** What the gate said on one kind of sequences: candidate, the placement that served, and the rule in each other's shadow. */
export interface VerdictRow {
  /** What the candidate reached, in the mean. */
  candidate?: number | null;
  /** What the candidate gained over the placement that served, in the mean. */
  gain?: number | null;
  /** What it gained over the rule. */
  gain_over_rule?: number | null;
  /** Half width of its 95% interval; none of fewer than two pairs. */
  half_width?: number | null;
  /** Half width of that. */
  half_width_over_rule?: number | null;
  /** `sequences`: drawn from the mix and never learned from; `history`: what came lately, in windows. */
  on: string;
  /** How many of them. */
  pairs: number;
  /** Whether that is enough. */
  passes: boolean;
  /** What the rule reached. */
  rule?: number | null;
  /** First of the seeds of the sequences; none of what came. */
  seeds_from?: string | null;
  /** What the placement reached that served. */
  serving?: number | null;
  /** Unit of all of these. */
  unit: string;
}

/** What waits. */
export interface WaitingBody {
  /** The cluster's time of what is shown, seconds. */
  as_of_seconds: number;
  /** By reason, the one with most tasks first. */
  groups: WaitingGroup[];
  /** How many tasks. */
  tasks: number;
}

/** Tasks that wait for one reason. */
export interface WaitingGroup {
  /** The reason, a stable code: an obstacle, `FitsNow` where a node would take the task, `OwnerObserved`, or `Undecided`. */
  code: string;
  /** Devices that they ask for together. */
  devices: number;
  /** Some of them, the oldest first. */
  examples: string[];
  /** How long the oldest of them waits, seconds. */
  oldest_seconds: number;
  /** The same in words. */
  sentence: string;
  /** How many tasks. */
  tasks: number;
}

/** What would be. */
export interface WhatIf {
  /** The cluster's time of the snapshot, seconds. */
  as_of_seconds: number;
  /** The tasks that were submitted, or that had to leave a drained node. */
  concerned: WhatIfTask[];
  /** Other tasks that would start only with the change; at most 100 are named. */
  gain: string[];
  /** Other tasks that would run only without it; at most 100 are named. */
  lose: string[];
  /** The answer in one sentence. */
  sentence: string;
  /** Tasks of drained nodes that stay, since they must not be disturbed. */
  stay: string[];
  /** The steps of the first turn, in words; at most 100. */
  steps: string[];
  /** With the change. */
  with: WhatIfFigures;
  /** As it is, decided upon by the serving policy. */
  without: WhatIfFigures;
}

/** How the cluster would stand. */
export interface WhatIfFigures {
  /** Share of the device capacity of working nodes that is held. */
  devices_held: number;
  /** Nodes above the safety level. */
  hot_nodes: number;
  /** Standard deviation of the use of the busiest resource over the nodes. */
  imbalance: number;
  /** Tasks moved on the way there. */
  moves: number;
  /** Tasks that stand on a node. */
  running: number;
  /** Free devices that have no CPU left to go with them. */
  stranded_devices: number;
  /** Tasks that wait. */
  waiting: number;
}

/** What becomes of a task that the scenario speaks of. */
export interface WhatIfTask {
  /** Where it would stand; none where it would wait. */
  node?: string | null;
  /** The task. */
  task: string;
  /** What would keep it waiting, a stable code. */
  waits_for?: string | null;
}

/** Why a task does not stand on a node. */
export interface WhyNotBody {
  /** Whether the task may stand there as the cluster is. */
  fits: boolean;
  /** Members of its gang that wait: the gang is placed all or none. */
  gang_waiting: number;
  /** The node. */
  node: string;
  /** What stands in the way, the first thing first. */
  obstacles: InTheWay[];
  /** The answer in one sentence. */
  sentence: string;
  /** How the node is scored now, and the node on which the task stands as if it were placed anew; a node on which it does not fit or that is failing is not there. */
  weighed: CandidateRow[];
  /** What would have to change, the smallest first; empty where nothing was found. */
  would_fit: WouldFit[];
}

/** Changes after which the task fits. They were tried on a copy of the cluster, and none of them is idle. */
export interface WouldFit {
  /** The changes in words. */
  changes: string[];
  /** The same for programs; `change` names the kind. */
  effects: unknown[];
  /** The node. */
  node: string;
}

/** What a GET of each path answers. */
export interface Reads {
  "/api/v1/audit": AuditBody;
  "/api/v1/decisions": DecisionPage;
  "/api/v1/decisions/{id}": DecisionRow;
  "/api/v1/explain/{id}": Explanation;
  "/api/v1/forecast": ForecastBody;
  "/api/v1/ledger": LedgerBody;
  "/api/v1/load": LoadBody;
  "/api/v1/nodes": NodePage;
  "/api/v1/nodes/{name}": NodeBody;
  "/api/v1/nodes/{name}/history": HistoryBody;
  "/api/v1/plans": PlanPage;
  "/api/v1/plans/{id}": PlanBody;
  "/api/v1/policies": PoliciesBody;
  "/api/v1/policies/candidates": CandidatesBody;
  "/api/v1/snoozes": SnoozeList;
  "/api/v1/status": Status;
  "/api/v1/tasks": TaskPage;
  "/api/v1/tasks/{name}/ruled-out": RuledOutPage;
  "/api/v1/turns": TurnPage;
  "/api/v1/turns/{id}": TurnBody;
  "/api/v1/waiting": WaitingBody;
}

/** What a POST to each path answers. */
export interface Writes {
  "/api/v1/plans/{id}/approve": Decided;
  "/api/v1/plans/{id}/derive": Derived;
  "/api/v1/plans/{id}/reject": Decided;
  "/api/v1/plans/{id}/snooze": Snoozed;
  "/api/v1/policies/candidates/{id}/promote": CandidateDecided;
  "/api/v1/policies/demote": CandidateDecided;
  "/api/v1/snoozes/{id}/end": Decided;
  "/api/v1/trials": TrialBody;
  "/api/v1/whatif": WhatIf;
}
