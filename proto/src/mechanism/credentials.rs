//! What a remote shows of itself.

use super::curve::CurvePublicKey;
use super::plain::Password;

/// What a remote has shown of itself, for an authenticator to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credentials {
    /// Nothing: the mechanism is NULL.
    Null,
    /// A name and a password, both of up to 255 bytes.
    Plain {
        /// The name.
        username: String,
        /// The password.
        password: Password,
    },
    /// A long-term key, of which the remote has shown that it has the secret half.
    Curve {
        /// The public half.
        public_key: CurvePublicKey,
    },
}

impl Credentials {
    /// Returns the name of the mechanism: `NULL`, `PLAIN` or `CURVE`.
    #[must_use]
    pub const fn mechanism(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Plain { .. } => "PLAIN",
            Self::Curve { .. } => "CURVE",
        }
    }
}
