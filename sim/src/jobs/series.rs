//! Curves over time from a run of any length, in bounded memory: time is cut into equal spans, and when
//! there are too many of them two become one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::observer::{JobEvent, Moment, Observer};

/// Most points of a curve.
const POINTS_MAX: usize = 512;

/// Curves of one run; all of one length.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Series {
    /// Length of a span, in seconds.
    pub span_seconds: i64,
    /// Highest share of the units in service used at any moment, 0 to 1.
    pub peak_utilization: f64,
    /// Mean over time of the fragmentation below, 0 to 1.
    pub mean_fragmentation: f64,
    /// When each span begins, in seconds.
    pub time_seconds: Vec<i64>,
    /// Units used over units in service, mean over the span, 0 to 1.
    pub utilization: Vec<f64>,
    /// Waiting jobs, mean over the span.
    pub waiting: Vec<f64>,
    /// Running jobs, mean over the span.
    pub running: Vec<f64>,
    /// Share of the free units that are of no use, at the first event of the span; as before when nothing
    /// happened in it.
    pub fragmentation: Vec<f64>,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Span {
    used: f64,
    units: f64,
    waiting: f64,
    running: f64,
    seconds: f64,
    fragmentation: Option<f64>,
}

/// Records a [`Series`] while a run goes on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SeriesRecorder {
    from_seconds: Option<i64>,
    span_seconds: i64,
    spans: Vec<Span>,
    last: Option<Moment>,
    peak_utilization: f64,
}

impl Default for SeriesRecorder {
    fn default() -> Self {
        Self { from_seconds: None, span_seconds: 60, spans: Vec::new(), last: None, peak_utilization: 0.0 }
    }
}

impl SeriesRecorder {
    /// The curves recorded so far.
    pub fn series(&self) -> Series {
        let from = self.from_seconds.unwrap_or(0);
        let mut series = Series { span_seconds: self.span_seconds, ..Series::default() };
        let mut fragmentation = 0.0;
        for (i, span) in (0i64..).zip(&self.spans) {
            let mean = |sum: f64, over: f64| if over > 0.0 { sum / over } else { 0.0 };
            fragmentation = span.fragmentation.unwrap_or(fragmentation);
            series.time_seconds.push(from + i * self.span_seconds);
            series.utilization.push(mean(span.used, span.units));
            series.waiting.push(mean(span.waiting, span.seconds));
            series.running.push(mean(span.running, span.seconds));
            series.fragmentation.push(fragmentation);
        }
        series.peak_utilization = self.peak_utilization;
        series.mean_fragmentation = series.fragmentation.iter().sum::<f64>() / self.spans.len().max(1) as f64;
        series
    }

    /// The span that `seconds` lies in, after making room for it.
    fn span_at(&mut self, seconds: i64) -> usize {
        let from = *self.from_seconds.get_or_insert(seconds);
        while (seconds - from) / self.span_seconds >= POINTS_MAX as i64 {
            self.span_seconds *= 2;
            let joined = self.spans.chunks(2).map(|pair| {
                let mut sum = pair[0];
                for more in &pair[1..] {
                    sum.used += more.used;
                    sum.units += more.units;
                    sum.waiting += more.waiting;
                    sum.running += more.running;
                    sum.seconds += more.seconds;
                    sum.fragmentation = sum.fragmentation.or(more.fragmentation);
                }
                sum
            });
            self.spans = joined.collect();
        }
        let at = ((seconds - from) / self.span_seconds) as usize;
        if at >= self.spans.len() {
            self.spans.resize(at + 1, Span::default());
        }
        at
    }
}

impl Observer for SeriesRecorder {
    fn event(&mut self, _now_seconds: i64, _event: JobEvent) {}

    fn moment(&mut self, moment: Moment, fragmentation: impl FnOnce() -> f64) {
        // While nothing waits or runs, nothing but a job too large for the machine can have come: it is in no curve.
        let idle = |m: &Moment| m.waiting + m.running == 0;
        if idle(&moment) && self.last.as_ref().is_none_or(|last| idle(last) && last.units == moment.units) {
            return;
        }
        let at = self.span_at(moment.now_seconds);
        let from = self.from_seconds.unwrap_or(moment.now_seconds);
        // Phase 1: the state since the last moment, spread over the spans it lasted.
        if let Some(last) = self.last {
            let mut begin = last.now_seconds;
            while begin < moment.now_seconds {
                let i = ((begin - from) / self.span_seconds) as usize;
                let end = moment.now_seconds.min(from + (i as i64 + 1) * self.span_seconds);
                let seconds = (end - begin) as f64;
                let span = &mut self.spans[i];
                span.used += seconds * (last.units.saturating_sub(last.free_units)) as f64;
                span.units += seconds * last.units as f64;
                span.waiting += seconds * last.waiting as f64;
                span.running += seconds * last.running as f64;
                span.seconds += seconds;
                begin = end;
            }
        }
        // Phase 2: the first fragmentation seen in a span stands for it.
        if self.spans[at].fragmentation.is_none() {
            self.spans[at].fragmentation = Some(fragmentation());
        }
        let used = moment.units.saturating_sub(moment.free_units) as f64;
        self.peak_utilization = self.peak_utilization.max(used / moment.units.max(1) as f64);
        self.last = Some(moment);
    }
}

/// One stretch of a job's run, for a Gantt view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Index of the job.
    pub job: u32,
    /// When it started, in seconds.
    pub start_seconds: i64,
    /// When it ended or was interrupted, in seconds.
    pub end_seconds: i64,
    /// Whether it ran to its end.
    pub ended: bool,
}

/// Records the curves and the first stretches of the run, by start.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Recorder {
    /// The curves.
    pub series: SeriesRecorder,
    /// The stretches in order of their end.
    pub segments: Vec<Segment>,
    /// Most stretches kept.
    pub segments_max: usize,
    starts: usize,
    /// Start of each running job whose stretch is kept.
    running: BTreeMap<u32, i64>,
}

impl Recorder {
    /// Keeps up to `segments_max` stretches.
    pub fn keeping(segments_max: usize) -> Self {
        Self { segments_max, ..Self::default() }
    }
}

impl Observer for Recorder {
    fn event(&mut self, now_seconds: i64, event: JobEvent) {
        let (job, ended) = match event {
            JobEvent::Started { job, .. } if self.starts < self.segments_max => {
                self.starts += 1;
                self.running.insert(job, now_seconds);
                return;
            }
            JobEvent::Ended { job } => (job, true),
            JobEvent::Interrupted { job, .. } => (job, false),
            _ => return,
        };
        if !self.running.is_empty()
            && let Some(start_seconds) = self.running.remove(&job)
        {
            self.segments.push(Segment { job, start_seconds, end_seconds: now_seconds, ended });
        }
    }

    fn moment(&mut self, moment: Moment, fragmentation: impl FnOnce() -> f64) {
        self.series.moment(moment, fragmentation);
    }
}
