//! A real system that is only looked at: time is the machine's, and nothing is carried out.

use lepton_core::execute::Actuator;
use lepton_core::model::{Answer, Call, Modes, Moving, Readings, ResourceSchema};
use lepton_edges::RealSource;
use lepton_edges::store::Store;

use super::{Connection, Ports, SIGNS_SEEN, SignsTold, Standing, machine_seconds, problem_of};
use crate::serve::config::ServeConfig;

/// A real system.
pub(super) struct Watched {
    source: Box<dyn RealSource>,
    hands: NoHands,
    now_seconds: u64,
}

impl Watched {
    pub(super) fn new(source: Box<dyn RealSource>, store: &Store) -> anyhow::Result<Self> {
        let now_seconds = machine_seconds(store.clock_seconds()?.unwrap_or(0));
        Ok(Self { source, hands: NoHands, now_seconds })
    }
}

impl Connection for Watched {
    fn schema(&self) -> ResourceSchema {
        self.source.schema()
    }

    fn now_seconds(&self) -> u64 {
        self.now_seconds
    }

    fn pass(&mut self) {
        self.now_seconds = machine_seconds(self.now_seconds);
    }

    fn ports(&mut self) -> Ports<'_> {
        Ports { sources: vec![&mut *self.source], hands: &mut self.hands }
    }

    fn past(&mut self) -> Vec<Readings> {
        self.source.past(self.now_seconds)
    }

    fn set_modes(&mut self, _: &mut Store, _: &Modes) -> anyhow::Result<()> {
        Ok(())
    }

    fn signs_told(&self) -> Vec<SignsTold> {
        self.source.signs_told().map(|number| (SIGNS_SEEN, number)).into_iter().collect()
    }

    fn signs_kept(&mut self, told: &[SignsTold]) {
        for (_, number) in told.iter().filter(|(fact, _)| *fact == SIGNS_SEEN) {
            self.source.signs_kept(*number);
        }
    }

    fn standing(&self) -> Standing {
        let report = self.source.report();
        let problem = problem_of(&report);
        Standing {
            about: format!("{}, which is only looked at: nothing is carried out", self.source.about()),
            simulated: false,
            can_act: false,
            problems: problem.into_iter().collect(),
            reports: vec![report],
        }
    }
}

/// Refuses whatever it is asked for.
struct NoHands;

impl Actuator for NoHands {
    fn moving(&self) -> Moving {
        Moving::StopFirst
    }

    fn call(&mut self, _: &Call) -> Answer {
        Answer::Refused("the source is only looked at: nothing is carried out".to_owned())
    }
}

/// The machine that the service runs on.
#[cfg(all(feature = "host", target_os = "linux"))]
pub(super) fn host(store: &Store, config: &ServeConfig) -> anyhow::Result<Watched> {
    use lepton_edges::host::{HostOptions, HostSource};
    let options = HostOptions { root: config.host.root.clone(), network_mbit_s: config.network_mbit_s };
    Watched::new(Box::new(HostSource::new(options)), store)
}

#[cfg(not(all(feature = "host", target_os = "linux")))]
pub(super) fn host(_: &Store, _: &ServeConfig) -> anyhow::Result<Watched> {
    anyhow::bail!(
        "this build cannot look at the host. Maybe build with `--features host` on Linux, or `--source simulation`"
    )
}

/// What a Prometheus has scraped.
#[cfg(feature = "prometheus")]
pub(super) fn prometheus(store: &Store, config: &ServeConfig) -> anyhow::Result<Watched> {
    use super::WrongSettings;
    use crate::token_file;
    use lepton_edges::prometheus::{PrometheusOptions, PrometheusSource};
    use std::time::Duration;

    let settings = &config.prometheus;
    let token = settings.token_file.as_deref().map(token_file::read).transpose().map_err(WrongSettings)?;
    let options = PrometheusOptions {
        url: settings.url.clone(),
        token,
        interval: Duration::from_secs_f64(config.turn_seconds),
        rate_seconds: settings.rate_seconds,
        back_fill_hours: settings.back_fill_hours,
        fresh_seconds: config.fresh_seconds,
        network_mbit_s: config.network_mbit_s,
        node_labels: settings.node_labels.clone(),
        queries: settings.queries.clone(),
    };
    let source = PrometheusSource::start(options).map_err(|error| WrongSettings(error.to_string()))?;
    Watched::new(Box::new(source), store)
}

#[cfg(not(feature = "prometheus"))]
pub(super) fn prometheus(_: &Store, _: &ServeConfig) -> anyhow::Result<Watched> {
    anyhow::bail!("this build cannot ask Prometheus. Maybe build with `--features prometheus`")
}
