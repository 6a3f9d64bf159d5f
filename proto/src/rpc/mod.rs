//! The envelope of requests and replies between CLIENT and SERVER, which the module `rpc` of
//! `tokio-zmtp` uses.
//!
//! ZMTP does not define this envelope. The page `docs/rpc.md` of `tokio-zmtp` specifies it.

mod code;
pub mod envelope;
mod trace_context;

pub use self::code::ErrorCode;
pub use self::trace_context::{ParseTraceContextError, TraceContext};
