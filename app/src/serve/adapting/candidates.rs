//! Candidates as they are kept and shown: where they come from, how they were learned, what the gate said, how they stand.

use std::fmt::Write as _;
use std::sync::Arc;

use lepton_core::decide::guard::PairedGain;
use lepton_learn::{GenerationRecord, Judgement, Shadow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::recorder::digest_of;
use super::Asked;

/// Unit of what policies reach and gain.
const UNIT: &str = "percent of the devices allocated";

/// How a candidate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CandidateState {
    /// It is learned now.
    Learning,
    /// It has not passed the gate, or its file is damaged.
    Failed,
    /// It has passed the gate and waits for a person.
    Proposed,
    /// It is the learned placement that may serve.
    Serving,
    /// It was, and is not any more.
    Demoted,
}

impl CandidateState {
    /// All of them.
    pub(crate) const ALL: [Self; 5] =
        [Self::Learning, Self::Failed, Self::Proposed, Self::Serving, Self::Demoted];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Learning => "learning",
            Self::Failed => "failed",
            Self::Proposed => "proposed",
            Self::Serving => "serving",
            Self::Demoted => "demoted",
        }
    }
}

/// A generation of its learning. Gains are over the rule, percent of the devices; a loss counts three times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct CurvePoint {
    /// From 1; 0 is the placement that it began with.
    pub(crate) generation: u64,
    /// What its best member gains on sequences that are new in each generation.
    pub(crate) best: Option<f64>,
    /// The mean of its members.
    pub(crate) mean: Option<f64>,
    /// What the middle of the generation gains on sequences kept apart, where that was looked at.
    pub(crate) check: Option<f64>,
}

impl CurvePoint {
    pub(super) fn of(record: &GenerationRecord) -> Self {
        let finite = |value: f64| Some(value).filter(|value| value.is_finite());
        Self {
            generation: record.generation,
            best: finite(record.best),
            mean: finite(record.mean),
            check: record.check.as_ref().and_then(|gains| gains.first()).copied().and_then(finite),
        }
    }
}

/// What the gate said on one kind of sequences: candidate, the placement that served, and the rule in each other's shadow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct VerdictRow {
    /// `sequences`: drawn from the mix and never learned from; `history`: what came lately, in windows.
    pub(crate) on: String,
    /// How many of them.
    pub(crate) pairs: usize,
    /// What the candidate reached, in the mean.
    pub(crate) candidate: Option<f64>,
    /// What the placement reached that served.
    pub(crate) serving: Option<f64>,
    /// What the rule reached.
    pub(crate) rule: Option<f64>,
    /// What the candidate gained over the placement that served, in the mean.
    pub(crate) gain: Option<f64>,
    /// Half width of its 95% interval; none of fewer than two pairs.
    pub(crate) half_width: Option<f64>,
    /// What it gained over the rule.
    pub(crate) gain_over_rule: Option<f64>,
    /// Half width of that.
    pub(crate) half_width_over_rule: Option<f64>,
    /// Unit of all of these.
    pub(crate) unit: String,
    /// First of the seeds of the sequences; none of what came.
    pub(crate) seeds_from: Option<String>,
    /// Whether that is enough.
    pub(crate) passes: bool,
}

impl VerdictRow {
    fn of(on: &str, shadow: &Shadow, seeds_from: Option<u64>) -> Self {
        let finite = |value: f64| Some(value).filter(|value| value.is_finite());
        let mean = |gain: Option<PairedGain>| gain.and_then(|gain| finite(gain.mean));
        let half = |gain: Option<PairedGain>| gain.and_then(|gain| finite(gain.half_width));
        Self {
            on: on.to_owned(),
            pairs: shadow.pairs,
            candidate: shadow.candidate.and_then(finite),
            serving: shadow.serving.and_then(finite),
            rule: shadow.rule.and_then(finite),
            gain: mean(shadow.gain),
            half_width: half(shadow.gain),
            gain_over_rule: mean(shadow.over_rule),
            half_width_over_rule: half(shadow.over_rule),
            unit: UNIT.to_owned(),
            // Beyond what a number of JavaScript holds exactly.
            seeds_from: seeds_from.map(|seed| seed.to_string()),
            passes: shadow.passes,
        }
    }
}

/// What the gate said, row by row.
pub(in crate::serve) fn verdicts_of(judgement: &Judgement) -> Vec<VerdictRow> {
    vec![
        VerdictRow::of("sequences", &judgement.sequences, Some(judgement.seeds_from)),
        VerdictRow::of("history", &judgement.history, None),
    ]
}

/// The same in words.
pub(in crate::serve) fn figures_of(verdicts: &[VerdictRow]) -> String {
    let mut text = String::new();
    for of in verdicts {
        let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
        let between = if text.is_empty() { "" } else { "; " };
        let on = match of.on.as_str() {
            "history" => "windows of what came",
            _ => "sequences kept apart",
        };
        let _ = write!(
            text,
            "{between}on {} {on} it gains {} ± {} over what serves and {} over the rule ({})",
            of.pairs,
            number(of.gain),
            number(of.half_width),
            number(of.gain_over_rule),
            if of.passes { "enough" } else { "not enough" }
        );
    }
    text
}

/// A candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct LearnedRow {
    /// Its name, as c3.
    pub(crate) id: String,
    pub(crate) state: CandidateState,
    /// Why it stands so, in a sentence.
    pub(crate) why: String,
    /// What it was learned from: `shipped`, `configured`, or another candidate.
    pub(crate) parent: String,
    /// Digest of that one's weights.
    pub(crate) parent_digest: String,
    /// Digest of its own weights; none while it is learned, and where nothing was.
    pub(crate) digest: Option<String>,
    /// SHA-256 of its file; none where there is no file.
    pub(crate) sha256: Option<String>,
    /// Version of the mix that it was learned for.
    pub(crate) mix_version: u64,
    /// Nodes of the model of the cluster on which it was tried.
    pub(crate) nodes: usize,
    /// Tasks that had come lately.
    pub(crate) history_tasks: usize,
    /// Generations of its learning.
    pub(crate) generations: u64,
    /// Sequences that were played in it.
    pub(crate) episodes: u64,
    /// Seeds of the sequences that it learned from.
    pub(crate) training_seeds: String,
    /// When learning began, seconds of the cluster's time.
    pub(crate) began_seconds: u64,
    /// When it was done.
    pub(crate) ended_seconds: Option<u64>,
    /// Its learning, generation by generation.
    pub(crate) curve: Vec<CurvePoint>,
    /// What the gate said last.
    pub(crate) verdicts: Vec<VerdictRow>,
}

impl LearnedRow {
    /// One that is learned now.
    pub(super) fn begun(asked: &Asked) -> Self {
        Self {
            id: name_of(asked.number),
            state: CandidateState::Learning,
            why: "It is learned now.".to_owned(),
            parent: asked.parent.id.clone(),
            parent_digest: digest_of(&asked.parent.model.weights()),
            digest: None,
            sha256: None,
            mix_version: asked.mix_version,
            nodes: 0,
            history_tasks: asked.tasks,
            generations: 0,
            episodes: 0,
            training_seeds: String::new(),
            began_seconds: asked.began_seconds,
            ended_seconds: None,
            curve: Vec::new(),
            verdicts: Vec::new(),
        }
    }

    /// Its number.
    pub(super) fn number(&self) -> u64 {
        number_of(&self.id).unwrap_or(0)
    }
}

/// The name of a candidate.
fn name_of(number: u64) -> String {
    format!("c{number}")
}

/// The number in a name.
fn number_of(id: &str) -> Option<u64> {
    id.strip_prefix('c')?.parse().ok()
}

/// What learning has taken since the start of the service.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::serve) struct AdaptingFigures {
    pub(in crate::serve) generations: u64,
    pub(in crate::serve) cpu_seconds: f64,
}

/// Candidates as they are published.
#[derive(Debug, Clone, Default)]
pub(in crate::serve) struct CandidatesView {
    pub(super) adapt: &'static str,
    pub(super) cpu_percent: u32,
    /// The candidate that may serve.
    pub(super) serving: Option<String>,
    pub(super) problem: Option<String>,
    pub(super) learning: Option<LearnedRow>,
    pub(super) rows: Arc<Vec<LearnedRow>>,
    pub(in crate::serve) figures: AdaptingFigures,
}

impl CandidatesView {
    /// How many candidates stand so.
    pub(in crate::serve) fn count(&self, state: CandidateState) -> usize {
        self.all().filter(|row| row.state == state).count()
    }

    fn all(&self) -> impl Iterator<Item = &LearnedRow> {
        self.learning.iter().chain(self.rows.iter())
    }
}

/// Candidates, the newest first.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct CandidatesBody {
    /// Whether any are learned, and what comes of them: `off`, `propose` or `promote`.
    pub(crate) adapt: String,
    /// Share of one core that learning takes at most, percent.
    pub(crate) cpu_percent: u32,
    /// The candidate that may serve; none where it is the placement of the settings.
    pub(crate) serving: Option<String>,
    /// What is wrong with candidates; none where nothing is.
    pub(crate) problem: Option<String>,
    /// CPU time that learning took since the start of the service, seconds.
    pub(crate) cpu_seconds: f64,
    /// Generations since then.
    pub(crate) generations: u64,
    pub(crate) items: Vec<LearnedRow>,
}

impl From<&CandidatesView> for CandidatesBody {
    fn from(view: &CandidatesView) -> Self {
        Self {
            adapt: view.adapt.to_owned(),
            cpu_percent: view.cpu_percent,
            serving: view.serving.clone(),
            problem: view.problem.clone(),
            cpu_seconds: view.figures.cpu_seconds,
            generations: view.figures.generations,
            items: view.all().cloned().collect(),
        }
    }
}
