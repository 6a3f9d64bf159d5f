//! Conversion of gRPC requests to calls.

use std::pin::Pin;
use std::time::Duration;

use futures::stream::{Stream, StreamExt};
use services::proto::tasks_server::Tasks;
use services::proto::{Outcome, Task};
use tokio_zmtp::Message;
use tokio_zmtp::rpc::{self, CallError, Requester, TraceContext};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use super::status;

/// The service `tasks.v1.Tasks`.
pub(super) struct Service {
    requester: Requester,
}

impl Service {
    pub(super) const fn new(requester: Requester) -> Self {
        Self { requester }
    }

    /// Creates a call from a gRPC request.
    fn call(&self, request: Request<Task>) -> Result<rpc::Request, Status> {
        if self.requester.client().stats().connected == 0 {
            return Err(Status::unavailable("no server is connected"));
        }
        let mut call = rpc::Request::new(request.get_ref().text.clone());
        if let Some(timeout) = timeout(request.metadata()) {
            // A little less, so that the answer arrives before the caller's deadline.
            call = call.with_timeout(timeout / 10 * 9);
        }
        if let Some(context) = trace_context(request.metadata()) {
            call = call.with_trace_context(context);
        }
        Ok(call)
    }
}

#[tonic::async_trait]
impl Tasks for Service {
    type FollowStream = Pin<Box<dyn Stream<Item = Result<Outcome, Status>> + Send>>;

    async fn perform(&self, request: Request<Task>) -> Result<Response<Outcome>, Status> {
        let call = self.call(request)?;
        outcome(self.requester.call(call).await).map(Response::new)
    }

    async fn follow(&self, request: Request<Task>) -> Result<Response<Self::FollowStream>, Status> {
        let call = self.call(request)?;
        let outcomes = self.requester.stream(call).map(outcome);
        Ok(Response::new(Box::pin(outcomes)))
    }
}

fn outcome(reply: Result<Message, CallError>) -> Result<Outcome, Status> {
    let reply = reply.map_err(|error| status::of(&error))?;
    let text = reply.to_str().map_err(|_| Status::internal("the reply is not valid UTF-8"))?;
    Ok(Outcome { text: text.to_owned() })
}

/// Parses the header `grpc-timeout`: at most eight digits and a unit. tonic enforces it as well,
/// but does not pass it to handlers.
fn timeout(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number = digits.parse::<u32>().ok().filter(|_| digits.len() <= 8)?;
    let unit = match unit {
        "H" => Duration::from_secs(60 * 60),
        "M" => Duration::from_secs(60),
        "S" => Duration::from_secs(1),
        "m" => Duration::from_millis(1),
        "u" => Duration::from_micros(1),
        "n" => Duration::from_nanos(1),
        _ => return None,
    };
    unit.checked_mul(number)
}

fn trace_context(metadata: &MetadataMap) -> Option<TraceContext> {
    let text = |name| metadata.get(name)?.to_str().ok();
    let context: TraceContext = text("traceparent")?.parse().ok()?;
    let state = text("tracestate").unwrap_or_default();
    Some(context.clone().with_state(state).unwrap_or(context))
}
