//! Which folders are taken for the recorded traces, and what is said of others.

use std::path::PathBuf;

use super::find;

/// A temporary folder, removed at the end, with a workspace root `project` in it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lepton-data-{}-{name}", std::process::id()));
        std::fs::create_dir_all(path.join("project")).expect("writable");
        Self(path.canonicalize().expect("just made"))
    }

    fn with(self, folder: &str) -> Self {
        std::fs::create_dir_all(self.0.join(folder)).expect("writable");
        self
    }

    fn find(&self, set: Option<&str>) -> Result<PathBuf, String> {
        find(&self.0.join("project"), set.map(Into::into))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder left in the temporary directory is no reason to fail a test.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_folder_beside_the_checkout_is_taken_when_the_variable_is_unset_or_empty() {
    let folder = Folder::new("beside")
        .with("shared/data/openb")
        .with("shared/data/hpc-swf")
        .with("shared/data/philly-jobs")
        .with("shared/data/machine-reassignment");
    let beside = folder.0.join("shared/data");
    assert_eq!(folder.find(None), Ok(beside.clone()));
    assert_eq!(folder.find(Some("")), Ok(beside));
}

#[test]
fn a_relative_variable_counts_from_the_workspace_root() {
    let folder = Folder::new("relative")
        .with("project/traces/openb")
        .with("project/traces/hpc-swf")
        .with("project/traces/philly-jobs")
        .with("project/traces/machine-reassignment");
    assert_eq!(folder.find(Some("traces")), Ok(folder.0.join("project/traces")));
}

#[test]
fn what_is_missing_is_named() {
    let folder = Folder::new("missing").with("project/traces/openb");
    assert_eq!(folder.find(Some("nowhere")), Err("LEPTON_DATA=nowhere does not exist".to_owned()));
    let lacking = "LEPTON_DATA=traces lacks hpc-swf, philly-jobs, machine-reassignment";
    assert_eq!(folder.find(Some("traces")), Err(lacking.to_owned()));
    assert_eq!(folder.find(None), Err("LEPTON_DATA is not set and ../shared/data does not exist".to_owned()));
}
