//! Turns as OpenTelemetry traces, told by OTLP over HTTP (protobuf) to a collector. What the loop hands over waits in a queue of bounded length; a collector
//! that is slow or away costs traces, never a turn.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanKind, Status, TraceContextExt, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider};

/// Spans that wait for the collector; of more, the newest are dropped.
const SPANS_WAIT_MAX: usize = 2048;
/// How long spans are gathered before they are told together.
const GATHER: Duration = Duration::from_secs(1);
/// How long the collector may take for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Where under the collector's address traces are told.
const PATH: &str = "/v1/traces";

/// Why no traces can be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{url}` is no address of a collector, expected http://HOST:PORT or https://HOST: {problem}")]
pub struct TracesError {
    /// The address.
    pub url: String,
    /// What is wrong.
    pub problem: String,
}

/// A stretch of time within a turn.
#[derive(Debug, Clone, PartialEq)]
pub struct TracedStage {
    /// Its name.
    pub name: &'static str,
    /// From when on.
    pub begun: SystemTime,
    /// Until when.
    pub ended: SystemTime,
}

/// What is known of a turn as an attribute of its span.
#[derive(Debug, Clone, PartialEq)]
pub enum TracedValue {
    /// A text.
    Text(String),
    /// A count.
    Count(u64),
    /// A measure.
    Real(f64),
}

/// A turn.
#[derive(Debug, Clone, PartialEq)]
pub struct TracedTurn {
    /// From when on.
    pub begun: SystemTime,
    /// Until when.
    pub ended: SystemTime,
    /// What is known of it, by name.
    pub attributes: Vec<(&'static str, TracedValue)>,
    /// What its time went to.
    pub stages: Vec<TracedStage>,
    /// What went wrong.
    pub problem: Option<String>,
}

/// How telling goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TracesReport {
    /// Messages that the collector took.
    pub taken: u64,
    /// Messages that it did not take.
    pub failures: u64,
}

#[derive(Debug, Default)]
struct Counts {
    taken: AtomicU64,
    failures: AtomicU64,
}

/// Tells a collector of turns.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    counts: Arc<Counts>,
}

impl Traces {
    /// Begins to tell the collector at `url`, as service `lepton` of this version and instance.
    ///
    /// # Errors
    /// When the address is none.
    pub fn start(url: &str, version: &str, instance: &str) -> Result<Self, TracesError> {
        let wrong = |problem: String| TracesError { url: url.to_owned(), problem };
        let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/')) {
            return Err(wrong("it does not begin with http://HOST or https://HOST".to_owned()));
        }
        let counts = Arc::<Counts>::default();
        let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false);
        let client = Client { agent: config.build().into(), counts: Arc::clone(&counts) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(format!("{}{PATH}", url.trim_end_matches('/')))
            .with_timeout(PATIENCE)
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(SPANS_WAIT_MAX)
            .with_scheduled_delay(GATHER)
            .build();
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        let resource = Resource::builder_empty().with_service_name("lepton").with_attributes([
            KeyValue::new("service.version", version.to_owned()),
            KeyValue::new("service.instance.id", instance.to_owned()),
        ]);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_resource(resource.build())
            .build();
        let tracer = provider.tracer("lepton");
        Ok(Self { provider, tracer, counts })
    }

    /// Hands over a turn: one trace, with a span of the whole and one of each stage. Waits for nobody.
    pub fn turned(&self, turn: &TracedTurn) {
        let attributes = turn.attributes.iter().map(|(name, value)| match value {
            TracedValue::Text(text) => KeyValue::new(*name, text.clone()),
            TracedValue::Count(count) => KeyValue::new(*name, i64::try_from(*count).unwrap_or(i64::MAX)),
            TracedValue::Real(real) => KeyValue::new(*name, *real),
        });
        let whole = self.builder("turn", turn.begun).with_attributes(attributes);
        let mut whole = self.tracer.build_with_context(whole, &Context::new());
        if let Some(problem) = &turn.problem {
            whole.set_status(Status::error(problem.clone()));
        }
        let whole = Context::new().with_span(whole);
        for stage in &turn.stages {
            let span = self.builder(stage.name, stage.begun);
            self.tracer.build_with_context(span, &whole).end_with_timestamp(stage.ended);
        }
        whole.span().end_with_timestamp(turn.ended);
    }

    fn builder(&self, name: &'static str, begun: SystemTime) -> SpanBuilder {
        self.tracer.span_builder(name).with_kind(SpanKind::Internal).with_start_time(begun)
    }

    /// How telling goes.
    pub fn report(&self) -> TracesReport {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        TracesReport { taken: of(&self.counts.taken), failures: of(&self.counts.failures) }
    }

    /// Tells what still waits, if that can be done in this time.
    pub fn end(self, patience: Duration) {
        // What cannot be told in time is lost.
        let _ = self.provider.shutdown_with_timeout(patience);
    }
}

/// What speaks HTTP.
#[derive(Debug)]
struct Client {
    agent: ureq::Agent,
    counts: Arc<Counts>,
}

impl Client {
    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let (head, mut body) = self.agent.run(Request::from_parts(head, &body[..]))?.into_parts();
        Ok(Response::from_parts(head, Bytes::from(body.read_to_vec()?)))
    }
}

impl HttpClient for Client {
    // It is called on the thread that gathers spans, which has nothing else to do.
    fn send_bytes<'a, 'b>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        let answer = self.send(request);
        let is_taken = answer.as_ref().is_ok_and(|answer| answer.status().is_success());
        let count = if is_taken { &self.counts.taken } else { &self.counts.failures };
        count.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(answer))
    }
}
