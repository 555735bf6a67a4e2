//! What the figures of a report page show of one combination: the curves and the Gantt lanes of its first
//! run, and how all its jobs fared. It deliberately runs nothing: all is taken from runs that are done.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use serde::Serialize;

use super::outcome::PartOutcome;
use crate::jobs::{Jobs, Moment, NEVER, Observer, Outcome, Samples, Segment, Series, SeriesRecorder};
use crate::workload::jobs::Part;

/// Equal steps between the quantiles kept of a distribution.
const QUANTILE_STEPS: usize = 100;

/// The figures of one combination. Times are in seconds from the first submission of the run.
#[derive(Debug, Clone, Serialize)]
pub struct JobsFigures {
    /// Curves of the first run.
    pub series: SeriesFigure,
    /// Quantiles over the jobs of all runs; `None` when no job finished.
    pub distributions: Option<Quantiles>,
    /// The jobs of the first run.
    pub gantt: Gantt,
}

/// Curves that hold from each time to the next; all of one length. The last time is the end of the run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SeriesFigure {
    /// Ascending from 0.
    pub time_seconds: Vec<i64>,
    /// Waiting jobs.
    pub queue_length: Vec<f64>,
    /// Units used over units in service, 0 to 1.
    pub utilization: Vec<f64>,
}

/// Quantiles at equal steps from 0 (the least) to 1 (the most), by nearest rank.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quantiles {
    /// Of the waits, in seconds.
    pub wait_seconds: Vec<f64>,
    /// Of the times from submission to end, in seconds.
    pub completion_seconds: Vec<f64>,
    /// Of the bounded slowdowns.
    pub bounded_slowdown: Vec<f64>,
}

/// Jobs on lanes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gantt {
    /// Number of lanes: as many as jobs ever run at once.
    pub lanes: u32,
    /// Starts of the run, those beyond the kept ones included.
    pub starts: u64,
    /// The stretches kept: the first ones by start.
    pub jobs: GanttJobs,
}

/// Stretches in columns of equal length, in order of start. A job that is interrupted has several.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct GanttJobs {
    /// Since when the job waited: its submission, or its last interruption.
    pub submit_seconds: Vec<i64>,
    /// When it started.
    pub start_seconds: Vec<i64>,
    /// When it ended or was interrupted.
    pub end_seconds: Vec<i64>,
    /// Units that it held.
    pub size: Vec<u32>,
    /// Its lane from 0; what shares a lane does not overlap.
    pub lane: Vec<u32>,
}

impl JobsFigures {
    /// Of the first run of a combination and, for the distributions, the jobs of all its runs, which are
    /// brought into another order. At most `segments_max` stretches are kept.
    pub(super) fn of(part: &Part, run: &PartOutcome, all: &mut Samples, segments_max: usize) -> Self {
        let origin = run.first_seconds;
        let run_of_sequence;
        let (series, segments) = match &run.series {
            Some(series) => (series, &run.segments),
            None => {
                run_of_sequence = replayed(part, &run.outcome);
                (&run_of_sequence.0, &run_of_sequence.1)
            }
        };
        Self {
            series: SeriesFigure::of(
                series,
                origin,
                run.makespan_seconds.unwrap_or(0),
                waiting_on(&run.outcome),
            ),
            distributions: Quantiles::of(all),
            gantt: Gantt::of(part, origin, segments, segments_max, run.outcome.starts),
        }
    }
}

impl SeriesFigure {
    fn of(series: &Series, origin_seconds: i64, end_seconds: i64, waiting_on: usize) -> Self {
        let mut figure = Self {
            time_seconds: series.time_seconds.iter().map(|t| t - origin_seconds).collect(),
            queue_length: series.waiting.clone(),
            utilization: series.utilization.clone(),
        };
        // The last mean holds to the end; then nothing runs, and what did not finish waits on.
        if figure.time_seconds.last().is_some_and(|&last| last < end_seconds) {
            figure.time_seconds.push(end_seconds);
            figure.queue_length.push(waiting_on as f64);
            figure.utilization.push(0.0);
        }
        figure
    }
}

impl Quantiles {
    fn of(samples: &mut Samples) -> Option<Self> {
        let quantiles = |values: &mut Vec<f64>| -> Option<Vec<f64>> {
            values.sort_unstable_by(f64::total_cmp);
            let rank = |step: usize| (step * values.len()).div_ceil(QUANTILE_STEPS).max(1) - 1;
            (0..=QUANTILE_STEPS).map(|step| values.get(rank(step)).copied()).collect()
        };
        Some(Self {
            wait_seconds: quantiles(&mut samples.wait_seconds)?,
            completion_seconds: quantiles(&mut samples.completion_seconds)?,
            bounded_slowdown: quantiles(&mut samples.bounded_slowdown)?,
        })
    }
}

impl Gantt {
    fn of(part: &Part, origin: i64, segments: &[Segment], segments_max: usize, starts: u64) -> Self {
        let mut kept = segments.to_vec();
        kept.sort_unstable_by_key(|s| (s.start_seconds, s.end_seconds, s.job));
        kept.truncate(segments_max);
        let mut jobs = GanttJobs::default();
        let mut interrupted: HashMap<u32, i64> = HashMap::new();
        let mut lanes = Lanes::default();
        for s in kept {
            let j = part.range.start + s.job as usize;
            let since = interrupted.get(&s.job).copied().unwrap_or(part.jobs.submit_seconds[j]);
            jobs.submit_seconds.push(since - origin);
            jobs.start_seconds.push(s.start_seconds - origin);
            jobs.end_seconds.push(s.end_seconds - origin);
            jobs.size.push(part.jobs.size[j]);
            jobs.lane.push(lanes.take(s.start_seconds, s.end_seconds));
            if !s.ended {
                interrupted.insert(s.job, s.end_seconds);
            }
        }
        Self { lanes: lanes.count, starts, jobs }
    }
}

/// Greedy interval partitioning: stretches that come in order of start take the lowest lane free, which
/// needs no more lanes than run at once.
#[derive(Default)]
struct Lanes {
    free: BinaryHeap<Reverse<u32>>,
    /// (end, lane) of what runs.
    taken: BinaryHeap<Reverse<(i64, u32)>>,
    count: u32,
}

impl Lanes {
    fn take(&mut self, start_seconds: i64, end_seconds: i64) -> u32 {
        while let Some(&Reverse((end, lane))) = self.taken.peek()
            && end <= start_seconds
        {
            self.taken.pop();
            self.free.push(Reverse(lane));
        }
        let lane = self.free.pop().map_or(self.count, |Reverse(lane)| lane);
        self.count = self.count.max(lane + 1);
        self.taken.push(Reverse((end_seconds, lane)));
        lane
    }
}

/// Jobs that the machine could hold and that did not finish: all of them wait when nothing happens any more.
fn waiting_on(outcome: &Outcome) -> usize {
    let unfinished = outcome.end_seconds.iter().filter(|&&end| end == NEVER).count();
    unfinished.saturating_sub(outcome.too_large)
}

/// Curves and stretches of a run that nothing watched, from what became of its jobs.
fn replayed(part: &Part, outcome: &Outcome) -> (Series, Vec<Segment>) {
    let jobs: &Jobs = &part.jobs;
    let mut segments = Vec::new();
    // (time, change of waiting jobs, of running jobs, of used units)
    let mut changes: Vec<(i64, i64, i64, i64)> = Vec::new();
    let spans = outcome.start_seconds.iter().zip(&outcome.end_seconds);
    for ((job, i), (&start, &end)) in (0u32..).zip(part.range.clone()).zip(spans) {
        if end != NEVER {
            let size = i64::from(jobs.size[i]);
            segments.push(Segment { job, start_seconds: start, end_seconds: end, ended: true });
            changes.extend([(jobs.submit_seconds[i], 1, 0, 0), (start, -1, 1, size), (end, 0, -1, -size)]);
        }
    }
    changes.sort_unstable_by_key(|c| c.0);
    let mut recorder = SeriesRecorder::default();
    let (mut waiting, mut running, mut used) = (0, 0, 0);
    for at_once in changes.chunk_by(|a, b| a.0 == b.0) {
        for change in at_once {
            waiting += change.1;
            running += change.2;
            used += change.3;
        }
        let units = part.nodes.units();
        let moment = Moment {
            now_seconds: at_once[0].0,
            units,
            free_units: units.saturating_sub(used as u64),
            waiting: waiting as usize,
            running: running as usize,
        };
        recorder.moment(moment, || 0.0);
    }
    (recorder.series(), segments)
}
