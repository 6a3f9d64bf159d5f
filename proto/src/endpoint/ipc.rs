use std::fmt;
use std::path::Path;

use super::{EndpointError, EndpointErrorKind};

/// A Unix domain socket: `ipc:///run/service.sock`, `ipc://@service`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IpcEndpoint(Box<str>);

/// # Examples
///
/// ```
/// use std::path::Path;
/// # mod tokio_zmtp { pub use zmtp_proto::endpoint::*; }
/// use tokio_zmtp::Endpoint;
///
/// let endpoint = "ipc:///run/service.sock".parse::<Endpoint>()?;
/// let Endpoint::Ipc(endpoint) = endpoint else { unreachable!() };
/// assert_eq!(endpoint.path(), Some(Path::new("/run/service.sock")));
/// assert_eq!(endpoint.abstract_name(), None);
/// assert!(!endpoint.is_wildcard());
/// # Ok::<(), tokio_zmtp::EndpointError>(())
/// ```
impl IpcEndpoint {
    /// Parses the text after `ipc://`.
    pub(super) fn parse(address: &str) -> Result<Self, EndpointError> {
        // An abstract name has the `@` in place of the zero of the system; a path has a zero at its
        // end.
        let bytes = match address.strip_prefix('@') {
            Some("") => {
                return Err(EndpointError::new(EndpointErrorKind::NoName, "ipc://@service"));
            }
            Some(name) => name.len(),
            None => address.len(),
        };
        if bytes == 0 {
            return Err(EndpointError::new(EndpointErrorKind::NoPath, "ipc:///tmp/service.sock"));
        }
        if bytes > PATH_MAX {
            let kind = EndpointErrorKind::PathTooLong { bytes, limit: PATH_MAX };
            return Err(EndpointError::new(kind, ""));
        }
        if address.contains('\0') {
            return Err(EndpointError::new(EndpointErrorKind::PathCharacter('\0'), address));
        }
        Ok(Self(address.into()))
    }

    /// Returns the path of the socket in the file system; `None` for an abstract name and for `*`.
    pub fn path(&self) -> Option<&Path> {
        let is_path = !self.is_wildcard() && self.abstract_name().is_none();
        is_path.then(|| Path::new(&*self.0))
    }

    /// Returns the abstract name, without the `@`; `None` for a path.
    pub fn abstract_name(&self) -> Option<&str> {
        self.0.strip_prefix('@')
    }

    /// Returns whether it is `*`, a fresh path that `bind` creates.
    pub fn is_wildcard(&self) -> bool {
        &*self.0 == "*"
    }

    pub(super) fn check_connectable(&self) -> Result<(), EndpointError> {
        if self.is_wildcard() {
            let shown = "ipc:///tmp/service.sock";
            return Err(EndpointError::new(EndpointErrorKind::WildcardPath, shown));
        }
        Ok(())
    }
}

impl fmt::Display for IpcEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ipc://{}", self.0)
    }
}

impl fmt::Debug for IpcEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The longest path, and the longest abstract name, in bytes: the capacity of
/// `sun_path` without its zero.
const PATH_MAX: usize =
    if cfg!(any(target_os = "android", target_os = "linux", windows)) { 107 } else { 103 };
