//! The rules of a class in names, as documents and readings tell them.

use serde::{Deserialize, Serialize};

use super::{Cluster, GroupRule, Rules, Scope, Selector, SpreadRule};

/// Hard constraints on where a task may stand, beside capacity and device model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedRules {
    /// Labels that the node must carry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub selectors: Vec<NamedSelector>,
    /// Groups of which a task must be there already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affinity: Vec<NamedGroupRule>,
    /// Groups of which no task may be there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anti_affinity: Vec<NamedGroupRule>,
    /// Groups that are spread over failure domains.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spread: Vec<NamedSpread>,
}

/// The node must carry one of `values` under `key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedSelector {
    /// Label key.
    pub key: String,
    /// Accepted values.
    pub values: Vec<String>,
}

/// A rule about where the tasks of a group stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedGroupRule {
    /// The group.
    pub group: String,
    /// The label key whose equal values count as together; the same node without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
}

/// The fullest domain may hold at most `skew_max` more of the group's tasks than the emptiest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedSpread {
    /// The group.
    pub group: String,
    /// Label key whose values are the domains.
    pub key: String,
    /// Largest accepted difference, at least 1.
    pub skew_max: u32,
}

impl NamedRules {
    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The rules in names.
    pub fn of(rules: &Rules, cluster: &Cluster) -> Self {
        let near = |rule: &GroupRule| NamedGroupRule {
            group: cluster.group_name(rule.group).to_owned(),
            domain: match rule.scope {
                Scope::Node => None,
                Scope::Domain(key) => Some(cluster.label_key_name(key).to_owned()),
            },
        };
        let selector = |s: &Selector| NamedSelector {
            key: cluster.label_key_name(s.key).to_owned(),
            values: s.values.iter().map(|&v| cluster.label_value_name(s.key, v).to_owned()).collect(),
        };
        let spread = |s: &SpreadRule| NamedSpread {
            group: cluster.group_name(s.group).to_owned(),
            key: cluster.label_key_name(s.key).to_owned(),
            skew_max: s.skew_max,
        };
        Self {
            selectors: rules.selectors.iter().map(selector).collect(),
            affinity: rules.affinity.iter().map(near).collect(),
            anti_affinity: rules.anti_affinity.iter().map(near).collect(),
            spread: rules.spread.iter().map(spread).collect(),
        }
    }

    /// The rules in terms of a cluster; what they name is added where it is new.
    pub fn to_rules(&self, cluster: &mut Cluster) -> Rules {
        let mut rules = Rules::default();
        for NamedSelector { key, values } in &self.selectors {
            let key = cluster.label_key(key);
            let values = values.iter().map(|value| cluster.label_value(key, value)).collect();
            rules.selectors.push(Selector { key, values });
        }
        let mut near = |named: &[NamedGroupRule]| {
            let rule = |NamedGroupRule { group, domain }: &NamedGroupRule| GroupRule {
                group: cluster.group(group),
                scope: domain.as_ref().map_or(Scope::Node, |key| Scope::Domain(cluster.label_key(key))),
            };
            named.iter().map(rule).collect::<Vec<_>>()
        };
        rules.affinity = near(&self.affinity);
        rules.anti_affinity = near(&self.anti_affinity);
        for NamedSpread { group, key, skew_max } in &self.spread {
            let (group, key) = (cluster.group(group), cluster.label_key(key));
            rules.spread.push(SpreadRule { group, key, skew_max: (*skew_max).max(1) });
        }
        rules
    }
}
