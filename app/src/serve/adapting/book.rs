//! The book of candidates: rows in the store, models in files of `state_dir/models`, each known by its digest. A file that was changed is
//! not read.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use lepton_core::decide::policy::PlacementModel;
use lepton_edges::store::Store;
use lepton_learn::{Adapted, Judgement};
use lepton_sim::readers::read_whole;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::super::config::ServeConfig;
use super::super::recorder::digest_of;
use super::candidates::{CandidateState, LearnedRow, verdicts_of};
use super::placement::ServingPlacement;
use super::{Asked, Ended};
use crate::numbers::hex;

/// Name of the fact in the store that tells the candidates.
pub(in crate::serve) const FACT: &str = "placement_candidates";
/// Folder of the models, in that of the store.
const FOLDER: &str = "models";
/// Candidates that are kept; the one that serves is never dropped.
const KEPT_MAX: usize = 20;
/// Longest model file, bytes.
const MODEL_BYTES_MAX: u64 = 1 << 20;

/// As it stands in the store.
#[derive(Debug, Default, Deserialize)]
struct Kept {
    next: u64,
    serving: Option<String>,
    rows: Vec<LearnedRow>,
}

/// The candidates.
#[derive(Debug, Clone)]
pub(in crate::serve) struct Book {
    folder: PathBuf,
    /// Number of the next candidate.
    next: u64,
    /// The candidate that serves.
    serving: Option<String>,
    /// The newest first.
    rows: Arc<Vec<LearnedRow>>,
    /// What is wrong with the candidate that should serve.
    problem: Option<String>,
}

impl Book {
    /// As the store has it.
    ///
    /// # Errors
    /// When that cannot be read.
    pub(super) fn open(store: &Store, config: &ServeConfig) -> anyhow::Result<Self> {
        Self::of(store, Path::new(&config.state_dir).join(FOLDER))
    }

    /// The same of a store that was read before.
    ///
    /// # Errors
    /// The same.
    pub(in crate::serve) fn again(&self, store: &Store) -> anyhow::Result<Self> {
        Self::of(store, self.folder.clone())
    }

    fn of(store: &Store, folder: PathBuf) -> anyhow::Result<Self> {
        let read = store.fact(FACT)?.map(|text| serde_json::from_str::<Kept>(&text)).transpose();
        let (Kept { next, serving, rows }, problem) = match read {
            Ok(kept) => (kept.unwrap_or_default(), None),
            Err(error) => {
                (Kept::default(), Some(format!("the candidates of before cannot be read: {error}")))
            }
        };
        Ok(Self { folder, next: next.max(1), serving, rows: Arc::new(rows), problem })
    }

    /// Number of the next candidate.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// The candidate that serves.
    pub(in crate::serve) fn serving(&self) -> Option<&str> {
        self.serving.as_deref()
    }

    /// What is wrong with the candidate that should serve.
    pub(in crate::serve) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    pub(super) fn rows(&self) -> Arc<Vec<LearnedRow>> {
        Arc::clone(&self.rows)
    }

    /// A candidate by its name.
    pub(in crate::serve) fn row(&self, id: &str) -> Option<&LearnedRow> {
        self.rows.iter().find(|row| row.id == id)
    }

    /// As it is written into the store.
    pub(in crate::serve) fn written(&self) -> String {
        let Self { next, serving, rows, .. } = self;
        json!({"next": next, "serving": serving, "rows": **rows}).to_string()
    }

    /// The file of a candidate.
    pub(in crate::serve) fn path_of(&self, row: &LearnedRow) -> PathBuf {
        self.folder.join(format!("placement-{}.safetensors", row.number()))
    }

    /// Takes in what was learned: what passed the gate gets a file. Its row.
    pub(in crate::serve) fn add(&mut self, asked: &Asked, ended: Ended, now_seconds: u64) -> LearnedRow {
        let mut row = LearnedRow {
            state: CandidateState::Failed,
            nodes: ended.nodes,
            ended_seconds: Some(now_seconds),
            curve: ended.curve,
            ..LearnedRow::begun(asked)
        };
        if let Some(Adapted { model, .. }) = &ended.adapted {
            (row.generations, row.episodes) = (model.manifest.generations, model.manifest.episodes);
            row.training_seeds.clone_from(&model.manifest.training_seeds);
            row.digest = Some(digest_of(&model.weights()));
        }
        let judgement = ended.judged.as_ref().map(|judged| match judged {
            Ok(passed) => passed.judgement(),
            Err(judgement) => judgement,
        });
        row.verdicts = judgement.map(verdicts_of).unwrap_or_default();
        match (&ended.adapted, &ended.judged) {
            (None, _) => "The mix asks for no devices that the cluster has.".clone_into(&mut row.why),
            (_, None) => {
                "No generation was better than what serves on the sequences that it is checked on."
                    .clone_into(&mut row.why);
            }
            (_, Some(Err(_))) => "It has not passed the gate.".clone_into(&mut row.why),
            (Some(Adapted { model, .. }), Some(Ok(passed))) => {
                let model = described(model, asked, passed.judgement(), row.nodes);
                match write(&self.path_of(&row), &model.to_bytes()) {
                    Ok(sha256) => {
                        (row.state, row.sha256) = (CandidateState::Proposed, Some(sha256));
                        "It has passed the gate and waits for a person.".clone_into(&mut row.why);
                    }
                    Err(error) => row.why = format!("It has passed the gate and cannot be kept: {error:#}."),
                }
            }
        }
        self.next = self.next.max(row.number() + 1);
        let rows = Arc::make_mut(&mut self.rows);
        rows.insert(0, row.clone());
        self.prune();
        row
    }

    /// Drops the oldest, with their files.
    fn prune(&mut self) {
        while self.rows.len() > KEPT_MAX {
            let is_free = |row: &LearnedRow| Some(row.id.as_str()) != self.serving.as_deref();
            let Some(at) = self.rows.iter().rposition(is_free) else { return };
            let row = Arc::make_mut(&mut self.rows).remove(at);
            if row.sha256.is_some() {
                // What cannot be removed takes room and is never read.
                let _ = fs::remove_file(self.path_of(&row));
            }
        }
    }

    /// A candidate serves from now on; none for the placement of the settings. The one that served is demoted for this reason.
    pub(in crate::serve) fn serve(&mut self, id: Option<&str>, why: &str) {
        let before = self.serving.clone();
        self.serving = id.map(str::to_owned);
        self.problem = None;
        for row in Arc::make_mut(&mut self.rows) {
            if Some(row.id.as_str()) == id {
                (row.state, row.why) = (CandidateState::Serving, why.to_owned());
            } else if Some(&row.id) == before.as_ref() {
                (row.state, row.why) = (CandidateState::Demoted, why.to_owned());
            }
        }
    }

    /// What the gate has said again.
    pub(in crate::serve) fn judged(&mut self, id: &str, judgement: &Judgement) {
        let rows = Arc::make_mut(&mut self.rows);
        if let Some(row) = rows.iter_mut().find(|row| row.id == id) {
            row.verdicts = verdicts_of(judgement);
        }
    }

    /// The candidate that should serve; where its file is not what was promoted, it has failed and none of them serves.
    pub(in crate::serve) fn promoted(&mut self) -> Option<ServingPlacement> {
        let id = self.serving.clone()?;
        let row = self.row(&id).cloned();
        let read = row.as_ref().map_or_else(
            || Err(format!("there is no candidate {id}")),
            |row| read_model(&self.path_of(row), row.sha256.as_deref()),
        );
        match read {
            Ok(model) => Some(ServingPlacement::named(&id, model)),
            Err(problem) => {
                let problem = format!("candidate {id}, which was promoted, does not serve: {problem}");
                self.serve(None, &problem);
                for row in Arc::make_mut(&mut self.rows).iter_mut().filter(|row| row.id == id) {
                    (row.state, row.sha256) = (CandidateState::Failed, None);
                }
                self.problem = Some(problem);
                None
            }
        }
    }
}

/// Reads the file of a candidate.
///
/// # Errors
/// When it cannot be read, was changed, or is no placement; in words.
pub(in crate::serve) fn read_model(path: &Path, sha256: Option<&str>) -> Result<PlacementModel, String> {
    let Some(sha256) = sha256 else { return Err("it has no file".to_owned()) };
    let bytes = read_whole(path, MODEL_BYTES_MAX).map_err(|error| error.to_string())?;
    let found = hex(&Sha256::digest(&bytes));
    if found != sha256 {
        return Err(format!("{} was changed: its SHA-256 is {found}, expected {sha256}", path.display()));
    }
    PlacementModel::from_bytes(&bytes).map_err(|error| format!("{}: {error}", path.display()))
}

/// The model with where it comes from.
fn described(model: &PlacementModel, asked: &Asked, judgement: &Judgement, nodes: usize) -> PlacementModel {
    let mut model = model.clone();
    let manifest = &mut model.manifest;
    "lepton serve".clone_into(&mut manifest.command);
    manifest.trained_on =
        vec![format!("the cluster's own mix, version {}, {nodes} nodes", asked.mix_version)];
    manifest.parent = Some(digest_of(&asked.parent.model.weights()));
    for of in verdicts_of(judgement) {
        let figures = [("pairs", Some(of.pairs as f64)), ("gain", of.gain), ("half_width", of.half_width)];
        let figures = figures.into_iter().chain([("gain_over_rule", of.gain_over_rule)]);
        manifest
            .figures
            .extend(figures.filter_map(|(name, value)| Some((format!("{name} {}", of.on), value?))));
    }
    manifest.figures.insert("mix_version".to_owned(), asked.mix_version as f64);
    model
}

/// Writes a file whole; its SHA-256.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<String> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let new = path.with_extension("new");
    let written = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        File::open(folder)?.sync_all()
    };
    written().with_context(|| format!("cannot write {}", path.display()))?;
    Ok(hex(&Sha256::digest(bytes)))
}
