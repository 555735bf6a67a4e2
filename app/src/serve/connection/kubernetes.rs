//! A Kubernetes cluster: time is the machine's; looked at in every mode, acted on where the mode allows it.

use std::time::Instant;

use lepton_core::model::{Mode, Modes, Readings, ResourceSchema, Snapshot};
use lepton_edges::RealSource;
use lepton_edges::kubernetes::{KubernetesHands, KubernetesOptions, KubernetesSource};
use lepton_edges::store::Store;

use super::{Connection, Ports, Standing, WrongSettings, machine_seconds, problem_of};
use crate::serve::config::ServeConfig;
use crate::serve::waiting::reasons;

/// A cluster with its hands.
pub(super) struct KubernetesCluster {
    source: KubernetesSource,
    hands: KubernetesHands,
    /// The most that it may do with anybody's pods.
    mode: Mode,
    now_seconds: u64,
    /// Whether it could act when it looked last.
    could_act: bool,
}

impl KubernetesCluster {
    pub(super) fn connect(store: &Store, config: &ServeConfig) -> anyhow::Result<Self> {
        let settings = &config.kubernetes;
        let options = KubernetesOptions {
            kubeconfig: settings.kubeconfig.clone(),
            context: settings.context.clone(),
            device_resources: settings.device_resources.clone(),
            model_labels: settings.model_labels.clone(),
            lease: settings.lease.clone(),
            fresh_seconds: config.fresh_seconds,
        };
        let (source, mut hands) =
            KubernetesSource::connect(&options).map_err(|error| WrongSettings(error.to_string()))?;
        let mode = config.modes().most();
        if mode != Mode::Observe {
            hands.get_ready()?;
        }
        let now_seconds = machine_seconds(store.clock_seconds()?.unwrap_or(0));
        Ok(Self { source, hands, mode, now_seconds, could_act: false })
    }
}

impl Connection for KubernetesCluster {
    fn schema(&self) -> ResourceSchema {
        self.source.schema()
    }

    fn now_seconds(&self) -> u64 {
        self.now_seconds
    }

    fn pass(&mut self) {
        self.now_seconds = machine_seconds(self.now_seconds);
    }

    fn pass_between(&mut self) {
        self.pass();
    }

    fn ports(&mut self) -> Ports<'_> {
        self.could_act = self.may_act();
        Ports { sources: vec![&mut self.source], hands: &mut self.hands }
    }

    fn past(&mut self) -> Vec<Readings> {
        Vec::new()
    }

    fn urgent_since(&self) -> Option<Instant> {
        let acts_anew = self.may_act() && !self.could_act;
        self.source.urgent_since().or_else(|| acts_anew.then(Instant::now))
    }

    fn turned(&mut self, snapshot: &Snapshot, modes: &Modes) {
        if modes.most() == Mode::Observe || !snapshot.stale.is_empty() || !self.may_act() {
            return;
        }
        self.hands.go_on(&snapshot.memory.tasks_underway());
        if modes.most() != Mode::Act {
            return;
        }
        let waiting = reasons(snapshot);
        let told = waiting.iter().map(|(pod, why)| (pod.as_str(), why.as_deref()));
        self.hands.tell_waiting(told, self.source.kept_back());
    }

    fn may_act(&self) -> bool {
        self.hands.waits_for().is_none()
    }

    fn set_modes(&mut self, _: &mut Store, modes: &Modes) -> anyhow::Result<()> {
        let mode = modes.most();
        if mode == Mode::Observe {
            self.hands.rest();
        } else {
            self.hands.get_ready()?;
        }
        self.mode = mode;
        Ok(())
    }

    fn standing(&self) -> Standing {
        let report = self.source.report();
        let problem = problem_of(&report);
        let unsaid = match self.hands.unsaid() {
            0 => None,
            count => Some(format!("{count} events and conditions of pods could not be written")),
        };
        let waits = self.hands.waits_for().filter(|_| self.mode != Mode::Observe);
        Standing {
            about: match waits {
                Some(why) => format!("{}, stands by: {why}", self.source.about()),
                None => self.source.about(),
            },
            simulated: false,
            can_act: true,
            problems: problem.into_iter().chain(unsaid).collect(),
            reports: vec![report],
        }
    }
}
