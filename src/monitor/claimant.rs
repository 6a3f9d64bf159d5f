//! The public part of the credentials of a remote.

use std::fmt;

use zmtp_proto::mechanism::Credentials;
use zmtp_proto::mechanism::curve::CurvePublicKey;

/// The user or key that a remote claimed, and with which it was not admitted. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claimant {
    /// The public key of a client of CURVE, which has proved that it holds the secret half.
    Key(CurvePublicKey),
    /// The username of a client of PLAIN, as the remote sent it.
    User(String),
}

impl Claimant {
    /// Returns the claim in these credentials; `None` if they name neither a user nor a key.
    pub(crate) fn of(credentials: &Credentials) -> Option<Self> {
        match credentials {
            Credentials::Curve { public_key } => Some(Self::Key(*public_key)),
            Credentials::Plain { username, .. } => Some(Self::User(username.clone())),
            _ => None,
        }
    }
}

/// Escapes a username, so that a remote cannot put control sequences into a log.
impl fmt::Display for Claimant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "key {key}"),
            Self::User(name) => write!(f, "user {name:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_username_is_displayed_without_control_characters() {
        let claimant = Claimant::User("bob\x1B[2J".into());
        assert_eq!(claimant.to_string(), "user \"bob\\u{1b}[2J\"");
    }
}
