//! How a cluster's fields are written where the usual way does not do: what clones share is written as what it is, and maps whose keys
//! are no texts as lists of pairs.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A map that can be written as pairs.
pub(super) trait Pairs: FromIterator<(Self::Key, Self::Value)> {
    type Key;
    type Value;

    /// Its pairs, in an order that does not depend on chance.
    fn pairs(&self) -> Vec<(&Self::Key, &Self::Value)>;
}

impl<K: Ord, V> Pairs for BTreeMap<K, V> {
    type Key = K;
    type Value = V;

    fn pairs(&self) -> Vec<(&K, &V)> {
        self.iter().collect()
    }
}

impl<K: Eq + Hash, V: Ord> Pairs for HashMap<K, V> {
    type Key = K;
    type Value = V;

    fn pairs(&self) -> Vec<(&K, &V)> {
        let mut pairs: Vec<_> = self.iter().collect();
        pairs.sort_by(|one, other| one.1.cmp(other.1));
        pairs
    }
}

/// A map as pairs.
pub(super) mod pairs {
    use super::{Deserialize, Deserializer, Pairs, Serialize, Serializer};

    pub(in crate::model) fn serialize<M, S>(map: &M, serializer: S) -> Result<S::Ok, S::Error>
    where
        M: Pairs<Key: Serialize, Value: Serialize>,
        S: Serializer,
    {
        map.pairs().serialize(serializer)
    }

    pub(in crate::model) fn deserialize<'de, M, D>(deserializer: D) -> Result<M, D::Error>
    where
        M: Pairs<Key: Deserialize<'de>, Value: Deserialize<'de>>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(M::Key, M::Value)>::deserialize(deserializer)?.into_iter().collect())
    }
}

/// The same for a map that clones share.
pub(super) mod shared_pairs {
    use super::{Arc, Deserialize, Deserializer, Pairs, Serialize, Serializer, pairs};

    pub(in crate::model) fn serialize<M, S>(map: &Arc<M>, serializer: S) -> Result<S::Ok, S::Error>
    where
        M: Pairs<Key: Serialize, Value: Serialize>,
        S: Serializer,
    {
        pairs::serialize(&**map, serializer)
    }

    pub(in crate::model) fn deserialize<'de, M, D>(deserializer: D) -> Result<Arc<M>, D::Error>
    where
        M: Pairs<Key: Deserialize<'de>, Value: Deserialize<'de>>,
        D: Deserializer<'de>,
    {
        pairs::deserialize(deserializer).map(Arc::new)
    }
}

/// A value that clones share.
pub(super) mod shared {
    use super::{Arc, Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::model) fn serialize<T, S>(value: &Arc<T>, serializer: S) -> Result<S::Ok, S::Error>
    where
        T: Serialize,
        S: Serializer,
    {
        (**value).serialize(serializer)
    }

    pub(in crate::model) fn deserialize<'de, T, D>(deserializer: D) -> Result<Arc<T>, D::Error>
    where
        T: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        T::deserialize(deserializer).map(Arc::new)
    }
}

/// A list of such values.
pub(super) mod each_shared {
    use super::{Arc, Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::model) fn serialize<T, S>(values: &[Arc<T>], serializer: S) -> Result<S::Ok, S::Error>
    where
        T: Serialize,
        S: Serializer,
    {
        serializer.collect_seq(values.iter().map(|value| &**value))
    }

    pub(in crate::model) fn deserialize<'de, T, D>(deserializer: D) -> Result<Vec<Arc<T>>, D::Error>
    where
        T: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<T>::deserialize(deserializer)?.into_iter().map(Arc::new).collect())
    }
}
