//! Who binds: a client that does not think, Lepton, and the stock scheduler; and what a scheduler's process has used.

use std::fs;

use serde_json::json;
use ureq::http::Method;

use crate::common::ports::free_port;
use crate::common::service::Service;
use crate::control_plane::{ControlPlane, Program};
use crate::crowd::many;
use crate::figures::memory_bytes;

/// Clock ticks of a second in /proc, as Linux has them.
const TICKS: f64 = 100.0;

/// Who binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Blind,
    Lepton,
    Stock,
}

impl Who {
    pub(crate) fn scheduler_name(self) -> &'static str {
        match self {
            Self::Blind => "nobody",
            Self::Lepton => "lepton",
            Self::Stock => "default-scheduler",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Blind => "blind binding",
            Self::Lepton => "lepton",
            Self::Stock => "kube-scheduler",
        }
    }
}

/// Binds pod by pod, to one node after the other.
pub(crate) fn bind_blindly(plane: &ControlPlane, pods: usize, nodes: usize) {
    many(pods, |at| {
        let body = json!({
            "apiVersion": "v1", "kind": "Binding", "metadata": {"name": format!("pod-{at}")},
            "target": {"apiVersion": "v1", "kind": "Node", "name": format!("node-{}", at % nodes)},
        });
        let path = format!("/api/v1/namespaces/default/pods/pod-{at}/binding");
        let (status, answer) = plane.ask(Method::POST, &path, Some(&body));
        assert_eq!(status, 201, "{answer}");
    });
}

/// A scheduler's process.
pub(crate) enum Scheduler {
    Lepton(Service),
    Stock(Program),
}

/// Lepton gives its lease back when it is ended in order, so that the next one need not wait for its end.
impl Drop for Scheduler {
    fn drop(&mut self) {
        if let Self::Lepton(service) = self {
            service.end("-TERM");
        }
    }
}

/// What a process has used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_mb: f64,
}

impl Scheduler {
    pub(crate) fn start(plane: &ControlPlane, who: Who, name: &str) -> Self {
        if who == Who::Lepton {
            let options = ["--source", "kubernetes", "--kubeconfig", &plane.kubeconfig(), "--mode", "act"];
            return Self::Lepton(Service::start_of(&format!("{}/state-{name}", plane.folder), &options, ""));
        }
        let config = format!(
            "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n\
             clientConnection: {{kubeconfig: '{}', qps: 5000, burst: 5000}}\nleaderElection: {{leaderElect: false}}\n",
            plane.kubeconfig()
        );
        let file = format!("{}/scheduler.yaml", plane.folder);
        fs::write(&file, config).expect("writable");
        let args = [
            "kube-scheduler".to_owned(),
            format!("--config={file}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={}", free_port()),
            format!("--cert-dir={}/auto-scheduler", plane.folder),
        ];
        Self::Stock(Program::start(&args, &format!("{}/kube-scheduler.log", plane.folder)))
    }

    pub(crate) fn used(&self) -> Used {
        let id = match self {
            Self::Lepton(service) => service.child.id(),
            Self::Stock(program) => program.id(),
        };
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).expect("it runs");
        // What stands in parentheses is a name and may hold anything; user and system time are the 12th and 13th behind it.
        let fields: Vec<&str> =
            stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let ticks = |at: usize| fields[at].parse::<f64>().expect("a number");
        Used { cpu_seconds: (ticks(11) + ticks(12)) / TICKS, peak_mb: memory_bytes(id, "VmHWM:") / 1e6 }
    }
}
