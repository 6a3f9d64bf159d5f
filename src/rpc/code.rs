//! Why a request was not answered, in one byte.

use std::fmt;

/// Why the other side has not answered a request: the byte of an ERROR.
///
/// Those below `0x10` say that the request was not begun, so that it is safe to send it again, here or
/// elsewhere; a code that this version does not know falls under the same rule.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorCode(u8);

impl ErrorCode {
    /// There was too much to do. Not begun.
    pub const OVERLOADED: Self = Self(0x01);
    /// The responder is about to end and begins no more requests. Not begun. A requester that
    /// acknowledges the notice of a draining responder in time does not receive this from it.
    pub const SHUTTING_DOWN: Self = Self(0x02);
    /// The application says so, with a number of its own.
    pub const APPLICATION: Self = Self(0x10);
    /// The time was over before there was a reply.
    pub const DEADLINE_EXCEEDED: Self = Self(0x11);
    /// The work was given up for another reason.
    pub const CANCELLED: Self = Self(0x12);
    /// The handler has panicked.
    pub const PANICKED: Self = Self(0x13);
    /// What was sent is no message of this protocol, or none that this side can get.
    pub const MALFORMED: Self = Self(0x14);
    /// The version of the envelope, a kind or a flag is unknown.
    pub const UNSUPPORTED: Self = Self(0x15);
    /// The reply is a stream, which the request has given no credit for.
    pub const STREAMED: Self = Self(0x16);
    /// The service failed in a way for which there is no other code.
    pub const FAILED: Self = Self(0x17);

    /// The code that this byte stands for.
    #[must_use]
    pub const fn new(byte: u8) -> Self {
        Self(byte)
    }

    /// The byte on the wire.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self.0
    }

    /// Returns whether the service has certainly not started to work on the request.
    #[must_use]
    pub const fn is_not_started(self) -> bool {
        self.0 < FIRST_BEGUN
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

/// Codes below this one say that the request was not begun.
const FIRST_BEGUN: u8 = 0x10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_begun_is_known_by_the_number_alone() {
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
