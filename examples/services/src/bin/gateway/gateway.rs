//! Conversion of HTTP requests to calls.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use axum::routing::{get, post};
use futures::stream::{self, Stream, StreamExt};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_zmtp::metrics::Publisher;
use tokio_zmtp::rpc::{CallError, Request, Requester, TraceContext};
use tokio_zmtp::{Client, Message};

use super::problem::Problem;

/// The state that handlers share.
#[derive(Clone)]
pub(super) struct Gateway {
    client: Client,
    requester: Requester,
    /// One permit for each concurrent call.
    permits: Arc<Semaphore>,
    ending: CancellationToken,
}

/// Publishes the metrics and renders them.
#[derive(Clone)]
pub(super) struct Exporter {
    pub(super) publisher: Publisher,
    pub(super) recorder: PrometheusHandle,
}

impl Gateway {
    pub(super) fn new(
        client: Client,
        requester: Requester,
        max_calls: usize,
        ending: CancellationToken,
    ) -> Self {
        Self { client, requester, permits: Arc::new(Semaphore::new(max_calls)), ending }
    }

    pub(super) fn router(self, exporter: Exporter) -> Router {
        let tasks = Router::new()
            .route("/tasks", post(perform))
            .route("/events", get(follow))
            // Longer bodies are answered with 413.
            .layer(DefaultBodyLimit::max(BODY_MAX))
            .with_state(self);
        tasks.route("/metrics", get(show)).with_state(exporter)
    }

    /// Acquires a permit for a call, or refuses it immediately.
    fn admit(&self) -> Result<OwnedSemaphorePermit, Problem> {
        if self.client.stats().connected == 0 {
            return Err(Problem::NoServer);
        }
        Arc::clone(&self.permits).try_acquire_owned().map_err(|_| Problem::Overloaded)
    }
}

/// Handles `POST /tasks`, which has one reply.
async fn perform(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Bytes, Problem> {
    let _permit = gateway.admit()?;
    // If the caller disconnects, axum drops this future, and the call with it.
    let reply = gateway.requester.call(request(&headers, body)?).await?;
    Ok(reply.into_bytes())
}

#[derive(Deserialize)]
struct Task {
    task: String,
}

/// Handles `GET /events?task=`, whose streamed reply is sent as server-sent events.
async fn follow(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    Query(Task { task }): Query<Task>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let permit = gateway.admit()?;
    let mut replies = gateway.requester.stream(request(&headers, task)?);
    // A failure before the first part has its own status.
    let first = replies.next().await.transpose()?;
    let replies = stream::iter(first.map(Ok)).chain(replies);
    let events = replies.map(move |reply| {
        let _permit = &permit;
        Ok(event(reply))
    });
    // Otherwise the browser would repeat the request from the beginning.
    let end = stream::once(async { Ok(Event::default().event("end").data("done")) });
    let events = events.chain(end).take_until(gateway.ending.cancelled_owned());
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// Handles `GET /metrics`, for Prometheus.
async fn show(State(exporter): State<Exporter>) -> String {
    exporter.publisher.publish();
    exporter.recorder.render()
}

/// Creates a call from an HTTP request.
fn request(headers: &HeaderMap, body: impl Into<Message>) -> Result<Request, Problem> {
    let mut request = Request::new(body);
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(timeout) = text(TIMEOUT) {
        let timeout = timeout.parse().map_err(|_| Problem::InvalidTimeout)?;
        request = request.with_timeout(Duration::from_millis(timeout));
    }
    // A malformed header counts as missing (W3C Trace Context).
    if let Some(Ok(context)) = text("traceparent").map(str::parse::<TraceContext>) {
        let state = text("tracestate").unwrap_or_default();
        let context = context.clone().with_state(state).unwrap_or(context);
        request = request.with_trace_context(context);
    }
    Ok(request)
}

fn event(reply: Result<Message, CallError>) -> Event {
    match reply {
        // An event consists of lines of text and cannot contain a carriage return.
        Ok(part) => Event::default().data(String::from_utf8_lossy(&part).replace('\r', "")),
        Err(error) => Event::default().event("error").data(error.to_string()),
    }
}

/// The header with the time limit of the caller, in milliseconds.
const TIMEOUT: &str = "x-request-timeout-ms";

const BODY_MAX: usize = 0x1_0000;
