//! Unix domain sockets, which are bound to paths of the file system, or on Linux to abstract names.
//!
//! The name of a socket is its path, or a zero byte and its abstract name.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

use std::collections::VecDeque;
use std::fs::FileType;
use std::io;
use std::path::PathBuf;

#[cfg(not(unix))]
use self::other as system;
#[cfg(unix)]
use self::unix as system;

pub(crate) use self::system::{
    SocketFile, StdUnixListener, StdUnixStream, UnixListener, UnixStream, adopt, bind, bind_fresh,
    credentials,
};

/// A socket that listens.
#[derive(Debug)]
pub(crate) struct Bound {
    /// Removed before the socket is closed, as fields are dropped in their order: while the file
    /// exists, its socket listens, and no other listener replaces it. `None` for an abstract name,
    /// and for a listener that was created elsewhere.
    pub(crate) file: Option<SocketFile>,
    pub(crate) listener: UnixListener,
    /// Connections that clients established before the listener was known to be reachable.
    pub(crate) early: VecDeque<UnixStream>,
    pub(crate) name: PathBuf,
}

/// Which processes may connect to a path. `None` leaves an attribute of the file to the system.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FileAccess {
    pub(crate) group: Option<u32>,
    /// The lower nine bits, as for `chmod`. By default the umask decides, as for every file.
    pub(crate) mode: Option<u32>,
    pub(crate) owner: Option<u32>,
}

/// An attribute of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileAttribute {
    Group,
    Mode,
    Owner,
}

/// The reason why a socket cannot listen.
#[derive(Debug)]
pub(crate) enum BindRefusal {
    /// An attribute of the file cannot be set.
    Attribute {
        attribute: FileAttribute,
        source: io::Error,
    },
    Io(io::Error),
    /// The path leads to a file of this type.
    #[cfg_attr(not(unix), expect(dead_code, reason = "no path is bound on other systems"))]
    NotASocket(FileType),
}

/// The process at the other end of a Unix domain socket, as recorded by the system when the
/// connection was established (`SO_PEERCRED`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ProcessCredentials {
    /// The process id, where the system reports it.
    pub pid: Option<u32>,
    /// The user id of the process.
    pub uid: u32,
    /// The group id of the process.
    pub gid: u32,
}

/// Binds an abstract name and listens.
pub(crate) fn bind_abstract(
    name: PathBuf,
    backlog: u32,
    access: FileAccess,
) -> Result<Bound, BindRefusal> {
    // Any process can connect to it.
    if let Some(attribute) = access.attribute() {
        let reason = "an abstract name has no file";
        let source = io::Error::new(io::ErrorKind::InvalidInput, reason);
        return Err(BindRefusal::Attribute { attribute, source });
    }
    Ok(system::bind_abstract(name, backlog)?)
}

impl FileAccess {
    /// Returns the first attribute that is set.
    pub(crate) fn attribute(self) -> Option<FileAttribute> {
        let Self { group, mode, owner } = self;
        let attributes = [
            (FileAttribute::Mode, mode),
            (FileAttribute::Group, group),
            (FileAttribute::Owner, owner),
        ];
        attributes.into_iter().find(|(_, value)| value.is_some()).map(|(attribute, _)| attribute)
    }
}

impl From<io::Error> for BindRefusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
