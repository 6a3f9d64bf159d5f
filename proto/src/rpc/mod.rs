//! The messages of requests and replies, which the module `rpc` of `tokio-zmtp` uses.
//!
//! ZMTP does not define them. The page `docs/rpc.md` of `tokio-zmtp` specifies them.

mod code;
pub mod envelope;
mod trace_context;

pub use self::code::ErrorCode;
pub use self::trace_context::{ParseTraceContextError, TraceContext};
