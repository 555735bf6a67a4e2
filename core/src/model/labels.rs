//! The labels of a cluster's nodes: keys, their values, and which node carries which. What no node carries and no class
//! speaks of is freed, and its number used again.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{LabelKey, LabelValue, NodeId};

/// Stands for a node without a value under a key.
const NO_VALUE: u32 = u32::MAX;

/// All keys.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Labels {
    keys: Vec<Key>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Key {
    /// None while the number is free.
    name: Option<String>,
    /// None where the number is free.
    values: Vec<Option<Value>>,
    /// Per node: its value.
    of_node: Vec<u32>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Value {
    name: String,
    /// Nodes that carry it.
    nodes: u32,
}

impl Labels {
    /// The key of that name, added when it is new to a cluster of so many nodes.
    pub(super) fn key(&mut self, name: &str, nodes: usize) -> LabelKey {
        let named = |key: &Key| key.name.as_deref() == Some(name);
        if let Some(known) = self.keys.iter().position(named) {
            return LabelKey::from(known);
        }
        let new = Key { name: Some(name.to_owned()), values: Vec::new(), of_node: vec![NO_VALUE; nodes] };
        LabelKey::from(put(&mut self.keys, new, |key| key.name.is_none()))
    }

    /// The value of that name under a key, added when it is new.
    pub(super) fn value(&mut self, key: LabelKey, name: &str) -> LabelValue {
        let values = &mut self.keys[key.index()].values;
        let named = |value: &Option<Value>| value.as_ref().is_some_and(|value| value.name == name);
        if let Some(known) = values.iter().position(named) {
            return LabelValue::from(known);
        }
        let new = Some(Value { name: name.to_owned(), nodes: 0 });
        LabelValue::from(put(values, new, Option::is_none))
    }

    /// A node more, without labels.
    pub(super) fn add_node(&mut self) {
        self.keys.iter_mut().for_each(|key| key.of_node.push(NO_VALUE));
    }

    /// Takes all labels off a node.
    pub(super) fn clear(&mut self, node: NodeId) {
        for key in &mut self.keys {
            let before = std::mem::replace(&mut key.of_node[node.index()], NO_VALUE);
            if let Some(Some(value)) = key.values.get_mut(before as usize) {
                value.nodes -= 1;
            }
        }
    }

    /// Gives a node a value under a key under which it has none or another.
    pub(super) fn set(&mut self, node: NodeId, key: LabelKey, value: LabelValue) {
        let Key { values, of_node, .. } = &mut self.keys[key.index()];
        let before = std::mem::replace(&mut of_node[node.index()], value.0);
        if let Some(Some(value)) = values.get_mut(before as usize) {
            value.nodes -= 1;
        }
        if let Some(value) = &mut values[value.index()] {
            value.nodes += 1;
        }
    }

    /// The node's value under a key.
    pub(super) fn of(&self, node: NodeId, key: LabelKey) -> Option<LabelValue> {
        match self.keys[key.index()].of_node[node.index()] {
            NO_VALUE => None,
            value => Some(LabelValue(value)),
        }
    }

    /// The labels of a node, as key and value.
    pub(super) fn of_node(&self, node: NodeId) -> impl Iterator<Item = (&str, &str)> {
        self.keys.iter().filter_map(move |key| {
            let value = key.values.get(key.of_node[node.index()] as usize)?.as_ref()?;
            Some((key.name.as_deref()?, value.name.as_str()))
        })
    }

    /// How many numbers of values a key has, those that are free among them.
    pub(super) fn value_count(&self, key: LabelKey) -> usize {
        self.keys[key.index()].values.len()
    }

    /// The values of a key that some node carries.
    pub(super) fn carried(&self, key: LabelKey) -> impl Iterator<Item = LabelValue> {
        let values = self.keys[key.index()].values.iter().enumerate();
        values
            .filter(|(_, value)| value.as_ref().is_some_and(|value| value.nodes > 0))
            .map(|(index, _)| LabelValue::from(index))
    }

    /// A key's name.
    pub(super) fn key_name(&self, key: LabelKey) -> &str {
        self.keys[key.index()].name.as_deref().unwrap_or_default()
    }

    /// A value's name.
    pub(super) fn value_name(&self, key: LabelKey, value: LabelValue) -> &str {
        self.keys[key.index()].values[value.index()].as_ref().map_or("", |value| &value.name)
    }

    /// Frees the values that no node carries, and the keys that have none left, but for those spoken of.
    pub(super) fn free_unused(&mut self, spoken_of: &SpokenOf) {
        for (index, key) in self.keys.iter_mut().enumerate() {
            let id = LabelKey::from(index);
            for (at, value) in key.values.iter_mut().enumerate() {
                let needed = value.as_ref().is_some_and(|value| value.nodes > 0)
                    || spoken_of.values.contains(&(id, LabelValue::from(at)));
                if !needed {
                    *value = None;
                }
            }
            if key.values.iter().all(Option::is_none) && !spoken_of.keys.contains(&id) {
                *key = Key { of_node: std::mem::take(&mut key.of_node), ..Key::default() };
            }
        }
    }

    /// How many numbers of keys and of values there are, those that are free among them.
    #[cfg(test)]
    pub(super) fn kept(&self) -> [usize; 2] {
        [self.keys.len(), self.keys.iter().map(|key| key.values.len()).sum()]
    }
}

/// Puts a thing where there is a free place, or at the end; returns its number.
fn put<T>(into: &mut Vec<T>, thing: T, is_free: impl Fn(&T) -> bool) -> usize {
    match into.iter().position(is_free) {
        Some(free) => {
            into[free] = thing;
            free
        }
        None => {
            into.push(thing);
            into.len() - 1
        }
    }
}

/// Keys and values that classes speak of.
#[derive(Debug, Default)]
pub(super) struct SpokenOf {
    pub(super) keys: BTreeSet<LabelKey>,
    pub(super) values: BTreeSet<(LabelKey, LabelValue)>,
}
