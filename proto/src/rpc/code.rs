//! The error codes of the envelope.

use std::fmt;

/// The code of an ERROR: the reason why a request has no reply, in one byte.
///
/// A code below `0x10`, known or not, means that the request was not started. It is safe to send it
/// again, to the same server or to another.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorCode(u8);

/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub mod rpc { pub use zmtp_proto::rpc::*; } }
/// use tokio_zmtp::rpc::ErrorCode;
///
/// assert_eq!(ErrorCode::new(0x01), ErrorCode::OVERLOADED);
/// assert_eq!(ErrorCode::PANICKED.byte(), 0x13);
/// assert!(ErrorCode::OVERLOADED.is_not_started());
/// ```
impl ErrorCode {
    /// The responder has reached a limit. Not started.
    pub const OVERLOADED: Self = Self(0x01);
    /// The responder is shutting down and starts no more requests. Not started. A requester that
    /// acknowledges the notice of a draining responder in time does not receive this code from it.
    pub const SHUTTING_DOWN: Self = Self(0x02);
    /// The application returned an error, with a number of its own.
    pub const APPLICATION: Self = Self(0x10);
    /// The deadline passed before the reply.
    pub const DEADLINE_EXCEEDED: Self = Self(0x11);
    /// The request was cancelled for another reason.
    pub const CANCELLED: Self = Self(0x12);
    /// The handler panicked.
    pub const PANICKED: Self = Self(0x13);
    /// The message is not a valid message of the protocol.
    pub const MALFORMED: Self = Self(0x14);
    /// The version of the envelope, a kind or a flag is unknown.
    pub const UNSUPPORTED: Self = Self(0x15);
    /// The reply is a stream, and the request granted no credit for one.
    pub const STREAMED: Self = Self(0x16);
    /// The service failed for a reason that has no other code.
    pub const FAILED: Self = Self(0x17);

    /// Creates a code from its byte.
    #[must_use]
    pub const fn new(byte: u8) -> Self {
        Self(byte)
    }

    /// Returns the byte on the wire.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self.0
    }

    /// Returns whether the service has certainly not started the request.
    #[must_use]
    pub const fn is_not_started(self) -> bool {
        self.0 < FIRST_STARTED
    }

    const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::OVERLOADED => "overloaded",
            Self::SHUTTING_DOWN => "shutting down",
            Self::APPLICATION => "application error",
            Self::DEADLINE_EXCEEDED => "deadline exceeded",
            Self::CANCELLED => "cancelled",
            Self::PANICKED => "the handler panicked",
            Self::MALFORMED => "malformed",
            Self::UNSUPPORTED => "unsupported",
            Self::STREAMED => "the reply is a stream",
            Self::FAILED => "failed",
            _ => return None,
        })
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "error {:#04x}", self.0),
        }
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ErrorCode({:#04x}: {self})", self.0)
    }
}

/// The lowest code for a request that may have been started.
const FIRST_STARTED: u8 = 0x10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_below_0x10_mean_that_the_request_was_not_started() {
        assert!(ErrorCode::OVERLOADED.is_not_started());
        assert!(ErrorCode::SHUTTING_DOWN.is_not_started());
        assert!(ErrorCode::new(0x0f).is_not_started());
        assert!(!ErrorCode::APPLICATION.is_not_started());
        assert!(!ErrorCode::new(0xff).is_not_started());
    }

    #[test]
    fn a_code_shows_its_name_or_its_number() {
        assert_eq!(ErrorCode::new(0x11).to_string(), "deadline exceeded");
        assert_eq!(ErrorCode::new(0x99).to_string(), "error 0x99");
    }
}
