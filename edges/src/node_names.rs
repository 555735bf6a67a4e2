//! Which node of another source is meant by a name that a log gives.

use std::collections::HashMap;
use std::net::IpAddr;

/// The nodes that the main source has told of.
#[derive(Debug, Default)]
pub(crate) struct NodeNames {
    names: Vec<String>,
    exact: HashMap<String, usize>,
    /// In lower case; none where several are the same.
    lower: HashMap<String, Option<usize>>,
    /// The part before the first dot, in lower case, the same.
    first: HashMap<String, Option<usize>>,
}

impl NodeNames {
    /// Of these.
    pub(crate) fn of(names: &[&str]) -> Self {
        let mut of = Self::default();
        for (at, name) in names.iter().enumerate() {
            let lower = name.to_lowercase();
            if let Some(first) = first_part(&lower) {
                one_only(&mut of.first, first, at);
            }
            one_only(&mut of.lower, &lower, at);
            of.exact.insert((*name).to_owned(), at);
            of.names.push((*name).to_owned());
        }
        of
    }

    /// Whether they are these.
    pub(crate) fn are(&self, names: &[&str]) -> bool {
        self.names.len() == names.len() && self.names.iter().zip(names).all(|(of, name)| of == name)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The node that is meant: that of the name, else the one whose name is the same but for capitals, else the one of which the part before the first
    /// dot is the same where one of both names has no more than that. None where it is not known or could be several.
    pub(crate) fn resolve(&self, said: &str) -> Option<&str> {
        let at = self.exact.get(said).copied().or_else(|| self.resolve_loosely(&said.to_lowercase()))?;
        self.names.get(at).map(String::as_str)
    }

    fn resolve_loosely(&self, lower: &str) -> Option<usize> {
        if let Some(at) = self.lower.get(lower) {
            return *at;
        }
        let at = (*self.first.get(first_part(lower)?)?)?;
        let of_two = [self.names[at].as_str(), lower];
        of_two.iter().any(|name| !name.contains('.')).then_some(at)
    }
}

fn one_only(into: &mut HashMap<String, Option<usize>>, name: &str, at: usize) {
    into.entry(name.to_owned()).and_modify(|of| *of = None).or_insert(Some(at));
}

/// The part before the first dot; addresses have none.
fn first_part(name: &str) -> Option<&str> {
    let first = name.split('.').next().filter(|first| !first.is_empty());
    first.filter(|_| name.parse::<IpAddr>().is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_one_node_or_none() {
        let names = NodeNames::of(&["n1", "N2", "n3.gpu.local", "a.x", "a.y", "10.0.0.1", "b", "B"]);
        for (said, meant) in [
            ("n1", Some("n1")),
            ("N1", Some("n1")),
            ("n1.gpu.local", Some("n1")),
            ("n2", Some("N2")),
            ("n3", Some("n3.gpu.local")),
            ("N3.gpu.local", Some("n3.gpu.local")),
            // A machine of the same name elsewhere.
            ("n3.other.local", None),
            // Two nodes could be meant.
            ("a", None),
            ("a.x", Some("a.x")),
            // Both are there as they are said.
            ("b", Some("b")),
            ("B", Some("B")),
            ("10.0.0.1", Some("10.0.0.1")),
            ("10.0.0.2", None),
            ("10", None),
            ("", None),
            ("nobody", None),
        ] {
            assert_eq!(names.resolve(said), meant, "{said}");
        }
        assert!(names.are(&["n1", "N2", "n3.gpu.local", "a.x", "a.y", "10.0.0.1", "b", "B"]));
        assert!(!names.are(&["n1"]) && !names.is_empty() && NodeNames::default().is_empty());
    }
}
