//! What a person has put off: until its time is over, plans are proposed without it. A snooze knows what is done to which task or node,
//! not where that leads, so a part that comes back with another target stays put off.

use std::collections::BTreeSet;

use lepton_core::model::{Action, ActionKind, Part, PartKey, Plan};
use lepton_edges::store::{Store, StoreError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::api::rows::step;

/// The fact of the store that has them.
const SNOOZES: &str = "snoozes";
/// Most that are kept.
const SNOOZES_MAX: usize = 1000;
/// Longest time for which something is put off, minutes: a week.
pub(super) const MINUTES_MAX: u64 = 7 * 24 * 60;

/// Something that is put off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Snooze {
    /// Its name, as s1.
    pub(crate) id: String,
    /// The plan that it was of.
    pub(crate) plan: String,
    /// Its steps in words, as they were then.
    pub(crate) steps: Vec<String>,
    /// Since when, seconds of the cluster's time.
    pub(crate) since_seconds: u64,
    /// Until when, seconds of the cluster's time.
    pub(crate) until_seconds: u64,
    /// Who put it off.
    pub(crate) actor: String,
    /// Why.
    pub(crate) why: String,
    /// What is not to be done, and to which task or node.
    pub(crate) subjects: BTreeSet<String>,
}

/// All of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Snoozes {
    /// How many there ever were.
    count: u64,
    items: Vec<Snooze>,
}

impl Snoozes {
    /// As the store has them; what another version kept in another form is forgotten.
    pub(super) fn open(store: &Store) -> Result<Self, StoreError> {
        Ok(store.fact(SNOOZES)?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    /// Those that hold.
    pub(super) fn holding(&self, now_seconds: u64) -> Vec<Snooze> {
        self.items.iter().filter(|snooze| snooze.until_seconds > now_seconds).cloned().collect()
    }

    /// The same with one more; what is over is forgotten. None where there are too many.
    pub(super) fn with(&self, snooze: Snooze) -> Option<Self> {
        let mut items = self.holding(snooze.since_seconds);
        let count = self.count + 1;
        let id = format!("s{count}");
        items.push(Snooze { id, ..snooze });
        (items.len() <= SNOOZES_MAX).then_some(Self { count, items })
    }

    /// The same without this one; none where it is not there or over.
    pub(super) fn without(&self, id: &str, now_seconds: u64) -> Option<Self> {
        let holding = self.holding(now_seconds);
        let items: Vec<Snooze> = holding.iter().filter(|snooze| snooze.id != id).cloned().collect();
        (items.len() < holding.len()).then_some(Self { count: self.count, items })
    }

    /// Keeps them.
    pub(super) fn keep(&self, store: &mut Store) -> anyhow::Result<()> {
        Ok(store.set_fact(SNOOZES, &serde_json::to_string(self)?)?)
    }

    /// The plan without what is put off and without what needs it.
    pub(super) fn leave(&self, plan: Plan, now_seconds: u64) -> Plan {
        let mut holding = self.items.iter().filter(|snooze| snooze.until_seconds > now_seconds).peekable();
        if holding.peek().is_none() {
            return plan;
        }
        let put_off: BTreeSet<&String> = holding.flat_map(|snooze| &snooze.subjects).collect();
        let is_put_off = |part: &&Part| subjects(part).iter().any(|subject| put_off.contains(subject));
        let gone: Vec<PartKey> = plan.parts.iter().filter(is_put_off).map(|part| part.key).collect();
        rest(plan, &gone)
    }
}

/// A plan without these parts and without those that need them.
pub(super) fn rest(mut plan: Plan, gone: &[PartKey]) -> Plan {
    let mut gone: BTreeSet<PartKey> = gone.iter().copied().collect();
    loop {
        let count = plan.parts.len();
        plan.parts.retain(|part| {
            let goes = gone.contains(&part.key) || part.after.iter().any(|before| gone.contains(before));
            if goes {
                gone.insert(part.key);
            }
            !goes
        });
        if plan.parts.len() == count {
            return plan;
        }
    }
}

/// What a part does to which task or node: what it disturbs, or, where it disturbs nothing, all of it.
fn subjects(part: &Part) -> BTreeSet<String> {
    let disturbs = |action: &&Action| {
        matches!(action.kind(), ActionKind::Migrate | ActionKind::Preempt | ActionKind::Cordon)
    };
    let disturbing: BTreeSet<String> = part.steps.iter().filter(disturbs).map(subject).collect();
    if disturbing.is_empty() { part.steps.iter().map(subject).collect() } else { disturbing }
}

fn subject(action: &Action) -> String {
    let of = match action {
        Action::Cordon { node } | Action::Uncordon { node } => node.to_string(),
        Action::Place { task, .. } | Action::Migrate { task, .. } | Action::Preempt { task, .. } => {
            task.to_string()
        }
    };
    format!("{} {of}", action.kind().name())
}

/// These parts of a plan as something that is put off; it is named once it is kept.
pub(super) fn snooze_of(
    parts: &[&Part],
    plan: String,
    (since, until): (u64, u64),
    by: (String, String),
) -> Snooze {
    let (actor, why) = by;
    Snooze {
        id: String::new(),
        plan,
        steps: parts.iter().flat_map(|part| &part.steps).map(step).collect(),
        since_seconds: since,
        until_seconds: until,
        actor,
        why,
        subjects: parts.iter().flat_map(|part| subjects(part)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use lepton_core::model::{Binding, DeviceSet, Reason, Spot, Worth};

    use super::*;

    fn spot(node: &str) -> Spot {
        Spot { node: node.into(), devices: DeviceSet::NONE }
    }

    fn moves(task: &str, to: &str) -> Action {
        Action::Migrate { task: task.into(), from: spot("n1"), to: spot(to) }
    }

    fn plan(parts: &[Vec<Action>]) -> Plan {
        let worth = Worth { reason: Reason::NodeOverloaded, gain: 1.0, cost: 0.5 };
        let mut plan = Plan::default();
        parts.iter().for_each(|steps| {
            plan.push(4, steps.clone(), worth, Binding::InOrder);
        });
        plan
    }

    fn put_off(part: &Part, until: u64) -> Snoozes {
        let by = ("ann".to_owned(), String::new());
        let snooze = snooze_of(&[part], "p4".to_owned(), (0, until), by);
        Snoozes::default().with(snooze).expect("there is room")
    }

    fn firsts(plan: &Plan) -> Vec<String> {
        plan.parts.iter().map(|part| step(&part.steps[0])).collect()
    }

    #[test]
    fn what_is_put_off_stays_so_wherever_it_would_lead_until_its_time_is_over() {
        let place = |task: &str| Action::Place { task: task.into(), to: spot("n1") };
        let before = plan(&[vec![moves("t1", "n2"), place("t2")], vec![moves("t3", "n2")]]);
        let snoozes = put_off(&before.parts[0], 3600);
        let later = plan(&[vec![moves("t1", "n9"), place("t8")], vec![place("t2")], vec![moves("t3", "n4")]]);
        let left = snoozes.leave(later.clone(), 3599);
        assert_eq!(firsts(&left), ["place t2 on n1", "migrate t3 from n1 to n4"], "t2 may start without it");
        assert_eq!(snoozes.leave(later.clone(), 3600), later);
        assert_eq!((snoozes.holding(3599).len(), snoozes.holding(3600).len()), (1, 0));
    }

    #[test]
    fn with_what_is_put_off_goes_what_needs_it() {
        let mut before = plan(&[vec![moves("t1", "n2")], vec![moves("t2", "n3")], vec![moves("t3", "n3")]]);
        before.parts[1].after = vec![before.parts[0].key];
        let left = put_off(&before.parts[0], 60).leave(before, 0);
        assert_eq!(firsts(&left), ["migrate t3 from n1 to n3"]);
    }

    #[test]
    fn a_snooze_is_ended_by_its_name_and_names_are_not_given_twice() {
        let one = put_off(&plan(&[vec![moves("t1", "n2")]]).parts[0], 60);
        assert!(one.without("s2", 0).is_none() && one.without("s1", 60).is_none());
        let none = one.without("s1", 0).expect("it is there");
        let again = none.with(one.items[0].clone()).expect("there is room");
        assert_eq!(again.items[0].id, "s2");
    }
}
