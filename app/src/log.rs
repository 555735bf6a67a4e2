//! What a service says while it runs: lines for people, or JSON documents for programs, on stderr. A turn, a change that somebody made and a
//! request each have their fields. Other commands say what they have to say by `output::note`.
//!
//! No secret is ever a field: neither headers nor bodies of requests are logged, and of settings only names.

use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Form of the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line for people.
    Text,
    /// One JSON document a line.
    Json,
}

/// What is said, and all before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    /// What ends the service.
    Error,
    /// What somebody should look at.
    Warn,
    /// What was changed: plans, settings, steps.
    Info,
    /// Every turn and every request.
    Debug,
    /// Nothing more yet.
    Trace,
}

impl LogFormat {
    pub(crate) const NAMES: &[&str] = &["text", "json"];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

impl LogLevel {
    pub(crate) const NAMES: &[&str] = &["error", "warn", "info", "debug", "trace"];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    fn filter(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }
}

/// The value of that name.
pub(crate) fn named<T: ValueEnum>(name: &str, names: &[&str]) -> Result<T, String> {
    T::from_str(name, false).map_err(|_| format!("expected one of {}", names.join(", ")))
}

/// Whether everything that is said is a JSON document.
static JSON: AtomicBool = AtomicBool::new(false);

/// Whether what is said to people is to go through [`note`].
pub(crate) fn is_json() -> bool {
    JSON.load(Ordering::Relaxed)
}

/// What is said to people, as a document.
pub(crate) fn note(text: &str) {
    if text.starts_with("error:") { tracing::error!("{text}") } else { tracing::info!("{text}") }
}

/// From now on everything is logged in this form. What libraries say is of interest only where they warn: beyond that they may tell
/// what they were told.
pub(crate) fn start(format: LogFormat, level: LogLevel) {
    let own = [env!("CARGO_CRATE_NAME"), "lepton_edges"];
    let targets = Targets::new()
        .with_targets(own.map(|target| (target, level.filter())))
        .with_default(level.filter().min(LevelFilter::WARN));
    // Where even stderr cannot be written (a full disk), there is nobody to tell.
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).log_internal_errors(false);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(false).with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    JSON.store(format == LogFormat::Json, Ordering::Relaxed);
    // A second service in one process, as tests have them, goes on with the first one's.
    let _ = tracing_subscriber::registry().with(lines.with_filter(targets)).try_init();
}
