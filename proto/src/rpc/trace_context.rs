//! Trace contexts of calls (W3C Trace Context).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The trace of a call and the span in which the call was made: W3C `traceparent`, with the
/// vendors' `tracestate`.
///
/// It is sent with the request, as text. This crate neither creates nor changes trace contexts. A
/// program that uses OpenTelemetry sets the context of a request, and reads the context of a
/// received one: see [Tracing](https://docs.rs/tokio-zmtp/latest/tokio_zmtp/rpc/#tracing).
///
/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub mod rpc { pub use zmtp_proto::rpc::*; } }
/// use tokio_zmtp::rpc::TraceContext;
///
/// let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let context: TraceContext = text.parse()?;
/// assert_eq!(context.parent_id(), 0xb7ad6b7169203331);
/// assert!(context.is_sampled());
/// assert_eq!(context.to_string(), text);
/// # Ok::<(), tokio_zmtp::rpc::ParseTraceContextError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: u128,
    parent_id: u64,
    flags: u8,
    state: String,
}

/// The error of parsing a `traceparent` or a `tracestate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseTraceContextError {
    /// The text does not have the form `00-<32 hexadecimal digits>-<16>-<2>`, in lower case.
    #[error("the text does not have the form of a traceparent")]
    Form,
    /// The version is 255, which is not valid.
    #[error("the version of the traceparent is invalid")]
    Version,
    /// An id is zero.
    #[error("an id of the traceparent is zero")]
    Zero,
    /// The state is longer than 512 bytes, or contains characters that are not printable ASCII.
    #[error("the tracestate is too long or contains characters that are not allowed")]
    State,
}

/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub mod rpc { pub use zmtp_proto::rpc::*; } }
/// use tokio_zmtp::rpc::TraceContext;
///
/// let context = TraceContext::new(7, 8, true)?.with_state("vendor=1")?;
/// assert_eq!((context.trace_id(), context.parent_id()), (7, 8));
/// assert!(context.is_sampled());
/// assert_eq!(context.state(), "vendor=1");
/// # Ok::<(), tokio_zmtp::rpc::ParseTraceContextError>(())
/// ```
impl TraceContext {
    /// Creates a context from its parts.
    ///
    /// # Errors
    ///
    /// [`ParseTraceContextError::Zero`] if an id is zero.
    pub fn new(
        trace_id: u128,
        parent_id: u64,
        is_sampled: bool,
    ) -> Result<Self, ParseTraceContextError> {
        if trace_id == 0 || parent_id == 0 {
            return Err(ParseTraceContextError::Zero);
        }
        let flags = if is_sampled { SAMPLED } else { 0x00 };
        Ok(Self { trace_id, parent_id, flags, state: String::new() })
    }

    /// Sets the vendors' state: the value of the header `tracestate`.
    ///
    /// # Errors
    ///
    /// [`ParseTraceContextError::State`] if the state is longer than 512 bytes, or is not printable
    /// ASCII.
    pub fn with_state(mut self, state: impl Into<String>) -> Result<Self, ParseTraceContextError> {
        let state = state.into();
        let is_legal = |byte: u8| matches!(byte, b' '..=b'~' | b'\t');
        if state.len() > STATE_MAX || !state.bytes().all(is_legal) {
            return Err(ParseTraceContextError::State);
        }
        self.state = state;
        Ok(self)
    }

    /// Returns the id of the trace.
    #[must_use]
    pub const fn trace_id(&self) -> u128 {
        self.trace_id
    }

    /// Returns the id of the span in which the call was made.
    #[must_use]
    pub const fn parent_id(&self) -> u64 {
        self.parent_id
    }

    /// Returns whether the caller may have recorded the call.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0x00
    }

    /// Returns the vendors' state, which may be empty.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }
}

impl FromStr for TraceContext {
    type Err = ParseTraceContextError;

    /// Parses a `traceparent`. Unknown fields of a version later than 00 are ignored, as the
    /// specification requires.
    fn from_str(text: &str) -> Result<Self, ParseTraceContextError> {
        let mut fields = text.split('-');
        let mut field = |digits| {
            let field: &str = fields.next().ok_or(ParseTraceContextError::Form)?;
            let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            if field.len() != digits || !field.bytes().all(is_digit) {
                return Err(ParseTraceContextError::Form);
            }
            u128::from_str_radix(field, 16).map_err(|_| ParseTraceContextError::Form)
        };
        let (version, trace_id, parent_id, flags) = (field(2)?, field(32)?, field(16)?, field(2)?);
        if version == 0xff {
            return Err(ParseTraceContextError::Version);
        }
        if version == 0 && fields.next().is_some() {
            return Err(ParseTraceContextError::Form);
        }
        let parent_id = u64::try_from(parent_id).map_err(|_| ParseTraceContextError::Form)?;
        Self::new(trace_id, parent_id, flags & u128::from(SAMPLED) != 0)
    }
}

/// Writes a `traceparent` of version 00.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace_id, parent_id, flags, .. } = self;
        write!(f, "00-{trace_id:032x}-{parent_id:016x}-{flags:02x}")
    }
}

const SAMPLED: u8 = 0x01;

/// The length in bytes that the specification requires to be forwarded at least.
const STATE_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_traceparent_is_refused() {
        for (text, error) in [
            ("", ParseTraceContextError::Form),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", ParseTraceContextError::Form),
            (
                "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                ParseTraceContextError::Form,
            ),
            (
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
                ParseTraceContextError::Form,
            ),
            (
                "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                ParseTraceContextError::Version,
            ),
            (
                "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                ParseTraceContextError::Zero,
            ),
        ] {
            assert_eq!(text.parse::<TraceContext>(), Err(error), "{text}");
        }
    }

    #[test]
    fn unknown_fields_of_a_later_version_are_ignored() {
        let text =
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-will-be";
        let context: TraceContext = text.parse().unwrap();
        assert_eq!(context.trace_id(), 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c);
    }

    #[test]
    fn a_state_is_short_and_printable() {
        let context = TraceContext::new(1, 2, false).unwrap();
        assert_eq!(context.clone().with_state("a=b,c=d").unwrap().state(), "a=b,c=d");
        let refused = Err(ParseTraceContextError::State);
        assert_eq!(context.clone().with_state("\u{e9}"), refused);
        assert_eq!(context.with_state("x".repeat(513)), refused);
    }
}
