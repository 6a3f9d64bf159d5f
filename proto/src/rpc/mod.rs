//! The envelope of requests and replies between CLIENT and SERVER, which the module `rpc` of
//! `tokio-zmtp` uses.
//!
//! ZMTP does not define it. Its specification is the page `docs/rpc.md` of `tokio-zmtp`.

mod code;
pub mod envelope;
mod trace_context;

pub use self::code::ErrorCode;
pub use self::trace_context::{ParseTraceContextError, TraceContext};
