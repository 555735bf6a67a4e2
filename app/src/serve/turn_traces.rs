//! Turns as OpenTelemetry traces, where the settings name a collector: a span of the whole turn, and in it one of each stretch of a stage.

use std::time::{Duration, SystemTime};

use lepton_core::cycle::Lap;

use super::config::ServeConfig;
use super::connection::WrongSettings;
use super::figures::{StageSeconds, TurnFigures};

/// Messages that the collector took, and those that it did not take.
pub(super) type Told = (u64, u64);

/// A turn on its way to the collector.
pub(super) struct Turned<'a> {
    /// When it began, and what the clock of its laps said then.
    pub(super) begun: SystemTime,
    pub(super) begun_nanos: u64,
    /// What the clock says now.
    pub(super) ended_nanos: u64,
    /// Its stages; none of a turn that panicked.
    pub(super) laps: &'a [Lap],
    /// From when on it was shown to those who look on.
    pub(super) shown_nanos: u64,
    pub(super) figures: Option<&'a TurnFigures>,
    pub(super) problem: Option<String>,
}

/// Who tells the collector.
#[cfg(feature = "traces")]
pub(super) struct TurnTraces(Option<lepton_edges::traces::Traces>);

#[cfg(feature = "traces")]
impl TurnTraces {
    /// As the settings have it.
    pub(super) fn of(config: &ServeConfig, instance: &str) -> anyhow::Result<Self> {
        let begin =
            |url: &String| lepton_edges::traces::Traces::start(url, env!("CARGO_PKG_VERSION"), instance);
        let begun = config.traces_url.as_ref().map(begin).transpose();
        Ok(Self(begun.map_err(|error| WrongSettings(format!("`traces_url`: {error}")))?))
    }

    /// Hands over a turn. Waits for nobody.
    pub(super) fn turned(&self, turned: &Turned<'_>) {
        use lepton_edges::traces::{TracedStage, TracedTurn, TracedValue};
        let Some(traces) = &self.0 else { return };
        let at = |nanos: u64| turned.begun + Duration::from_nanos(nanos.saturating_sub(turned.begun_nanos));
        let stage = |name, from, to| TracedStage { name, begun: at(from), ended: at(to) };
        let laps = turned.laps.iter();
        let mut stages: Vec<TracedStage> =
            laps.map(|lap| stage(StageSeconds::name_of(lap.stage), lap.from_nanos, lap.to_nanos)).collect();
        stages.push(stage("publish", turned.shown_nanos, turned.ended_nanos));
        let attributes = turned.figures.map_or_else(Vec::new, |figures| {
            let count = |count: usize| TracedValue::Count(count as u64);
            vec![
                ("lepton.turn", TracedValue::Count(figures.turn)),
                ("lepton.cluster_time_seconds", TracedValue::Count(figures.time_seconds)),
                ("lepton.state", TracedValue::Text(figures.state.clone())),
                ("lepton.nodes", count(figures.nodes)),
                ("lepton.hot_nodes", count(figures.hot_nodes)),
                ("lepton.tasks_running", count(figures.running)),
                ("lepton.tasks_waiting", count(figures.waiting)),
                ("lepton.planned_steps", count(figures.planned_steps)),
                ("lepton.steps_done", TracedValue::Count(figures.done.done())),
                (
                    "lepton.planned_worth_device_minutes",
                    TracedValue::Real(figures.planned_worth_device_minutes),
                ),
            ]
        });
        let (begun, ended) = (turned.begun, at(turned.ended_nanos));
        traces.turned(&TracedTurn { begun, ended, attributes, stages, problem: turned.problem.clone() });
    }

    /// How telling goes; none where nothing is told.
    pub(super) fn told(&self) -> Option<Told> {
        self.0.as_ref().map(|traces| traces.report()).map(|report| (report.taken, report.failures))
    }

    /// Tells what still waits, if that can be done in this time.
    pub(super) fn end(self, patience: Duration) {
        if let Some(traces) = self.0 {
            traces.end(patience);
        }
    }
}

/// This build tells none.
#[cfg(not(feature = "traces"))]
pub(super) struct TurnTraces;

#[cfg(not(feature = "traces"))]
impl TurnTraces {
    pub(super) fn of(config: &ServeConfig, _: &str) -> anyhow::Result<Self> {
        if config.traces_url.is_some() {
            let problem = "`traces_url`: this build tells no traces. Maybe build with `--features traces`";
            return Err(WrongSettings(problem.to_owned()).into());
        }
        Ok(Self)
    }

    pub(super) fn turned(&self, _: &Turned<'_>) {}

    pub(super) fn told(&self) -> Option<Told> {
        None
    }

    pub(super) fn end(self, _: Duration) {}
}
