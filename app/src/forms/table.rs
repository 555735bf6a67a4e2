//! Which option belongs to which forms of which command. A row is an option that not every form makes use of.

use super::{Form, Given};

/// An option, and the forms that it belongs to: it has an effect where one of them holds.
pub(super) struct Row {
    pub(super) commands: &'static [&'static str],
    pub(super) option: &'static str,
    pub(super) forms: &'static [Form],
}

/// Options that make the form of a command, in the order in which they are told.
pub(super) const SHAPE: [&str; 30] = [
    "format",
    "generate",
    "snapshot",
    "clusters",
    "partitions",
    "starts",
    "protocol",
    "policy",
    "baseline",
    "backfill",
    "placement",
    "queue",
    "failures",
    "mean_hours_between_failures",
    "mean_hours_between_device_failures",
    "snapshot_at",
    "resume",
    "resources",
    "kind",
    "train",
    "counters",
    "logs",
    "load",
    "compare",
    "seeds",
    "source",
    "store_url",
    "request_factor",
    "serve",
    "output",
];

const FORMAT: Form = Form { name: "`--format`", holds: |g| g.typed("format") };
const GENERATE: Form = Form { name: "`--generate`", holds: |g| g.typed("generate") };
const SNAPSHOT: Form = Form { name: "`--snapshot`", holds: |g| g.typed("snapshot") };
const SNAPSHOT_AT: Form = Form { name: "`--snapshot-at`", holds: |g| g.typed("snapshot_at") };
const ANEW: Form = Form { name: "a training that begins, without `--resume`", holds: |g| !g.typed("resume") };
const INVENTED: Form = Form {
    name: "`--generate` with a kind of cluster that is drawn, all but openb-like",
    holds: |g| g.typed("generate") && g.values("generate").iter().any(|kind| kind != "openb-like"),
};
const LEPTON: Form = Form { name: "runs of the policy `lepton`", holds: lepton };
const GUARDED: Form =
    Form { name: "runs of the policy `lepton` in the events loop", holds: |g| lepton(g) && events(g) };
const CLUSTERS: Form = Form { name: "`--clusters`", holds: |g| g.typed("clusters") };
const STARTS: Form = Form { name: "`--starts`", holds: |g| g.typed("starts") };
const ONE_MACHINE: Form = Form {
    name: "jobs on one machine, without `--clusters` and `--partitions`",
    holds: |g| !g.typed("clusters") && !g.typed("partitions"),
};
const TRACE_OF_JOBS: Form = Form {
    name: "`--format` swf, philly or csv",
    holds: |g| g.typed("format") && !g.has_value("format", "openb"),
};
const SWF: Form = Form { name: "`--format swf`", holds: |g| g.has_value("format", "swf") };
const SHOWN_OR_CSV: Form = Form {
    name: "`--output` table or csv; JSON always has the owners",
    holds: |g| !g.has_value("output", "json"),
};
const JOBS: Form = Form {
    name: "jobs that are generated or read as swf, philly or csv",
    holds: |g| !g.has_value("format", "openb"),
};
const EVENTS: Form = Form { name: "the events loop (`--protocol events`)", holds: events };
const TOPOLOGY: Form =
    Form { name: "`--placement topology`", holds: |g| g.has_value("placement", "topology") };
const LOOKING_ON: Form = Form {
    name: "`--queue skipping` or `--backfill easy` or `conservative` in the events loop",
    holds: |g| {
        let backfilled = ["easy", "conservative"].iter().any(|kind| g.has_value("backfill", kind));
        events(g) && (backfilled || g.has_value("queue", "skipping"))
    },
};
const FAILURES: Form = Form {
    name: "`--failures`, `--mean-hours-between-failures` or `--mean-hours-between-device-failures`",
    holds: |g| g.typed("failures") || drawn_failures(g),
};
const DRAWN_FAILURES: Form = Form {
    name: "`--mean-hours-between-failures` or `--mean-hours-between-device-failures`",
    holds: drawn_failures,
};
const SEVERAL_RESOURCES: Form =
    Form { name: "two and more `--resources`", holds: |g| !g.has_value("resources", "1") };
const ONE_SEED: Form = Form { name: "a run of one seed", holds: one_seed };
const ASKING: Form = Form {
    name: "tasks that say how long they will run, with `--request-factor`",
    holds: |g| g.typed("request_factor"),
};
const SERVED: Form = Form {
    name: "a run of one seed as a service: on a terminal with `--output table`, or with `--serve`",
    holds: |g| one_seed(g) && (g.typed("serve") || g.has_value("output", "table")),
};

const SIMULATED: Form = Form {
    name: "`--source simulation`",
    holds: |g| g.has_value("source", "simulation") || sourced_elsewhere(g),
};
const PROMETHEUS: Form = Form {
    name: "`--source prometheus`",
    holds: |g| g.has_value("source", "prometheus") || sourced_elsewhere(g),
};
const KUBERNETES: Form = Form {
    name: "`--source kubernetes`",
    holds: |g| g.has_value("source", "kubernetes") || sourced_elsewhere(g),
};
const TOLD: Form = Form {
    name: "`--store-url`, or a settings file that has it",
    holds: |g| g.typed("store_url") || g.typed("config") || std::env::var_os("LEPTON_STORE_URL").is_some(),
};
const REAL: Form = Form {
    name: "a real source, without `--source simulation`",
    holds: |g| !g.has_value("source", "simulation"),
};

const TRAINED_FORECAST: Form = Form {
    name: "a forecast for which something is trained: the model auto, network or source-64-32-1, without `--load`",
    holds: |g| trained(g, &["auto", "network", "source-64-32-1"]),
};
const TRAINED_NETWORK: Form = Form {
    name: "a forecast for which a network is trained: the model auto or network, without `--load`",
    holds: |g| trained(g, &["auto", "network"]),
};
const TELEMETRY: Form =
    Form { name: "`--train` with telemetry", holds: |g| g.typed("train") && !g.typed("counters") };
const COUNTERS: Form = Form { name: "`--counters`", holds: |g| g.typed("counters") };

fn trained(g: &Given<'_>, models: &[&str]) -> bool {
    !g.typed("load") && models.iter().any(|m| g.has_value("model", m) || g.has_value("compare", m))
}

fn one_seed(g: &Given<'_>) -> bool {
    g.values("seeds").iter().all(|seeds| seeds.parse::<u64>().is_ok())
}

fn lepton(g: &Given<'_>) -> bool {
    // A placement study without `--policy` is of all of them.
    g.has_value("policy", "lepton") || g.values("policy").is_empty() || g.has_value("baseline", "lepton")
}

fn events(g: &Given<'_>) -> bool {
    match g.values("protocol").first() {
        Some(protocol) => protocol == "events",
        None => !g.typed("starts"),
    }
}

fn drawn_failures(g: &Given<'_>) -> bool {
    g.typed("mean_hours_between_failures") || g.typed("mean_hours_between_device_failures")
}

/// Whether the settings file may name the source; that is known once it is read.
fn sourced_elsewhere(g: &Given<'_>) -> bool {
    (g.typed("config") || std::env::var_os("LEPTON_SOURCE").is_some()) && !g.typed("source")
}

const PLACEMENT: &[&str] = &["simulate placement"];
const SIMULATED_JOBS: &[&str] = &["simulate jobs"];
const PLACEMENTS_LEARNED: &[&str] = &["train placement", "policy compare", "policy promote"];
const JOBS_LEARNED: &[&str] = &["train jobs", "policy compare-jobs", "policy promote-jobs"];
const TRAINED: &[&str] = &["train placement", "train jobs"];
const REBALANCE: &[&str] = &["rebalance"];
const ON_PLACEMENTS: &[&str] = &["rebalance", "execute"];
const SERVE: &[&str] = &["serve"];

const fn row(commands: &'static [&'static str], option: &'static str, forms: &'static [Form]) -> Row {
    Row { commands, option, forms }
}

/// The table.
pub(super) const TABLE: &[Row] = &[
    row(PLACEMENT, "nodes", &[FORMAT]),
    row(PLACEMENT, "tasks", &[FORMAT]),
    row(PLACEMENT, "arrivals", &[FORMAT]),
    row(PLACEMENT, "nodes_count", &[GENERATE]),
    row(PLACEMENT, "generate_seed", &[INVENTED]),
    row(PLACEMENT, "model", &[LEPTON]),
    row(PLACEMENT, "no_guard", &[LEPTON]),
    row(PLACEMENT, "snapshot", &[SNAPSHOT_AT]),
    row(SIMULATED_JOBS, "trace", &[FORMAT]),
    row(SIMULATED_JOBS, "jobs_count", &[GENERATE]),
    row(SIMULATED_JOBS, "clusters", &[TRACE_OF_JOBS]),
    row(SIMULATED_JOBS, "scale", &[CLUSTERS]),
    row(SIMULATED_JOBS, "partitions", &[SWF]),
    row(SIMULATED_JOBS, "status", &[SWF]),
    row(SIMULATED_JOBS, "by_owner", &[SHOWN_OR_CSV]),
    row(SIMULATED_JOBS, "gpus_per_node", &[JOBS]),
    row(SIMULATED_JOBS, "nodes_per_domain", &[TOPOLOGY]),
    row(SIMULATED_JOBS, "nodes_per_rack", &[TOPOLOGY]),
    row(SIMULATED_JOBS, "model", &[LEPTON]),
    row(SIMULATED_JOBS, "no_guard", &[GUARDED]),
    row(SIMULATED_JOBS, "queue", &[EVENTS]),
    row(SIMULATED_JOBS, "depth", &[LOOKING_ON]),
    row(SIMULATED_JOBS, "starts", &[JOBS]),
    row(SIMULATED_JOBS, "length", &[STARTS]),
    row(SIMULATED_JOBS, "window", &[TRACE_OF_JOBS]),
    row(SIMULATED_JOBS, "load", &[ONE_MACHINE]),
    row(SIMULATED_JOBS, "failures", &[EVENTS]),
    row(SIMULATED_JOBS, "mean_hours_between_failures", &[EVENTS]),
    row(SIMULATED_JOBS, "mean_hours_between_device_failures", &[EVENTS]),
    row(SIMULATED_JOBS, "mean_hours_to_repair", &[DRAWN_FAILURES]),
    row(SIMULATED_JOBS, "checkpoint_minutes", &[FAILURES]),
    row(SIMULATED_JOBS, "stop_at", &[EVENTS]),
    row(SIMULATED_JOBS, "save", &[EVENTS]),
    row(SIMULATED_JOBS, "resume", &[EVENTS]),
    row(SIMULATED_JOBS, "jobs_swf", &[JOBS]),
    row(ON_PLACEMENTS, "model", &[FORMAT]),
    row(ON_PLACEMENTS, "assignment", &[FORMAT]),
    row(REBALANCE, "objective", &[SNAPSHOT]),
    row(PLACEMENTS_LEARNED, "nodes", &[FORMAT]),
    row(PLACEMENTS_LEARNED, "tasks", &[FORMAT]),
    row(PLACEMENTS_LEARNED, "nodes_count", &[GENERATE]),
    row(PLACEMENTS_LEARNED, "generate_seeds", &[INVENTED]),
    row(JOBS_LEARNED, "trace", &[FORMAT]),
    row(JOBS_LEARNED, "nodes", &[FORMAT]),
    row(JOBS_LEARNED, "status", &[SWF]),
    row(JOBS_LEARNED, "parts", &[FORMAT]),
    row(TRAINED, "config", &[ANEW]),
    row(TRAINED, "method", &[ANEW]),
    row(&["generate reassignment"], "balance_goals", &[SEVERAL_RESOURCES]),
    row(&["forecast"], "seed", &[TRAINED_FORECAST]),
    row(&["forecast"], "threads", &[TRAINED_NETWORK]),
    row(&["risk"], "seed", &[COUNTERS]),
    row(&["risk"], "period", &[TELEMETRY]),
    row(&["risk"], "time", &[TELEMETRY]),
    row(&["risk"], "budget", &[TELEMETRY]),
    row(SERVE, "nodes_count", &[SIMULATED]),
    row(SERVE, "seed", &[SIMULATED]),
    row(SERVE, "speed", &[SIMULATED]),
    row(SERVE, "turn_seconds", &[REAL]),
    row(&["demo"], "model", &[ASKING]),
    row(SERVE, "prometheus_url", &[PROMETHEUS]),
    row(SERVE, "kubeconfig", &[KUBERNETES]),
    row(SERVE, "context", &[KUBERNETES]),
    row(SERVE, "store_password_file", &[TOLD]),
    row(&["demo"], "serve", &[ONE_SEED]),
    row(&["demo"], "speed", &[SERVED]),
    row(&["demo"], "mode", &[SERVED]),
    row(&["demo"], "records", &[ONE_SEED]),
];
