use super::{EndpointError, EndpointErrorKind};

/// Parses the name of an endpoint that has nothing else. `shown` is a valid endpoint.
pub(super) fn parse_name(name: &str, shown: &str) -> Result<Box<str>, EndpointError> {
    match name.len() {
        0 => Err(EndpointError::new(EndpointErrorKind::NoName, shown)),
        1..=NAME_MAX => Ok(name.into()),
        bytes => {
            let kind = EndpointErrorKind::NameTooLong { bytes, limit: NAME_MAX };
            Err(EndpointError::new(kind, ""))
        }
    }
}

/// The longest name, in bytes: libzmq's limit for `inproc`.
const NAME_MAX: usize = 256;
