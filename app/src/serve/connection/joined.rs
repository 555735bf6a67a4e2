//! A connection with sources beside its own, which tell only signs of faults of its nodes.

use std::time::Instant;

use lepton_core::collect::Source;
use lepton_core::model::{Modes, Readings, ResourceSchema, Snapshot};
use lepton_edges::RealSource;
use lepton_edges::store::Store;
use lepton_sim::world::Measures;

use super::{Connection, Ports, SignsTold, SimulatedCluster, Standing, problem_of};

/// A source beside another.
pub(super) struct Companion {
    source: Box<dyn RealSource>,
    /// The fact that says up to where its signs were seen.
    fact: &'static str,
}

impl Companion {
    pub(super) fn new(source: Box<dyn RealSource>, fact: &'static str) -> Self {
        Self { source, fact }
    }
}

/// The connection, and those beside it.
pub(super) struct Joined {
    main: Box<dyn Connection>,
    beside: Vec<Companion>,
}

impl Joined {
    pub(super) fn new(main: Box<dyn Connection>, beside: Vec<Companion>) -> Self {
        Self { main, beside }
    }
}

impl Connection for Joined {
    fn schema(&self) -> ResourceSchema {
        self.main.schema()
    }

    fn now_seconds(&self) -> u64 {
        self.main.now_seconds()
    }

    fn pass(&mut self) {
        self.main.pass();
    }

    /// The main source comes first: a list of it takes back what was told of signs, and signs of nodes come after their nodes.
    fn ports(&mut self) -> Ports<'_> {
        let mut ports = self.main.ports();
        ports.sources.extend(self.beside.iter_mut().map(|of| &mut *of.source as &mut dyn Source));
        ports
    }

    fn standing(&self) -> Standing {
        let mut standing = self.main.standing();
        for of in &self.beside {
            let report = of.source.report();
            standing.about = format!("{}; beside it {}", standing.about, of.source.about());
            standing.problems.extend(problem_of(&report));
            standing.reports.push(report);
        }
        standing
    }

    fn measures(&self) -> Option<Measures> {
        self.main.measures()
    }

    fn past(&mut self) -> Vec<Readings> {
        self.main.past()
    }

    fn simulated(&mut self) -> Option<&mut SimulatedCluster> {
        self.main.simulated()
    }

    fn pass_between(&mut self) {
        self.main.pass_between();
    }

    fn urgent_since(&self) -> Option<Instant> {
        self.main.urgent_since()
    }

    fn may_act(&self) -> bool {
        self.main.may_act()
    }

    fn signs_told(&self) -> Vec<SignsTold> {
        let mut told = self.main.signs_told();
        told.extend(self.beside.iter().filter_map(|of| Some((of.fact, of.source.signs_told()?))));
        told
    }

    fn signs_kept(&mut self, told: &[SignsTold]) {
        self.main.signs_kept(told);
        for of in &mut self.beside {
            for (_, number) in told.iter().filter(|(fact, _)| *fact == of.fact) {
                of.source.signs_kept(*number);
            }
        }
    }

    fn turned(&mut self, snapshot: &Snapshot, modes: &Modes) {
        let cluster = &snapshot.cluster;
        let there = cluster.nodes().filter(|&node| cluster.is_there(node));
        let names: Vec<&str> = there.map(|node| cluster.node_name(node)).collect();
        for of in &mut self.beside {
            of.source.know_nodes(&names);
        }
        self.main.turned(snapshot, modes);
    }

    fn set_modes(&mut self, store: &mut Store, modes: &Modes) -> anyhow::Result<()> {
        self.main.set_modes(store, modes)
    }
}
