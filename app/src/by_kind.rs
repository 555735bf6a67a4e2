//! `lepton policy compare` and `promote` take a model of any kind: what kind it is of stands in its file.

use std::ffi::OsString;
use std::path::Path;

use lepton_core::decide::policy::JOBS_KIND;

use crate::commands::model_files::kind_of;

/// The words of a command line, with the command for the kind of the first model that they name.
pub(crate) fn for_kind_of_model(mut words: Vec<OsString>) -> Vec<OsString> {
    if words.get(1).is_none_or(|word| word != "policy") {
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
