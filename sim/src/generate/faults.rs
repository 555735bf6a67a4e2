//! A cluster whose nodes fail at published rates, by published causes, with the signs that precede some of the failures
//! and false signs that precede none.
//!
//! Rates and their sources are told with [`FAULT_PRESETS`]; the mix of causes is that of the 419 unexpected stops of
//! the Llama 3 training (Dubey et al., "The Llama 3 Herd of Models", arXiv 2407.21783, table 5). Which share of the
//! failures of a cause is preceded by signs, for how long, and how often a healthy node shows signs are assumptions
//! without a source: no operator has published them.

use lepton_core::analyze::risk::{LogPatterns, Severity, Sign};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::chance::exponential;
use crate::engine::EventQueue;

/// Seconds of an hour and a day.
const HOUR_SECONDS: f64 = 3600.0;
const DAY_SECONDS: f64 = 86_400.0;
/// Most nodes of a fault world.
pub const FAULT_NODES_MAX: u32 = 1_000_000;

/// Rates at which nodes of eight GPUs fail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaultPreset {
    /// Name on the command line.
    pub name: &'static str,
    /// What it is, with its source.
    pub about: &'static str,
    /// Failures of an ordinary node in 1000 days.
    pub per_1000_node_days: f64,
    /// Share of the nodes that are lemons, 0 to 1.
    pub lemon_share: f64,
    /// Failures of a lemon in 1000 days.
    pub lemon_per_1000_node_days: f64,
}

/// The presets. Kokolis et al. is "Revisiting Reliability in Large-Scale Machine Learning Research Clusters", arXiv
/// 2410.21680.
pub const FAULT_PRESETS: [FaultPreset; 5] = [
    FaultPreset::even("rsc1", "Meta RSC-1, 16 thousand A100 (Kokolis et al.)", 6.50),
    FaultPreset::even("rsc2", "Meta RSC-2, 8 thousand A100 (Kokolis et al.)", 2.34),
    FaultPreset::even("llama3", "Llama 3 405B, 16,384 H100, 419 unexpected stops in 54 days", 3.79),
    FaultPreset {
        name: "lemons",
        about: "rsc1 with 73% of the failures on 1.3% of the nodes (derived from Kokolis et al.)",
        per_1000_node_days: 1.76,
        lemon_share: 0.013,
        lemon_per_1000_node_days: 365.0,
    },
    FaultPreset::even(
        "all-causes",
        "every end of a job counted, programs included (derived from Kokolis et al.)",
        22.0,
    ),
];

impl FaultPreset {
    /// Nodes that are all alike.
    pub const fn even(name: &'static str, about: &'static str, per_1000_node_days: f64) -> Self {
        Self { name, about, per_1000_node_days, lemon_share: 0.0, lemon_per_1000_node_days: 0.0 }
    }

    /// The same with all rates so many times as high: for worlds too small or short to see the true ones.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self {
            per_1000_node_days: factor * self.per_1000_node_days,
            lemon_per_1000_node_days: factor * self.lemon_per_1000_node_days,
            ..self
        }
    }

    /// Failures of a node a day in the mean over all nodes.
    pub fn mean_per_day(&self) -> f64 {
        let lemons = self.lemon_share * self.lemon_per_1000_node_days;
        ((1.0 - self.lemon_share) * self.per_1000_node_days + lemons) / 1000.0
    }

    /// Mean time until one of so many nodes fails, hours: 1 / (N r).
    pub fn mttf_hours(&self, nodes: u32) -> f64 {
        24.0 / (f64::from(nodes) * self.mean_per_day())
    }
}

/// What makes a node fail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaultCause {
    /// Name.
    pub name: &'static str,
    /// Its share of the stops of Llama 3, out of 419.
    pub stops: u32,
    /// Share of its failures that show signs, 0 to 1.
    warned_share: f64,
    /// Mean time from the first sign to the failure, hours.
    lead_hours: f64,
    /// Messages that its signs are, by name in the list of patterns.
    messages: &'static [&'static str],
    /// Whether a counter grows before it.
    counter: bool,
}

const fn cause(
    name: &'static str,
    stops: u32,
    (warned_share, lead_hours): (f64, f64),
    messages: &'static [&'static str],
    counter: bool,
) -> FaultCause {
    FaultCause { name, stops, warned_share, lead_hours, messages, counter }
}

/// The causes.
pub const FAULT_CAUSES: [FaultCause; 18] = [
    cause("GPU", 148, (0.4, 12.0), &["xid-62", "xid-119", "pcie-corrected"], false),
    cause("HBM", 72, (0.7, 36.0), &["xid-63", "xid-92", "xid-94"], true),
    cause("software", 54, (0.1, 1.0), &["xid-31", "oom-kill"], false),
    cause("switch or cable", 35, (0.5, 8.0), &["mlx5-link-down", "mlx5-module"], true),
    cause("host maintenance", 32, (0.0, 1.0), &[], false),
    cause("SRAM", 19, (0.4, 24.0), &["xid-94", "mce-logged"], true),
    cause("GSP", 17, (0.3, 4.0), &["xid-119", "xid-120"], false),
    cause("NIC", 7, (0.5, 8.0), &["mlx5-link-down", "transmit-timeout"], true),
    cause("NCCL timeout", 7, (0.2, 1.0), &["xid-74"], false),
    cause("silent data corruption", 6, (0.0, 1.0), &[], false),
    cause("thermal", 6, (0.8, 6.0), &["thermal-package", "thermal-core"], false),
    cause("SSD", 3, (0.6, 48.0), &["nvme-timeout", "smart-pending"], true),
    cause("PSU", 3, (0.2, 2.0), &["pcie-uncorrected"], false),
    cause("chassis", 2, (0.1, 2.0), &["thermal-package"], false),
    cause("IO board", 2, (0.3, 8.0), &["pcie-corrected", "pcie-uncorrected"], true),
    cause("dependency", 2, (0.3, 1.0), &["nfs-not-responding", "lustre-connection-lost"], false),
    cause("CPU", 2, (0.4, 24.0), &["mce-logged", "soft-lockup"], true),
    cause("memory", 2, (0.7, 48.0), &["edac-corrected", "memory-failure"], true),
];

/// False signs of a healthy node a day: messages of each kind, a counter that grows, telemetry that is unusual.
const FALSE_MESSAGES: [(&str, f64); 6] = [
    ("xid-31", 0.02),
    ("oom-kill-cgroup", 0.02),
    ("pcie-corrected", 0.01),
    ("edac-corrected", 0.01),
    ("nfs-not-responding", 0.01),
    ("mlx5-link-down", 0.003),
];
const FALSE_COUNTER_PER_DAY: f64 = 0.01;
const FALSE_ANOMALY_PER_DAY: f64 = 0.05;

/// Something that happens to a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FaultEvent {
    /// It fails, by the cause with this number.
    Fail {
        /// The cause, of [`FAULT_CAUSES`].
        cause: usize,
    },
    /// It is back.
    Repaired,
    /// It shows a sign; a message has its number in the list of patterns.
    Sign {
        /// The sign.
        sign: Sign,
        /// The message, if it is one.
        pattern: Option<usize>,
    },
}

#[derive(Debug, Clone, Copy)]
struct Happening {
    node: u32,
    event: FaultEvent,
    /// Of a healthy node: the next one is to be drawn.
    renews: bool,
}

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaultOptions {
    /// Number of nodes.
    pub nodes: u32,
    /// Mean time until a failed node is back, hours; 0: another takes its place at once.
    pub mean_repair_hours: f64,
    /// Whether nodes show signs.
    pub signs: bool,
    /// Seed of all draws.
    pub seed: u64,
}

/// The nodes and what is going to happen to them, without end.
pub struct FaultWorld {
    preset: FaultPreset,
    options: FaultOptions,
    chance: Pcg64Mcg,
    lemons: Vec<bool>,
    queue: EventQueue<Happening>,
    patterns: LogPatterns,
}

impl FaultWorld {
    /// A world at second 0, all nodes working.
    pub fn new(preset: FaultPreset, options: FaultOptions) -> Self {
        let mut chance = Pcg64Mcg::seed_from_u64(options.seed);
        // As many lemons as the share says, so that seeds differ in where they are and not in how many.
        let count = (f64::from(options.nodes) * preset.lemon_share).round() as usize;
        let mut lemons = vec![false; options.nodes as usize];
        lemons[..count.min(options.nodes as usize)].fill(true);
        for at in (1..lemons.len()).rev() {
            lemons.swap(at, chance.random_range(0..=at));
        }
        let patterns = LogPatterns::built_in();
        let mut world = Self { preset, options, chance, lemons, queue: EventQueue::default(), patterns };
        for node in 0..options.nodes {
            world.draw_failure(node, 0.0);
            if options.signs {
                for kind in 0..=FALSE_MESSAGES.len() + 1 {
                    world.draw_false_sign(node, kind, 0.0);
                }
            }
        }
        world
    }

    /// Whether a node is a lemon.
    pub fn is_lemon(&self, node: u32) -> bool {
        self.lemons[node as usize]
    }

    /// Messages that its signs are.
    pub fn patterns(&self) -> &LogPatterns {
        &self.patterns
    }

    /// What happens next: when (seconds), to which node, what. Never the end.
    pub fn advance(&mut self) -> Option<(i64, u32, FaultEvent)> {
        let event = self.queue.pop()?;
        let (now, Happening { node, event: what, renews }) = (event.time_seconds, event.what);
        match what {
            FaultEvent::Fail { .. } if self.options.mean_repair_hours > 0.0 => {
                let away = exponential(&mut self.chance, self.options.mean_repair_hours * HOUR_SECONDS);
                let back = Happening { node, event: FaultEvent::Repaired, renews: false };
                self.queue.schedule(now.saturating_add(1 + away as i64), back);
            }
            FaultEvent::Fail { .. } | FaultEvent::Repaired => self.draw_failure(node, now as f64),
            FaultEvent::Sign { sign, pattern } if renews => {
                let named = pattern.map(|p| self.patterns.patterns()[p].name.as_str());
                let kind = match sign {
                    Sign::CounterGrowth(_) => FALSE_MESSAGES.len(),
                    Sign::Anomaly(_) => FALSE_MESSAGES.len() + 1,
                    Sign::Message(_) => {
                        FALSE_MESSAGES.iter().position(|m| Some(m.0) == named).unwrap_or_default()
                    }
                };
                self.draw_false_sign(node, kind, now as f64);
            }
            FaultEvent::Sign { .. } => {}
        }
        Some((now, node, what))
    }

    fn draw_failure(&mut self, node: u32, now: f64) {
        let lemon = self.lemons[node as usize];
        let per_1000 =
            if lemon { self.preset.lemon_per_1000_node_days } else { self.preset.per_1000_node_days };
        if per_1000 <= 0.0 {
            return;
        }
        let at = now + exponential(&mut self.chance, 1000.0 / per_1000 * DAY_SECONDS);
        let stops: u32 = FAULT_CAUSES.iter().map(|c| c.stops).sum();
        let mut drawn = self.chance.random_range(0..stops);
        let cause = FAULT_CAUSES.iter().position(|c| match drawn.checked_sub(c.stops) {
            Some(left) => {
                drawn = left;
                false
            }
            None => true,
        });
        let cause = cause.unwrap_or_default();
        self.queue.schedule(at as i64, Happening { node, event: FaultEvent::Fail { cause }, renews: false });
        if self.options.signs && self.chance.random::<f64>() < FAULT_CAUSES[cause].warned_share {
            self.draw_warning(node, cause, (now, at));
        }
    }

    /// Signs from some time before a failure until it, closer and closer together.
    fn draw_warning(&mut self, node: u32, cause: usize, (now, fails): (f64, f64)) {
        let FaultCause { lead_hours, messages, counter, .. } = FAULT_CAUSES[cause];
        let mut left = exponential(&mut self.chance, lead_hours * HOUR_SECONDS);
        while left > 60.0 {
            let at = fails - left;
            if at > now {
                let which = self.chance.random_range(0..messages.len() + usize::from(counter) + 1);
                let event = match messages.get(which) {
                    Some(name) => self.message(name),
                    None if counter && which == messages.len() => {
                        let by = 1.0 + exponential(&mut self.chance, 5.0).floor();
                        FaultEvent::Sign { sign: Sign::CounterGrowth(by), pattern: None }
                    }
                    None => self.anomaly(),
                };
                self.queue.schedule(at as i64, Happening { node, event, renews: false });
            }
            left *= self.chance.random_range(0.3..0.9);
        }
    }

    fn draw_false_sign(&mut self, node: u32, kind: usize, now: f64) {
        let (event, per_day) = match FALSE_MESSAGES.get(kind) {
            Some((name, per_day)) => (self.message(name), *per_day),
            None if kind == FALSE_MESSAGES.len() => {
                (FaultEvent::Sign { sign: Sign::CounterGrowth(1.0), pattern: None }, FALSE_COUNTER_PER_DAY)
            }
            None => (self.anomaly(), FALSE_ANOMALY_PER_DAY),
        };
        let at = now + exponential(&mut self.chance, DAY_SECONDS / per_day);
        self.queue.schedule(at as i64, Happening { node, event, renews: true });
    }

    fn message(&self, name: &str) -> FaultEvent {
        let pattern = self.patterns.patterns().iter().position(|p| p.name == name);
        let severity = pattern.map_or(Severity::Warning, |p| self.patterns.patterns()[p].severity);
        FaultEvent::Sign { sign: Sign::Message(severity), pattern }
    }

    fn anomaly(&mut self) -> FaultEvent {
        let score = 3.0 + exponential(&mut self.chance, 1.0);
        FaultEvent::Sign { sign: Sign::Anomaly(score), pattern: None }
    }
}

#[cfg(test)]
mod tests;
