//! One search in a process of its own, so that its peak memory is its own. The parent passes the run as words
//! and gets numbers back on one line.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::process::Command;

use lepton_core::decide::rebalance::{
    Board, Budget, Method, OrderedMoves, RebalanceOptions, RebalanceProblem, Surroundings, rebalance,
};
use lepton_sim::Clock;
use lepton_sim::generate::{ReassignmentShape, reassignment};
use lepton_sim::readers::read_reassignment;
use lepton_sim::writers::{write_reassignment_model, write_reassignment_placement};

use crate::memory::memory_mb;
use crate::wall_clock::WallClock;

/// The first word of a child's command line.
pub(crate) const CHILD: &str = "--one";
/// Seed of generated instances.
const INSTANCE_SEED: u64 = 1;

/// What is run.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) instance: String,
    pub(crate) seconds: f64,
    pub(crate) seed: u64,
    pub(crate) threads: usize,
    pub(crate) islands: usize,
    pub(crate) method: Method,
    /// Folder for instance and answer, to be checked by others; empty for none.
    pub(crate) solutions: String,
}

/// What came out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome {
    pub(crate) initial: f64,
    pub(crate) lower_bound: f64,
    pub(crate) cost: f64,
    pub(crate) moves: f64,
    pub(crate) blocked: f64,
    /// Million moves evaluated per second and thread.
    pub(crate) rate: f64,
    /// Reading and checking the files, or generating.
    pub(crate) read_seconds: f64,
    /// First improvement after the search began; infinite where there is none.
    pub(crate) first_seconds: f64,
    /// When 90% of the run's gain was reached.
    pub(crate) most_seconds: f64,
    pub(crate) order_seconds: f64,
    pub(crate) peak_mb: f64,
}

const METHODS: [(&str, Method); 3] =
    [("hybrid", Method::Hybrid), ("local-search", Method::LocalSearch), ("evolution", Method::Evolution)];

/// What the method is called.
pub(crate) fn name(method: Method) -> &'static str {
    METHODS.iter().find(|(_, m)| *m == method).map_or("", |(name, _)| name)
}

impl Setting {
    /// Runs it in a child.
    pub(crate) fn run(&self) -> Outcome {
        let me = std::env::current_exe().expect("this program has a path");
        let mut words = vec![CHILD.to_owned(), self.instance.clone(), self.seconds.to_string()];
        words.extend([self.seed, self.threads as u64, self.islands as u64].map(|n| n.to_string()));
        words.extend([name(self.method).to_owned(), self.solutions.clone()]);
        let output = Command::new(me).args(words).output().expect("this program can be started again");
        let text = String::from_utf8_lossy(&output.stdout);
        let values: Vec<f64> = text.split_whitespace().filter_map(|v| v.parse().ok()).collect();
        let [
            initial,
            lower_bound,
            cost,
            moves,
            blocked,
            rate,
            read_seconds,
            first_seconds,
            most_seconds,
            order_seconds,
            peak_mb,
        ] = values[..]
        else {
            panic!("{} failed: {}", self.instance, String::from_utf8_lossy(&output.stderr));
        };
        Outcome {
            initial,
            lower_bound,
            cost,
            moves,
            blocked,
            rate,
            read_seconds,
            first_seconds,
            most_seconds,
            order_seconds,
            peak_mb,
        }
    }

    /// The setting of a child's command line.
    fn of_words(words: &[String]) -> Option<Self> {
        let [instance, seconds, seed, threads, islands, method, solutions] = words else { return None };
        Some(Self {
            instance: instance.clone(),
            seconds: seconds.parse().ok()?,
            seed: seed.parse().ok()?,
            threads: threads.parse().ok()?,
            islands: islands.parse().ok()?,
            method: METHODS.iter().find(|(name, _)| name == method)?.1,
            solutions: solutions.clone(),
        })
    }
}

/// The child: runs the setting and prints its outcome. Costs are below 2^52, so a float holds them exactly.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
pub(crate) fn child(words: &[String]) {
    let setting = Setting::of_words(words).expect("the parent gives a setting");
    let clock = WallClock::start();
    let seconds = || clock.now_nanos() as f64 / 1e9;
    let problem = instance(&setting.instance);
    let read = seconds();
    let initial = problem.cost(problem.initial()).total();
    let board = Board::new(initial);
    let options = RebalanceOptions {
        seed: setting.seed,
        threads: setting.threads,
        islands: setting.islands,
        budget: Budget::Seconds(setting.seconds),
        moves_max: None,
        method: setting.method,
    };
    let since = || seconds() - read;
    let surroundings = Surroundings { seconds: &since, stopped: &|| false, board: &board };
    let placement = rebalance(&problem, &options, &surroundings);
    let searched = since();
    assert_eq!(problem.first_violation(&placement), None, "the search keeps every rule");
    let cost = problem.cost(&placement).total();
    let plan = OrderedMoves::order(&problem, &placement).expect("the placement keeps every rule");
    let ordered = since() - searched;
    if !setting.solutions.is_empty() {
        keep(&setting, &problem, &placement);
    }
    let history = board.history();
    let when = |share: f64| {
        let bar = initial as f64 - share * (initial - cost) as f64;
        let point = history.iter().skip(1).find(|point| point.cost as f64 <= bar);
        point.map_or(f64::INFINITY, |point| point.seconds)
    };
    println!(
        "{initial} {} {cost} {} {} {} {read} {} {} {ordered} {}",
        problem.lower_bound(),
        problem.moved_count(&placement),
        plan.blocked.len(),
        board.evaluations() as f64 / searched / setting.threads as f64 / 1e6,
        when(0.0),
        when(0.9),
        memory_mb("VmHWM")
    );
}

/// An instance of set A by its name, or a generated one: `g5000x50000x12` has so many nodes, tasks, resources.
fn instance(name: &str) -> RebalanceProblem {
    if let Some([nodes, tasks, resources]) = generated(name) {
        let parts = reassignment(&ReassignmentShape::of_size(nodes, tasks, resources), INSTANCE_SEED);
        return RebalanceProblem::new(parts).expect("a generated instance keeps every rule");
    }
    let data = std::env::var_os("LEPTON_DATA").expect("the parent has looked");
    let file =
        |kind: &str| Path::new(&data).join("machine-reassignment").join(format!("{kind}_{name}.txt.gz"));
    read_reassignment(&file("model"), &file("assignment")).unwrap_or_else(|error| panic!("{error}"))
}

/// Nodes, tasks and resources in the name of a generated instance.
pub(crate) fn generated(name: &str) -> Option<[usize; 3]> {
    let numbers: Vec<usize> = name.strip_prefix('g')?.split('x').filter_map(|n| n.parse().ok()).collect();
    let numbers: [usize; 3] = numbers.try_into().ok()?;
    (1..=20_000).contains(&numbers[0]).then_some(())?;
    (1..=1_000_000).contains(&numbers[1]).then_some(())?;
    (1..=64).contains(&numbers[2]).then_some(numbers)
}

/// Writes the answer, and the instance where it was generated, in the challenge's format.
fn keep(setting: &Setting, problem: &RebalanceProblem, placement: &[u32]) {
    let Setting { instance, seconds, seed, islands, method, .. } = setting;
    let file = |name: String| {
        BufWriter::new(File::create(Path::new(&setting.solutions).join(name)).expect("a folder to write to"))
    };
    let answer = format!("{instance}_{}_{islands}islands_{seconds}s_seed{seed}.txt", name(*method));
    write_reassignment_placement(&mut file(answer), placement).expect("room for the answer");
    if generated(instance).is_some() {
        let (mut model, mut assignment) =
            (file(format!("model_{instance}.txt")), file(format!("assignment_{instance}.txt")));
        write_reassignment_model(&mut model, problem.parts()).expect("room for the model");
        write_reassignment_placement(&mut assignment, problem.initial()).expect("room for the assignment");
    }
}
