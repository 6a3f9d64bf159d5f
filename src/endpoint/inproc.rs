use std::fmt;

use super::{EndpointError, EndpointErrorKind};

/// Names a meeting point inside this process: `inproc://workers`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct InprocEndpoint(Box<str>);

impl InprocEndpoint {
    /// Makes up a name that nobody else in this process has.
    #[must_use]
    pub fn unique() -> Self {
        Self(format!("{:032x}", fastrand::u128(..)).into())
    }

    /// Parses what follows `inproc://`.
    pub(super) fn parse(name: &str) -> Result<Self, EndpointError> {
        match name.len() {
            0 => Err(EndpointError::new(EndpointErrorKind::NoName, "inproc://service")),
            1..=NAME_MAX => Ok(Self(name.into())),
            octets => {
                let kind = EndpointErrorKind::NameTooLong { octets, limit: NAME_MAX };
                Err(EndpointError::new(kind, ""))
            }
        }
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InprocEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "inproc://{}", self.0)
    }
}

impl fmt::Debug for InprocEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The longest name, in octets: libzmq's limit.
const NAME_MAX: usize = 256;
