//! Whether the service lives, is ready, and how it fares.

use std::fmt::Write as _;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use super::super::adapting::{CandidateState, CandidatesView};
use super::super::load::LoadBody;
use super::super::view::{BOUNDS_SECONDS, RemoteRow, SourceRow, Status, Times};
use super::Shared;
use super::problem::Problem;

/// The process answers.
#[utoipa::path(get, path = "/livez", responses((status = 200, body = String)))]
pub(super) async fn livez() -> &'static str {
    "ok\n"
}

/// The loop turns and nothing is wrong with it.
#[utoipa::path(get, path = "/readyz", responses((status = 200, body = String), (status = 503, body = Problem)))]
pub(super) async fn readyz(State(shared): State<Shared>) -> Result<&'static str, Problem> {
    let view = shared.published.view();
    if view.status.state == "ok" {
        return Ok("ok\n");
    }
    // Whoever asks may have no token, and problems name nodes and files.
    let detail = if shared.door.tokens.is_some() {
        "not ready; `lepton status` says why".to_owned()
    } else {
        format!("{}: {}", view.status.state, view.status.problems.join("; "))
    };
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", detail))
}

/// How the service stands.
#[utoipa::path(get, path = "/api/v1/status", responses((status = 200, body = Status)))]
pub(super) async fn status(State(shared): State<Shared>) -> Json<Status> {
    Json(shared.published.view().status.clone())
}

/// How load stands, stood over the last week, and is expected to stand.
#[utoipa::path(get, path = "/api/v1/load", responses((status = 200, body = LoadBody)))]
pub(super) async fn load(State(shared): State<Shared>) -> Json<LoadBody> {
    Json(LoadBody::clone(&shared.published.view().load))
}

/// Measures in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", responses((status = 200, body = String)))]
pub(super) async fn metrics(State(shared): State<Shared>) -> impl IntoResponse {
    let view = shared.published.view();
    let (status, health) = (&view.status, &view.health);
    let mut text = String::new();
    let mut one = |name: &str, kind: &str, help: &str, value: f64| {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    };
    one("lepton_turns_total", "counter", "Turns of the loop.", health.turns as f64);
    one("lepton_turn_panics_total", "counter", "Turns that panicked.", health.panics as f64);
    one("lepton_decisions_total", "counter", "Decisions made.", health.decisions as f64);
    one("lepton_steps_done_total", "counter", "Steps carried out.", health.steps_done as f64);
    one("lepton_steps_refused_total", "counter", "Steps refused or undone.", health.steps_refused as f64);
    one("lepton_degraded", "gauge", "1 while something is wrong.", f64::from(status.state != "ok"));
    one("lepton_nodes", "gauge", "Nodes.", status.nodes as f64);
    one("lepton_hot_nodes", "gauge", "Nodes above the safety level.", status.hot_nodes as f64);
    one("lepton_failing_nodes", "gauge", "Nodes likely to fail.", status.failing_nodes as f64);
    one("lepton_tasks_running", "gauge", "Tasks on a node.", status.running as f64);
    one("lepton_tasks_waiting", "gauge", "Tasks that wait.", status.waiting as f64);
    one("lepton_devices_held_ratio", "gauge", "Share of the device capacity held.", status.devices_held);
    one("lepton_viewers", "gauge", "Open streams.", shared.published.stream.viewers() as f64);
    one("lepton_cluster_time_seconds", "gauge", "The cluster's time.", status.time_seconds as f64);
    let writable = f64::from(status.store.problem.is_none());
    one("lepton_store_writable", "gauge", "1 while the store can be written.", writable);
    one(
        "lepton_store_rows_dropped_total",
        "counter",
        "Rows of history dropped while the store could not be written.",
        health.rows_dropped as f64,
    );
    let starts = status.starts;
    one(
        "lepton_starts_judged_total",
        "counter",
        "Tasks that started, or are later than was told.",
        starts.judged as f64,
    );
    one(
        "lepton_starts_within_total",
        "counter",
        "Of them those that started within the time told, which nine of ten should.",
        starts.within as f64,
    );
    if let Some((lost, bytes)) = health.recorded {
        one(
            "lepton_recording_lines_lost_total",
            "counter",
            "Lines of the recording that were lost.",
            lost as f64,
        );
        one("lepton_recording_bytes", "gauge", "Size of the recording.", bytes as f64);
    }
    if let Some((taken, failures)) = health.traces {
        let help = "Messages of traces that the collector took.";
        one("lepton_traces_taken_total", "counter", help, taken as f64);
        let help = "Messages of traces that it did not take.";
        one("lepton_traces_failures_total", "counter", help, failures as f64);
    }
    if let Some(series) = &health.series {
        let lost = "Samples of all nodes that were lost.";
        one("lepton_history_samples_lost_total", "counter", lost, series.lost as f64);
        one("lepton_history_bytes", "gauge", "Size of the history of the nodes.", series.bytes as f64);
        one("lepton_history_rows_total", "counter", "Rows of it that were kept.", series.rows as f64);
        let writable = f64::from(series.problem.is_none());
        one("lepton_history_writable", "gauge", "1 while it can be written.", writable);
    }
    candidates(&mut text, &view.candidates);
    text.push_str("# HELP lepton_stage_seconds_total Time spent in each stage of turns.\n# TYPE lepton_stage_seconds_total counter\n");
    for ((stage, _), sum) in status.stages.by_name().into_iter().zip(health.stage_seconds_sum) {
        let _ = writeln!(text, "lepton_stage_seconds_total{{stage=\"{stage}\"}} {sum}");
    }
    text.push_str("# HELP lepton_stage_last_seconds Time of each stage in the last turn.\n# TYPE lepton_stage_last_seconds gauge\n");
    for (stage, last) in status.stages.by_name() {
        let _ = writeln!(text, "lepton_stage_last_seconds{{stage=\"{stage}\"}} {last}");
    }
    sources(&mut text, &status.sources);
    elsewhere(&mut text, "remote_store", "database elsewhere", status.store.remote.as_ref());
    elsewhere(&mut text, "kafka_sink", "Kafka", status.store.kafka.as_ref());
    times(&mut text, "turn_duration", "Time of a turn.", &health.turn_times);
    let help = "Time of a turn for what waits.";
    times(&mut text, "waiting_turn_duration", help, &health.waiting_turn_times);
    let help = "From the coming of a task, or of room for one, to what was decided of it on the disk.";
    times(&mut text, "decision_latency", help, &health.decision_times);
    let _ = writeln!(
        text,
        "# HELP lepton_build_info The build.\n# TYPE lepton_build_info gauge\nlepton_build_info{{version=\"{version}\"}} 1\n\
         # HELP lepton_mode_info The mode.\n# TYPE lepton_mode_info gauge\nlepton_mode_info{{mode=\"{mode}\"}} 1",
        version = status.version,
        mode = status.mode,
    );
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

/// A histogram of times.
fn times(text: &mut String, name: &str, help: &str, of: &Times) {
    let _ = writeln!(text, "# HELP lepton_{name}_seconds {help}\n# TYPE lepton_{name}_seconds histogram");
    for (bound, within) in BOUNDS_SECONDS.iter().zip(of.within) {
        let _ = writeln!(text, "lepton_{name}_seconds_bucket{{le=\"{bound}\"}} {within}");
    }
    let Times { count, seconds_sum, .. } = of;
    let _ = writeln!(
        text,
        "lepton_{name}_seconds_bucket{{le=\"+Inf\"}} {count}\nlepton_{name}_seconds_sum {seconds_sum}\n\
         lepton_{name}_seconds_count {count}"
    );
}

/// What is learned beside the loop.
fn candidates(text: &mut String, of: &CandidatesView) {
    text.push_str("# HELP lepton_adapt_candidates Learned placements that are kept, by how they stand.\n# TYPE lepton_adapt_candidates gauge\n");
    for state in CandidateState::ALL {
        let _ = writeln!(text, "lepton_adapt_candidates{{state=\"{}\"}} {}", state.name(), of.count(state));
    }
    let _ = writeln!(
        text,
        "# HELP lepton_adapt_generations_total Generations of learning in service.\n# TYPE lepton_adapt_generations_total \
         counter\nlepton_adapt_generations_total {}\n# HELP lepton_adapt_cpu_seconds_total CPU time of learning in service.\n\
         # TYPE lepton_adapt_cpu_seconds_total counter\nlepton_adapt_cpu_seconds_total {}",
        of.figures.generations, of.figures.cpu_seconds
    );
}

/// How somebody elsewhere is told, where there is one.
fn elsewhere(text: &mut String, part: &str, who: &str, remote: Option<&RemoteRow>) {
    let Some(of) = remote else { return };
    let up = f64::from(of.problem.is_none());
    for (name, kind, help, value) in [
        ("up", "gauge", "1 while it takes what it is told:", up),
        ("rows_waiting", "gauge", "Rows that it has not been told yet:", of.waiting as f64),
        ("rows_told_total", "counter", "Rows that it took:", of.told as f64),
        (
            "rows_dropped_total",
            "counter",
            "Rows of history dropped before they were told:",
            of.dropped as f64,
        ),
        ("failures_total", "counter", "Attempts that failed:", of.failures as f64),
    ] {
        let name = format!("lepton_{part}_{name}");
        let _ = writeln!(text, "# HELP {name} {help} {who}.\n# TYPE {name} {kind}\n{name} {value}");
    }
}

/// How each source fares; names of sources are few and fixed.
fn sources(text: &mut String, sources: &[SourceRow]) {
    type Figure = fn(&SourceRow) -> Option<f64>;
    let figures: [(&str, &str, &str, Figure); 16] = [
        ("age_seconds", "gauge", "Time since it last looked.", |of| Some(of.age_seconds as f64)),
        ("stale", "gauge", "1 while what it told is out of date.", |of| Some(f64::from(of.stale))),
        ("looks_total", "counter", "Looks.", |of| of.looks.map(|looks| looks as f64)),
        ("failures_total", "counter", "Looks that failed.", |of| of.looks.map(|_| of.failures as f64)),
        ("look_seconds", "gauge", "Time of the last look.", |of| of.looks.map(|_| of.look_seconds)),
        ("rejected", "gauge", "Readings that could not be believed.", |of| Some(of.rejected as f64)),
        ("series_mapped", "gauge", "Series of something known.", |of| {
            Some(of.series.as_ref()?.mapped as f64)
        }),
        ("series_unused", "gauge", "Series of nothing known, or claimed twice.", |of| {
            of.series.as_ref().map(|series| (series.unmapped + series.ambiguous) as f64)
        }),
        ("messages_total", "counter", "Messages read.", |of| Some(of.stream.as_ref()?.messages as f64)),
        ("dead_letters_total", "counter", "Messages of no use, sent to the dead letters.", |of| {
            Some(of.stream.as_ref()?.dead_letters as f64)
        }),
        ("late_messages_total", "counter", "Messages older than what was known.", |of| {
            Some(of.stream.as_ref()?.late as f64)
        }),
        ("unknown_messages_total", "counter", "Messages of a node that is not known.", |of| {
            Some(of.stream.as_ref()?.unknown as f64)
        }),
        ("repeated_messages_total", "counter", "Messages that had been read before.", |of| {
            Some(of.stream.as_ref()?.repeated as f64)
        }),
        (
            "cut_messages_total",
            "counter",
            "Messages that were too long, of which the rest was left out.",
            |of| Some(of.stream.as_ref()?.cut as f64),
        ),
        ("lag_messages", "gauge", "Messages that have not been read.", |of| {
            Some(of.stream.as_ref()?.lag as f64)
        }),
        ("last_message_timestamp_seconds", "gauge", "When the last message came.", |of| {
            Some(of.stream.as_ref()?.last_message_seconds as f64)
        }),
    ];
    for (name, kind, help, of) in figures {
        let rows: Vec<(&str, f64)> =
            sources.iter().filter_map(|source| Some((source.name.as_str(), of(source)?))).collect();
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(text, "# HELP lepton_source_{name} {help}\n# TYPE lepton_source_{name} {kind}");
        for (source, value) in rows {
            let _ = writeln!(text, "lepton_source_{name}{{source=\"{source}\"}} {value}");
        }
    }
}
