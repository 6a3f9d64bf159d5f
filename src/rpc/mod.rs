//! Requests and replies: each caller gets the reply to its own request. With the feature `rpc` only.
//!
//! A [`Requester`] makes calls over a [`Client`](crate::Client), from any number of tasks; a
//! [`Responder`] answers those that come to a [`Server`](crate::Server), by a `tower` service. On the
//! wire each message has a small envelope, which `docs/rpc.md` describes byte by byte, so that any
//! CLIENT or SERVER of ZeroMQ can take either part.
//!
//! ```
//! use std::time::Duration;
//!
//! use tokio_zmtp::rpc::{Failure, Request, Requester, Responder, service_fn};
//! use tokio_zmtp::{Client, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Detects within 20 seconds that the other side has failed silently.
//! let interval = Duration::from_secs(10);
//! let server = Server::builder().heartbeat_interval(interval).bind("tcp://127.0.0.1:*").await?;
//! let endpoint = server.last_endpoint().unwrap();
//! let greet = service_fn(|request: Request| async move {
//!     let name = request.body().to_str().unwrap_or("stranger");
//!     Ok::<_, Failure>(format!("hello {name}"))
//! });
//! tokio::spawn(Responder::new(server).serve(greet));
//!
//! let client = Client::builder().heartbeat_interval(interval).connect(endpoint).await?;
//! let requester = Requester::new(client);
//! let request = Request::from("Ada").with_timeout(Duration::from_secs(5));
//! assert_eq!(requester.call(request).await?, "hello Ada");
//! # Ok(())
//! # }
//! ```
//!
//! # Exactly what happened
//!
//! A call ends with its reply, or with a [`CallError`] that says whether the request may have been
//! carried out; see [`CallError::is_retryable`]. No request is written whole to two servers. A reply is
//! dropped if it arrives too late, a second time, or from a server that did not receive the request.
//! [`Requester::stats`] and [`Responder::stats`] account for every call.
//!
//! # Servers that go silently
//!
//! When a connection ends, the calls that wait for a reply over it fail with
//! [`CallError::ConnectionLost`]. A server whose process hangs, or whose host or network fails, does not
//! end its connections. Calls to it stay pending until their deadline, or indefinitely without one,
//! unless the client sends heartbeats. With a [`heartbeat_interval`](crate::Builder::heartbeat_interval)
//! of 10 s and the same timeout, they fail within 20 s. That option explains why the default is none. A
//! server should set it as well, to cancel the requests of requesters that have failed silently.
//!
//! # Deadlines and cancellation
//!
//! The time that is left for a call travels with the request, and both sides keep it. A call that is
//! dropped tells its server, which drops the future that works at it.
//!
//! # Failover and rolling updates
//!
//! A requester sends calls only to connected servers, in turn. If none is connected, calls wait until
//! their deadline for the first that connects.
//!
//! A responder that [drains](Responder::serve_with_shutdown) notifies its requesters. They send no more
//! requests to it, and calls in flight finish. The servers of a requester can therefore be restarted one
//! after the other, under load, without losing a call. A server that returns at the same address
//! receives requests again.
//!
//! # Tower
//!
//! Both sides are made of `tower`'s `Service`, so that its layers do the rest: timeouts, limits, retries,
//! load shedding. As a requester is a service of what a responder serves, `responder.serve(requester)`
//! passes requests on, with what is left of their time and the trace that they belong to.
//!
//! # Tracing
//!
//! With `tracing` at the level DEBUG each call has a span on each side: `rpc_call` with `side`, `id`,
//! `request_bytes`, `reply_bytes` and `outcome`; and `rpc_request`, with `traceparent` besides, in
//! which the service works. Disabled spans cost nothing.
//!
//! A [`TraceContext`] that is given to a request travels with it. To connect it with OpenTelemetry, a
//! program makes one of the context of its span, of which the crate `opentelemetry` tells all three
//! parts:
//!
//! ```text
//! let span = tracing::Span::current().context().span().span_context().clone();
//! let trace_id = u128::from_be_bytes(span.trace_id().to_bytes());
//! let parent_id = u64::from_be_bytes(span.span_id().to_bytes());
//! let context = TraceContext::new(trace_id, parent_id, span.is_sampled())?;
//! let reply = requester.call(request.with_trace_context(context)).await?;
//! ```
//!
//! and on the other side makes a remote `SpanContext` of [`Request::trace_context`] and sets it as the
//! parent of the current span, before anything else.

mod clock;
mod code;
mod deferred_ends;
mod envelope;
mod error;
mod failure;
mod request;
mod requester;
mod responder;
mod response;
mod service_fn;
pub mod stats;
mod trace_context;
mod unaddressed;

pub use self::code::ErrorCode;
pub use self::error::CallError;
pub use self::failure::Failure;
pub use self::request::Request;
pub use self::requester::{Call, Replies, Requester, RequesterBuilder};
pub use self::responder::{Responder, ResponderBuilder};
pub use self::response::Response;
pub use self::service_fn::{ServiceFn, service_fn};
pub use self::trace_context::{ParseTraceContextError, TraceContext};
