//! Requests and replies: each caller gets the reply to its own request. Requires the feature `rpc`.
//!
//! A [`Requester`] makes calls over a [`Client`](crate::Client), from any number of tasks. A
//! [`Responder`] answers the requests that a [`Server`](crate::Server) receives, with a `tower`
//! service. `docs/rpc.md` specifies their messages byte by byte, so that any CLIENT or SERVER of
//! ZeroMQ can be either side. Over a [`Dealer`](crate::Dealer) and a [`Rep`](crate::Rep), so can
//! the [classic sockets](#classic-sockets).
//!
//! ```
//! use std::time::Duration;
//!
//! use tokio_zmtp::rpc::{Failure, Request, Requester, Responder, service_fn};
//! use tokio_zmtp::{Client, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Detects within 20 seconds that the remote has failed silently.
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
//! # Classic sockets
//!
//! Programs with a released version of libzmq have no CLIENT and SERVER. With a DEALER or REQ, they
//! call a responder over a [`Rep`](crate::Rep). With a ROUTER, REP or DEALER, they answer a
//! requester over a [`Dealer`](crate::Dealer). `examples/python` has small programs for both sides.
//!
//! ```
//! use tokio_zmtp::rpc::{Failure, Request, Requester, Responder, service_fn};
//! use tokio_zmtp::{Dealer, Rep};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let rep = Rep::builder().bind("tcp://127.0.0.1:*").await?;
//! let endpoint = rep.last_endpoint().unwrap();
//! let echo = service_fn(|request: Request| async move { Ok::<_, Failure>(request.into_body()) });
//! tokio::spawn(Responder::new(rep).serve(echo));
//!
//! let requester = Requester::new(Dealer::builder().connect(endpoint).await?);
//! assert_eq!(requester.call("hello").await?, "hello");
//! # Ok(())
//! # }
//! ```
//!
//! Between a `Dealer` and a `Rep` of this crate, calls have all the properties described below.
//! Other sockets limit them:
//!
//! - A REQ receives one answer to each request. A reply that is a stream becomes the error
//!   [`STREAMED`](ErrorCode::STREAMED), and the REQ is not notified when its responder drains.
//! - A REP of libzmq answers one request after the other, and every message that it receives. A
//!   requester therefore sends it no cancellations: the REP completes cancelled requests, and the
//!   requester drops its replies. The REP cannot answer with a stream of more than one part.
//! - A broker, which forwards messages between a ROUTER and a DEALER, distributes cancellations and
//!   credit among its servers like requests. With more than one server, streams of more parts than
//!   [`stream_window`](RequesterBuilder::stream_window) stall, and cancellations are ineffective.
//!
//! # Outcomes
//!
//! A call ends with its reply, or with a [`CallError`] that reports whether the request may have
//! been carried out; see [`CallError::is_retryable`]. No request is written completely to two
//! servers. A reply is dropped if it arrives too late, a second time, or from a server that did not
//! receive the request. [`Requester::stats`] and [`Responder::stats`] account for every call.
//!
//! # Servers that fail silently
//!
//! When a connection ends, the calls that wait for a reply over it fail with
//! [`CallError::ConnectionLost`]. A server whose process hangs, or whose host or network fails,
//! does not end its connections. Calls to it stay pending until their deadline, or indefinitely
//! without one, unless the client sends heartbeats. With a
//! [`heartbeat_interval`](crate::Builder::heartbeat_interval) of 10 s and the same timeout, they
//! fail within 20 s. The documentation of that option explains why the default is none. A server
//! should set it as well, to cancel the requests of requesters that have failed silently.
//!
//! # Deadlines and cancellation
//!
//! Each request carries the remaining time of its call, and both sides enforce it. Dropping a call
//! sends a cancellation to its server, which drops the future that handles the request.
//!
//! # Failover and rolling updates
//!
//! A requester sends calls only to connected servers, round-robin. If none is connected, calls wait
//! until their deadline for the first that connects.
//!
//! A responder that [drains](Responder::serve_with_shutdown) notifies its requesters. They send no
//! more requests to it, and calls in flight finish. The servers of a requester can therefore be
//! restarted one after another, under load, without losing a call. A server that returns at the
//! same address receives requests again.
//!
//! # Tower
//!
//! Both sides build on `tower`'s `Service`, so that its layers provide timeouts, limits, retries
//! and load shedding. A requester is a service of the requests that a responder serves. Therefore
//! `responder.serve(requester)` forwards requests, with their remaining time and their trace
//! context.
//!
//! # Tracing
//!
//! With `tracing` at the level DEBUG each call has a span on each side. The requester's span is
//! `rpc_call`, with `side`, `id`, `request_bytes`, `reply_bytes` and `outcome`. The responder's
//! span is `rpc_request`, with the same fields and `traceparent`; the service runs in it. Disabled
//! spans cost nothing.
//!
//! The [`TraceContext`] of a request is sent with it. To connect it with OpenTelemetry, a program
//! creates one from the context of its span. The crate `opentelemetry` provides all three parts:
//!
//! ```text
//! let span = tracing::Span::current().context().span().span_context().clone();
//! let trace_id = u128::from_be_bytes(span.trace_id().to_bytes());
//! let parent_id = u64::from_be_bytes(span.span_id().to_bytes());
//! let context = TraceContext::new(trace_id, parent_id, span.is_sampled())?;
//! let reply = requester.call(request.with_trace_context(context)).await?;
//! ```
//!
//! On the other side, the program creates a remote `SpanContext` from [`Request::trace_context`]
//! and sets it as the parent of the current span, before anything else.

mod batch;
mod clock;
mod deferred_ends;
mod envelope_path;
mod error;
mod failure;
mod framing;
mod request;
mod requester;
mod requesting_socket;
mod responder;
mod responding_socket;
mod response;
mod return_path;
mod service_error;
mod service_fn;
pub mod stats;
mod unaddressed;

pub use self::error::CallError;
pub use self::failure::Failure;
pub use self::request::Request;
pub use self::requester::{Call, Replies, Requester, RequesterBuilder};
pub use self::requesting_socket::RequestingSocket;
pub use self::responder::{Responder, ResponderBuilder};
pub use self::responding_socket::RespondingSocket;
pub use self::response::Response;
pub use self::service_fn::{ServiceFn, service_fn};

#[doc(inline)]
pub use zmtp_proto::rpc::{ErrorCode, ParseTraceContextError, TraceContext};
