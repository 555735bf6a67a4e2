//! `lepton policy compare` and `promote` take a model of any kind: what kind it is of stands in its file. `promote c3` and `demote` without a
//! file of the serving model are of a running service and its candidates.

use std::ffi::OsString;
use std::path::Path;

use lepton_core::decide::policy::JOBS_KIND;

use crate::commands::model_files::kind_of;

/// The words of a command line, with the command for the kind of the first model that they name.
pub(crate) fn for_kind_of_model(mut words: Vec<OsString>) -> Vec<OsString> {
    if words.get(1).is_none_or(|word| word != "policy") {
        return words;
    }
    if let Some(of_service) = of_service(&words) {
        words[2] = of_service.into();
        return words;
    }
    let for_jobs = match words.get(2).and_then(|word| word.to_str()) {
        Some("compare") => "compare-jobs",
        Some("promote") => "promote-jobs",
        _ => return words,
    };
    let kind = words[3..].iter().find_map(|word| kind_of(Path::new(word)));
    if kind.is_some_and(|kind| kind == JOBS_KIND) {
        words[2] = for_jobs.into();
    }
    words
}

/// The command for a running service, where the words are of one.
fn of_service(words: &[OsString]) -> Option<&'static str> {
    let says_file = |word: &OsString| word.to_str().is_some_and(|word| word.starts_with("--serving"));
    let given = words.get(3..).unwrap_or_default();
    if given.iter().any(says_file) {
        return None;
    }
    match words.get(2)?.to_str()? {
        "demote" => Some("demote-candidate"),
        "promote" => {
            let is_candidate = |word: &OsString| {
                let number = word.to_str().and_then(|word| word.strip_prefix('c'));
                number.is_some_and(|number| number.parse::<u64>().is_ok()) && !Path::new(word).exists()
            };
            given.iter().any(is_candidate).then_some("promote-candidate")
        }
        _ => None,
    }
}
