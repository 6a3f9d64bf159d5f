//! Unix.

mod directory;
mod file;
mod file_id;
mod lock;
mod permissions;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
pub(crate) use std::os::unix::net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, SockRef, Socket, Type};
pub(crate) use tokio::net::{UnixListener, UnixStream};

use self::directory::Directory;
use self::file::Listening;
pub(crate) use self::file::SocketFile;
use super::{BindRefusal, Bound, FileAccess, ProcessCredentials};

/// Binds a path and listens. Replaces the file of a socket that no longer listens.
///
/// # Cancel safety
///
/// Dropping the future leaves nothing bound.
pub(crate) async fn bind(
    path: &Path,
    backlog: u32,
    access: FileAccess,
) -> Result<Bound, BindRefusal> {
    // If anything fails, the last of these variables is dropped first: the file, as everywhere.
    let Listening { listener, early, file } = file::bind(path, backlog, access).await?;
    let _open = listener.try_clone()?;
    let file = file;
    let early = early.into_iter().map(UnixStream::from_std).collect::<io::Result<_>>()?;
    let listener = UnixListener::from_std(listener)?;
    Ok(Bound { file: Some(file), listener, early, name: path.to_owned() })
}

/// Binds a path in a new directory that only this user can use, and listens.
///
/// # Cancel safety
///
/// Dropping the future leaves nothing bound.
pub(crate) async fn bind_fresh(backlog: u32, access: FileAccess) -> Result<Bound, BindRefusal> {
    let directory = Directory::fresh()?;
    let bound = bind(&directory.path().join("socket"), backlog, access).await?;
    Ok(Bound { file: bound.file.map(|file| file.within(directory)), ..bound })
}

/// Binds an abstract name and listens.
pub(super) fn bind_abstract(name: PathBuf, backlog: u32) -> io::Result<Bound> {
    let socket = open()?;
    socket.bind(&SockAddr::unix(&name)?)?;
    listen(&socket, backlog)?;
    without_file(socket.into(), name)
}

/// Uses a listener that was created elsewhere.
pub(crate) fn adopt(listener: StdUnixListener) -> io::Result<Bound> {
    listener.set_nonblocking(true)?;
    let name = name(&SockRef::from(&listener).local_addr()?)?;
    without_file(listener, name)
}

/// Returns the process at the other end, if the system knows it.
pub(crate) fn credentials(stream: &UnixStream) -> Option<ProcessCredentials> {
    let credentials = stream.peer_cred().ok()?;
    Some(ProcessCredentials {
        pid: credentials.pid().and_then(|pid| pid.try_into().ok()),
        uid: credentials.uid(),
        gid: credentials.gid(),
    })
}

/// Creates a non-blocking, unbound socket.
fn open() -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn listen(socket: &Socket, backlog: u32) -> io::Result<()> {
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))
}

fn without_file(listener: StdUnixListener, name: PathBuf) -> io::Result<Bound> {
    let listener = UnixListener::from_std(listener)?;
    Ok(Bound { file: None, listener, early: VecDeque::new(), name })
}

/// Returns the name that an address has.
fn name(address: &SockAddr) -> io::Result<PathBuf> {
    if let Some(path) = address.as_pathname() {
        return Ok(path.to_owned());
    }
    let name = address.as_abstract_namespace();
    let name = name.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it has no name"))?;
    Ok(OsStr::from_bytes(&[b"\0", name].concat()).into())
}
