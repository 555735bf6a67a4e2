//! The rules of a class in names, as documents and readings tell them.

use serde::{Deserialize, Serialize};

use super::{
    Cluster, GroupId, GroupRule, LabelValue, NearRule, Preference, Rules, Scope, Selector, SpreadRule, Wish,
};

/// Where a task may stand and would rather stand, beside capacity and device model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedRules {
    /// Labels that the node must carry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub selectors: Vec<NamedSelector>,
    /// Cordoned nodes that it may enter all the same: those that carry this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enters_cordoned: Option<NamedSelector>,
    /// Groups of which a task must be there already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affinity: Vec<NamedAffinity>,
    /// Groups of which no task may be there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anti_affinity: Vec<NamedGroupRule>,
    /// Groups that are spread over failure domains.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spread: Vec<NamedSpread>,
    /// What it would rather have of its node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preferences: Vec<NamedPreference>,
}

/// What a task would rather have of its node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedPreference {
    /// What it counts beside other preferences.
    pub weight: u32,
    /// What is wished for.
    pub wish: NamedWish,
}

/// A wish in names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NamedWish {
    /// Labels that the node carries.
    Label(NamedSelector),
    /// Tasks of these groups stand there.
    Near(NamedGroups),
    /// None of them does.
    Apart(NamedGroups),
    /// As few of them as anywhere stand there.
    Spread(NamedGroups),
}

/// Groups, and what counts as together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedGroups {
    /// The groups.
    pub groups: Vec<String>,
    /// The label key whose equal values count as together; the same node without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
}

/// The name of the label key whose equal values count as together; none for the same node.
fn domain_of(scope: Scope, cluster: &Cluster) -> Option<String> {
    match scope {
        Scope::Node => None,
        Scope::Domain(key) => Some(cluster.label_key_name(key).to_owned()),
    }
}

fn scope_of(domain: Option<&str>, cluster: &mut Cluster) -> Scope {
    domain.map_or(Scope::Node, |key| Scope::Domain(cluster.label_key(key)))
}

impl NamedGroups {
    fn of(cluster: &Cluster, groups: &[GroupId], scope: Scope) -> Self {
        let names = groups.iter().map(|&group| cluster.group_name(group).to_owned());
        Self { groups: names.collect(), domain: domain_of(scope, cluster) }
    }

    fn to_ids(&self, cluster: &mut Cluster) -> (Vec<GroupId>, Scope) {
        let groups = self.groups.iter().map(|group| cluster.group(group)).collect();
        (groups, scope_of(self.domain.as_deref(), cluster))
    }
}

impl NamedPreference {
    fn of(preference: &Preference, cluster: &Cluster) -> Self {
        let groups = |groups: &[GroupId], scope| NamedGroups::of(cluster, groups, scope);
        let wish = match &preference.wish {
            Wish::Label(selector) => NamedWish::Label(NamedSelector::of(selector, cluster)),
            Wish::Near { groups: of, scope } => NamedWish::Near(groups(of, *scope)),
            Wish::Apart { groups: of, scope } => NamedWish::Apart(groups(of, *scope)),
            Wish::Spread { groups: of, scope } => NamedWish::Spread(groups(of, *scope)),
        };
        Self { weight: preference.weight, wish }
    }

    fn to_preference(&self, cluster: &mut Cluster) -> Preference {
        let wish = match &self.wish {
            NamedWish::Label(selector) => Wish::Label(selector.to_selector(cluster)),
            NamedWish::Near(named) => {
                let (groups, scope) = named.to_ids(cluster);
                Wish::Near { groups, scope }
            }
            NamedWish::Apart(named) => {
                let (groups, scope) = named.to_ids(cluster);
                Wish::Apart { groups, scope }
            }
            NamedWish::Spread(named) => {
                let (groups, scope) = named.to_ids(cluster);
                Wish::Spread { groups, scope }
            }
        };
        Preference { weight: self.weight, wish }
    }
}

impl NamedSelector {
    fn of(selector: &Selector, cluster: &Cluster) -> Self {
        let value = |&v: &LabelValue| cluster.label_value_name(selector.key, v).to_owned();
        Self {
            key: cluster.label_key_name(selector.key).to_owned(),
            values: selector.values.iter().map(value).collect(),
        }
    }

    fn to_selector(&self, cluster: &mut Cluster) -> Selector {
        let key = cluster.label_key(&self.key);
        let values = self.values.iter().map(|value| cluster.label_value(key, value)).collect();
        Selector { key, values }
    }
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

/// A task of one of these groups must be there already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedAffinity {
    /// The group.
    pub group: String,
    /// Other groups of which a task will do as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub or: Vec<String>,
    /// The label key whose equal values count as together; the same node without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
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
        let near = |rule: &NearRule| {
            let mut names = rule.groups.iter().map(|&group| cluster.group_name(group).to_owned());
            let domain = domain_of(rule.scope, cluster);
            NamedAffinity { group: names.next().unwrap_or_default(), or: names.collect(), domain }
        };
        let apart = |rule: &GroupRule| NamedGroupRule {
            group: cluster.group_name(rule.group).to_owned(),
            domain: domain_of(rule.scope, cluster),
        };
        let spread = |s: &SpreadRule| NamedSpread {
            group: cluster.group_name(s.group).to_owned(),
            key: cluster.label_key_name(s.key).to_owned(),
            skew_max: s.skew_max,
        };
        Self {
            selectors: rules.selectors.iter().map(|s| NamedSelector::of(s, cluster)).collect(),
            enters_cordoned: rules.enters_cordoned.as_ref().map(|s| NamedSelector::of(s, cluster)),
            affinity: rules.affinity.iter().map(near).collect(),
            anti_affinity: rules.anti_affinity.iter().map(apart).collect(),
            spread: rules.spread.iter().map(spread).collect(),
            preferences: rules.preferences.iter().map(|p| NamedPreference::of(p, cluster)).collect(),
        }
    }

    /// The rules in terms of a cluster; what they name is added where it is new.
    pub fn to_rules(&self, cluster: &mut Cluster) -> Rules {
        let mut rules = Rules {
            selectors: self.selectors.iter().map(|selector| selector.to_selector(cluster)).collect(),
            enters_cordoned: self.enters_cordoned.as_ref().map(|selector| selector.to_selector(cluster)),
            preferences: self.preferences.iter().map(|p| p.to_preference(cluster)).collect(),
            ..Rules::default()
        };
        for NamedAffinity { group, or, domain } in &self.affinity {
            let groups = std::iter::once(group).chain(or).map(|group| cluster.group(group)).collect();
            rules.affinity.push(NearRule { groups, scope: scope_of(domain.as_deref(), cluster) });
        }
        for NamedGroupRule { group, domain } in &self.anti_affinity {
            let group = cluster.group(group);
            rules.anti_affinity.push(GroupRule { group, scope: scope_of(domain.as_deref(), cluster) });
        }
        for NamedSpread { group, key, skew_max } in &self.spread {
            let (group, key) = (cluster.group(group), cluster.label_key(key));
            rules.spread.push(SpreadRule { group, key, skew_max: (*skew_max).max(1) });
        }
        rules
    }
}
