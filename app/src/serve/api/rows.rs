//! Decisions and plans as the API shows them, each with a sentence for people.

use std::collections::BTreeMap;

use lepton_core::model::{
    Action, Candidate, DecisionRecord, Obstacle, PartKey, PlanPart, Reason, StepResult, counted,
};
use lepton_edges::store::{PlanLine, PlanRow};
use serde::Serialize;
use utoipa::ToSchema;

/// A node that was considered.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct CandidateRow {
    /// The node.
    pub(crate) node: String,
    /// The policy's score, higher is better.
    pub(crate) score: f32,
    /// What the score is made of; the terms add up to it. Nothing where it has one term alone.
    pub(crate) terms: Vec<TermRow>,
    /// Expected use of the node's busiest resource with the task on it, as a share of its capacity.
    pub(crate) expected_use: f64,
    /// Whether it stays below the safety level.
    pub(crate) safe: bool,
}

impl CandidateRow {
    pub(crate) fn of(candidate: &Candidate) -> Self {
        let terms = candidate.terms.iter();
        Self {
            node: candidate.node.clone(),
            score: candidate.score,
            terms: terms.map(|&(term, value)| TermRow { code: term.code().to_owned(), value }).collect(),
            expected_use: candidate.expected_use,
            safe: candidate.safe,
        }
    }
}

/// A term of a score.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TermRow {
    /// `policy`, `use`, `whole_node` or `lacking_cpu`.
    pub(crate) code: String,
    /// What it adds to the score, in shares of the node's use.
    pub(crate) value: f64,
}

/// A rule that ruled nodes out.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RuledOut {
    /// The rule.
    pub(crate) rule: String,
    /// How many nodes.
    pub(crate) nodes: usize,
    /// The first of them by name, at most 24; none in decisions that are older than these names.
    pub(crate) named: Vec<String>,
}

/// A decision with its reasons.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DecisionRow {
    /// Its name: the turn and its number in it.
    pub(crate) id: String,
    /// What was decided and why, in one sentence.
    pub(crate) sentence: String,
    /// The dominant reason, a stable code.
    pub(crate) code: String,
    /// The plan it belongs to.
    pub(crate) plan: Option<String>,
    /// When, seconds.
    pub(crate) time_seconds: u64,
    /// place, migrate, preempt, cordon, uncordon or wait.
    pub(crate) action: String,
    /// The task.
    pub(crate) task: Option<String>,
    /// Where it came from.
    pub(crate) from: Option<String>,
    /// Where it goes, or the node concerned.
    pub(crate) to: Option<String>,
    /// The policy that chose the node.
    pub(crate) policy: String,
    /// The best candidates, the chosen one among them.
    pub(crate) candidates: Vec<CandidateRow>,
    /// How many nodes each rule ruled out.
    pub(crate) ruled_out: Vec<RuledOut>,
    /// Expected gain, device-minutes.
    pub(crate) gain_device_minutes: f64,
    /// Expected cost, device-minutes.
    pub(crate) cost_device_minutes: f64,
    /// done, underway, refused, undone or not_tried; none while it was only proposed.
    pub(crate) result: Option<String>,
    /// Why it was refused or undone.
    pub(crate) result_why: Option<String>,
    /// Digest of what was decided upon.
    pub(crate) input_digest: String,
}

impl DecisionRow {
    pub(crate) fn of(record: &DecisionRecord) -> Self {
        let code = match (record.reason, record.waits_for) {
            (Some(reason), _) => reason.code(),
            (None, Some(obstacle)) => obstacle.code(),
            (None, None) => "Undecided",
        };
        let (result, result_why) = match &record.result {
            None => (None, None),
            Some(StepResult::Done) => (Some("done"), None),
            Some(StepResult::Underway) => (Some("underway"), None),
            Some(StepResult::NotTried) => (Some("not_tried"), None),
            Some(StepResult::Refused(why)) => (Some("refused"), Some(why.clone())),
            Some(StepResult::Undone(why)) => (Some("undone"), Some(why.clone())),
        };
        Self {
            id: format!("d{}-{}", record.turn, record.number),
            sentence: sentence(record, result, result_why.as_deref()),
            code: code.to_owned(),
            plan: record.step.map(|key| format!("p{}", key.part.turn)),
            time_seconds: record.time_seconds,
            action: record.action.name().to_owned(),
            task: record.task.clone(),
            from: record.from.clone(),
            to: record.to.clone(),
            policy: record.policy.clone(),
            candidates: record.candidates.iter().map(CandidateRow::of).collect(),
            ruled_out: ruled_out(record),
            gain_device_minutes: record.gain,
            cost_device_minutes: record.cost,
            result: result.map(str::to_owned),
            result_why,
            input_digest: format!("{:016x}", record.input_digest),
        }
    }
}

fn ruled_out(record: &DecisionRecord) -> Vec<RuledOut> {
    let named = |rule: Obstacle| {
        let of_rule = record.ruled_out_nodes.iter().find(|(of, _)| *of == rule);
        of_rule.map_or_else(Vec::new, |(_, named)| named.clone())
    };
    let rows = record.ruled_out.iter();
    rows.map(|&(rule, nodes)| RuledOut { rule: rule.code().to_owned(), nodes, named: named(rule) }).collect()
}

fn sentence(record: &DecisionRecord, result: Option<&str>, why: Option<&str>) -> String {
    let task = record.task.as_deref().unwrap_or("-");
    let (from, to) = (record.from.as_deref().unwrap_or("-"), record.to.as_deref().unwrap_or("-"));
    let what = match record.action.name() {
        "place" => format!("{task} goes to {to}"),
        "migrate" => format!("{task} moves from {from} to {to}"),
        "preempt" => format!("{task} leaves {from}"),
        "cordon" => format!("{to} takes no new tasks"),
        "uncordon" => format!("{to} takes tasks again"),
        _ => format!("{task} waits on"),
    };
    let because = match (record.reason, record.waits_for) {
        (Some(reason), _) => reason_in_words(reason).to_owned(),
        (None, Some(obstacle)) => {
            let nodes: usize = record.ruled_out.iter().map(|(_, nodes)| nodes).sum();
            format!(
                "{obstacle}, on most of the {} ruled out",
                counted(nodes, "node that is", "nodes that are")
            )
        }
        (None, None) => "nothing was decided".to_owned(),
    };
    let outcome = match (result, why) {
        (None, _) => String::new(),
        (Some(result), None) => format!(" ({result})"),
        (Some(result), Some(why)) => format!(" ({result}: {why})"),
    };
    format!("{what}: {because}{outcome}")
}

fn reason_in_words(reason: Reason) -> &'static str {
    match reason {
        Reason::PendingTaskFits => "it waited and fits there",
        Reason::NodeOverloaded => "the node is above the safety level of load",
        Reason::NodeFailing => "the node is failing or expected to",
        Reason::StrandedCapacity => "the move frees capacity that was stranded",
        Reason::NodeCalm => "the signs of a coming fault are gone",
        Reason::HigherPriority => "a more important task needs the room",
        Reason::CheaperPlacement => "the placement gets cheaper",
    }
}

/// One step of a plan, in fields.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct StepRow {
    /// place, migrate, preempt, cordon or uncordon.
    pub(crate) action: String,
    /// The task.
    pub(crate) task: Option<String>,
    /// Where it stands.
    pub(crate) from: Option<String>,
    /// Where it goes, or the node concerned.
    pub(crate) to: Option<String>,
}

/// Steps that belong together.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PartRow {
    /// Its name for good.
    pub(crate) key: String,
    /// Its steps in words.
    pub(crate) steps: Vec<String>,
    /// The same in fields, in the same order.
    pub(crate) actions: Vec<StepRow>,
    /// Parts that must be done first.
    pub(crate) after: Vec<String>,
    /// Why.
    pub(crate) reason: String,
    /// Expected gain, device-minutes.
    pub(crate) gain_device_minutes: f64,
    /// Expected cost, device-minutes.
    pub(crate) cost_device_minutes: f64,
}

/// A plan in a list: what it comes to, without its parts.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PlanLineRow {
    /// Its name: the turn that made it.
    pub(crate) id: String,
    /// proposed, approved, rejected, snoozed, superseded or carried_out.
    pub(crate) state: String,
    /// When it was made, seconds.
    pub(crate) time_seconds: u64,
    /// Digest of what it does: what `If-Match` must name.
    pub(crate) effects: String,
    /// How many parts it has.
    pub(crate) parts: usize,
    /// How many steps of each action: place, migrate, preempt, cordon, uncordon.
    pub(crate) actions: BTreeMap<String, usize>,
    /// How many steps for each reason.
    pub(crate) reasons: BTreeMap<String, usize>,
    /// What its parts are expected to gain together, device-minutes.
    pub(crate) gain_device_minutes: f64,
    /// What carrying them out costs.
    pub(crate) cost_device_minutes: f64,
    /// How many tasks wait on.
    pub(crate) waiting: usize,
    /// Who approved or rejected it.
    pub(crate) decided_by: Option<String>,
    /// Why.
    pub(crate) why: Option<String>,
    /// The plan that took its place.
    pub(crate) successor: Option<String>,
}

impl PlanLineRow {
    pub(crate) fn of(line: PlanLine) -> Self {
        Self {
            id: format!("p{}", line.turn),
            state: line.state.name().to_owned(),
            time_seconds: line.time_seconds,
            effects: line.effects,
            parts: line.summary.parts,
            actions: line.summary.actions,
            reasons: line.summary.reasons,
            gain_device_minutes: line.summary.gain,
            cost_device_minutes: line.summary.cost,
            waiting: line.summary.waiting,
            decided_by: line.decided_by,
            why: line.why,
            successor: line.successor.map(|turn| format!("p{turn}")),
        }
    }
}

/// A plan.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PlanBody {
    /// Its name: the turn that made it.
    pub(crate) id: String,
    /// proposed, approved, rejected, snoozed, superseded or carried_out.
    pub(crate) state: String,
    /// When it was made, seconds.
    pub(crate) time_seconds: u64,
    /// Digest of what it does: what `If-Match` must name.
    pub(crate) effects: String,
    /// Its parts in order.
    pub(crate) parts: Vec<PartRow>,
    /// How many tasks wait on.
    pub(crate) waiting: usize,
    /// Who approved or rejected it.
    pub(crate) decided_by: Option<String>,
    /// Why.
    pub(crate) why: Option<String>,
    /// The plan that took its place.
    pub(crate) successor: Option<String>,
}

impl PlanBody {
    pub(crate) fn of(row: PlanRow) -> Self {
        let mut actions = BTreeMap::<PartKey, Vec<&Action>>::new();
        for step in &row.document.steps {
            actions.entry(step.part).or_default().push(&step.action);
        }
        let own = |part: &PlanPart| actions.get(&part.key).map_or(&[][..], Vec::as_slice).iter().copied();
        let part = |part: &PlanPart| PartRow {
            key: part.key.to_string(),
            steps: own(part).map(step).collect(),
            actions: own(part).map(step_row).collect(),
            after: part.after.iter().map(ToString::to_string).collect(),
            reason: part.reason.code().to_owned(),
            gain_device_minutes: part.gain,
            cost_device_minutes: part.cost,
        };
        Self {
            id: format!("p{}", row.turn),
            state: row.state.name().to_owned(),
            time_seconds: row.document.time_seconds,
            effects: row.effects,
            parts: row.document.parts.iter().map(part).collect(),
            waiting: row.document.waiting.len(),
            decided_by: row.decided_by,
            why: row.why,
            successor: row.successor.map(|turn| format!("p{turn}")),
        }
    }
}

fn step_row(action: &Action) -> StepRow {
    let node = match action {
        Action::Cordon { node } | Action::Uncordon { node } => Some(node.to_string()),
        Action::Place { .. } | Action::Migrate { .. } | Action::Preempt { .. } => None,
    };
    StepRow {
        action: action.kind().name().to_owned(),
        task: action.task().map(ToString::to_string),
        from: action.from().map(|spot| spot.node.to_string()),
        to: action.to().map(|spot| spot.node.to_string()).or(node),
    }
}

/// A step in words.
pub(crate) fn step(action: &Action) -> String {
    match action {
        Action::Place { task, to } => format!("place {task} on {to}"),
        Action::Migrate { task, from, to } => format!("migrate {task} from {from} to {to}"),
        Action::Preempt { task, from } => format!("preempt {task} on {from}"),
        Action::Cordon { node } => format!("cordon {node}"),
        Action::Uncordon { node } => format!("uncordon {node}"),
    }
}
