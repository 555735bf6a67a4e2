//! Which programs of Go modules tests and benches need: the control plane of Kubernetes (one program of etcd, the API server and, for the
//! bench, the stock scheduler), the rules of the stock scheduler, the two versions of helm that the chart is tried with, and a collector of
//! OpenTelemetry.

use crate::go::GoProgram;

/// etcd and the API server.
const SERVER: GoProgram = GoProgram {
    name: "control-plane",
    variable: "LEPTON_CONTROL_PLANE",
    source: "tests/control-plane",
    module: "go.mod",
    files: &["go.mod", "go.sum", "main.go", "scheduler.go"],
    package: ".",
    tags: "",
    go_min: (1, 25),
    takes: "5 to 15 minutes",
};

/// The same of the newest Kubernetes that was tried.
const NEWEST_SERVER: GoProgram = GoProgram {
    module: "newest.mod",
    files: &["newest.mod", "newest.sum", "main.go"],
    go_min: (1, 26),
    takes: "10 to 30 minutes",
    ..SERVER
};

/// That of the version that `LEPTON_KUBERNETES` asks for.
pub(crate) fn server() -> anyhow::Result<GoProgram> {
    match std::env::var("LEPTON_KUBERNETES").as_deref() {
        Err(_) => Ok(SERVER),
        Ok("newest") => Ok(NEWEST_SERVER),
        Ok(other) => anyhow::bail!("LEPTON_KUBERNETES is {other:?}; it may be `newest`, or not be set"),
    }
}

/// The same and the stock scheduler.
pub(crate) const SERVER_AND_SCHEDULER: GoProgram =
    GoProgram { name: "control-plane-with-scheduler", tags: "scheduler", ..SERVER };

/// What the stock scheduler finds feasible.
pub(crate) const FEASIBLE: GoProgram = GoProgram {
    name: "feasible",
    variable: "LEPTON_FEASIBLE",
    files: &["go.mod", "go.sum", "feasible/main.go", "feasible/in_turn.go"],
    package: "./feasible",
    ..SERVER
};

/// The helm that most clusters are served with.
pub(crate) const HELM_3: GoProgram = GoProgram {
    name: "helm",
    variable: "LEPTON_HELM_3",
    source: "tests/helm/v3",
    module: "go.mod",
    files: &["go.mod", "go.sum"],
    package: "helm.sh/helm/v3/cmd/helm",
    tags: "",
    go_min: (1, 26),
    takes: "2 to 5 minutes",
};

/// Its successor.
pub(crate) const HELM_4: GoProgram = GoProgram {
    variable: "LEPTON_HELM_4",
    source: "tests/helm/v4",
    package: "helm.sh/helm/v4/cmd/helm",
    ..HELM_3
};

/// What is told the traces of turns.
pub(crate) const COLLECTOR: GoProgram = GoProgram {
    name: "collector",
    variable: "LEPTON_COLLECTOR",
    source: "tests/collector",
    module: "go.mod",
    files: &["go.mod", "go.sum", "main.go"],
    package: ".",
    tags: "",
    go_min: (1, 25),
    takes: "2 to 5 minutes",
};
