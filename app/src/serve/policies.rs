//! Which learned policies serve, and on what evidence: as the guard has written it down.

use lepton_core::decide::guard::PairedGain;
use lepton_core::decide::placement_policies::LEARNED;
use lepton_core::decide::plan::DecideConfig;
use lepton_core::decide::policy::LEARNED_ORDER;
use lepton_core::decide::queue::{QueuePolicy, SmallestAreaFirst};
use lepton_core::model::{Memory, Served, Serving};
use serde::Serialize;
use utoipa::ToSchema;

/// What is decided by a learned policy or by the rule in its place.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct ServingRow {
    /// What is decided: `placement` (on which node) or `order` (who starts first).
    pub(crate) decides: String,
    /// The policy that decides now.
    pub(crate) serves: String,
    /// Whether that is the learned one.
    pub(crate) learned: bool,
    /// The learned policy.
    pub(crate) model: String,
    /// The rule that decides where the learned policy does not.
    pub(crate) rule: String,
    /// Comparisons of the two since the last change, the last 20.
    pub(crate) comparisons: usize,
    /// What the learned policy gained over the rule in them, in the mean; none without any.
    pub(crate) gain: Option<f64>,
    /// Half width of its 95% interval; none of fewer than two.
    pub(crate) half_width: Option<f64>,
    /// Each of them, the newest last.
    pub(crate) gains: Vec<f64>,
    /// Unit of the gains.
    pub(crate) unit: String,
    /// Why it is so, in a sentence.
    pub(crate) note: String,
}

/// The policies of the loop.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct PoliciesBody {
    /// What is decided by a learned policy or its rule.
    pub(crate) items: Vec<ServingRow>,
}

impl PoliciesBody {
    /// As the memory of the loop has it, with the learned placement that may serve.
    pub(super) fn of(memory: &Memory, placement: Option<&str>) -> Self {
        let placing = &memory.placing;
        let note = match (placement.is_some(), placing.mix_version, placing.served.serving) {
            (false, ..) => "The setting `learned_placement` is off.".to_owned(),
            (true, 0, _) => "It is rehearsed once enough tasks have come.".to_owned(),
            (true, version, Serving::Model) => {
                format!(
                    "A rehearsal on this cluster and version {version} of its mix showed it to be better."
                )
            }
            (true, version, Serving::Rule) => {
                format!("Not shown to be better on this cluster and version {version} of its mix.")
            }
        };
        let serving = if placement.is_some() { placing.served.clone() } else { Served::new(Serving::Rule) };
        let placement = row(
            ("placement", placement.unwrap_or(LEARNED), &DecideConfig::default().policy),
            &serving,
            ("percent of the devices allocated", note),
        );
        let note =
            "Where most waiting tasks say how long they will run; elsewhere who came first starts first.";
        let order = row(
            ("order", LEARNED_ORDER, SmallestAreaFirst.name()),
            &memory.order,
            ("percent of the rule's waiting", note.to_owned()),
        );
        Self { items: vec![placement, order] }
    }
}

fn row(
    (decides, model, rule): (&str, &str, &str),
    served: &Served,
    (unit, note): (&str, String),
) -> ServingRow {
    let gains: Vec<f64> = served.gains.iter().copied().collect();
    let gain = PairedGain::of(&gains);
    let learned = served.serving == Serving::Model;
    ServingRow {
        decides: decides.to_owned(),
        serves: if learned { model } else { rule }.to_owned(),
        learned,
        model: model.to_owned(),
        rule: rule.to_owned(),
        comparisons: gains.len(),
        gain: gain.map(|gain| gain.mean),
        half_width: gain.map(|gain| gain.half_width).filter(|half| half.is_finite()),
        gains,
        unit: unit.to_owned(),
        note,
    }
}
