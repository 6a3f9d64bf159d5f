//! The file of a bound socket: how it is created and removed.
//!
//! **One owner.** A process that binds a path holds its [`FileLock`] from the first check of the
//! path until the socket listens. A refused connection identifies an abandoned socket. A socket
//! that is bound and does not listen yet would look abandoned, but its process holds the lock. A
//! listener removes its file *before* it closes its socket, for which it needs no lock: while it
//! listens, no other process replaces the file.
//!
//! **Clients can connect.** The path is bound directly, because a name that a file gets later (by
//! `link` or `rename`) does not lead to the socket on every file system. A connection then proves
//! that clients can connect.
//!
//! **Permissions** are set while the socket does not listen.
//!
//! **A full backlog** shows on Linux that the socket listens. Other systems refuse a connection in
//! both cases, and a listener that accepts nothing while its backlog is full looks abandoned to the
//! next process that binds its path. Other libraries test with a connection, too, or replace every
//! file.
//!
//! **Processes that do not use the lock** can do anything that the system permits: libzmq replaces
//! every file. A listener removes its file only if it is still the same.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net;
use std::path::{self, Path, PathBuf};
use std::process;

use rustix::io::Errno;
use rustix::net::RecvFlags;
use socket2::{SockAddr, Socket};

use super::directory::Directory;
use super::file_id::FileId;
use super::lock::FileLock;
use super::{listen, open, permissions};
use crate::platform::unix_socket::{BindRefusal, FileAccess};

/// The file of a bound socket, which is removed with this value.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    id: FileId,
    /// The process that bound it. A forked child has this value as well.
    owner: u32,
    /// Removed after the file.
    _directory: Option<Directory>,
}

/// A socket that listens on a path.
#[derive(Debug)]
pub(super) struct Listening {
    pub(super) file: SocketFile,
    pub(super) listener: net::UnixListener,
    /// Connections that clients have established already.
    pub(super) early: VecDeque<net::UnixStream>,
}

/// Binds a path and listens. Replaces a socket that no longer listens.
///
/// # Cancel safety
///
/// Dropping the future leaves nothing bound.
pub(super) async fn bind(
    path: &Path,
    backlog: u32,
    access: FileAccess,
) -> Result<Listening, BindRefusal> {
    if let Ok(metadata) = fs::symlink_metadata(path) {
        let file_type = metadata.file_type();
        if !file_type.is_socket() && !file_type.is_symlink() {
            return Err(BindRefusal::NotASocket(file_type));
        }
    }
    // A path without a file name is a directory.
    let name = path.file_name().ok_or(io::ErrorKind::NotFound).map_err(io::Error::from)?;
    let lock = FileLock::acquire(path, name).await?;
    let listening = bind_locked(path, backlog, access);
    drop(lock);
    listening
}

fn bind_locked(path: &Path, backlog: u32, access: FileAccess) -> Result<Listening, BindRefusal> {
    let address = SockAddr::unix(path)?;
    let socket = open()?;
    match socket.bind(&address) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            clear(path, &address)?;
            socket.bind(&address)?;
        }
        bound => bound?,
    }
    let file = SocketFile::of(path)?;
    permissions::set(path, access)?;
    listen(&socket, backlog)?;
    let early = match verify(&socket, &address) {
        // The attributes, and not the umask, permit this process no connection.
        Err(error)
            if error.kind() == io::ErrorKind::PermissionDenied && access.attribute().is_some() =>
        {
            VecDeque::new()
        }
        early => early?,
    };
    Ok(Listening { file, listener: socket.into(), early })
}

/// Removes the file at a path if it is a socket that no longer listens.
fn clear(path: &Path, address: &SockAddr) -> Result<(), BindRefusal> {
    let file_type = match fs::symlink_metadata(path) {
        // A listener has just gone.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata?.file_type(),
    };
    let Err(error) = open()?.connect(address) else { return Err(in_use()) };
    match Errno::from_io_error(&error) {
        // It listens, and its backlog is full; or it is for datagrams.
        Some(Errno::AGAIN | Errno::PROTOTYPE) => Err(in_use()),
        // Also what a link leads to, of which only the link could be removed here.
        _ if !file_type.is_socket() => Err(BindRefusal::NotASocket(file_type)),
        Some(Errno::NOENT) => Ok(()),
        Some(Errno::CONNREFUSED) => match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        },
        _ => Err(error.into()),
    }
}

/// Proves that a connection to the path reaches this socket. Returns the connections that clients
/// have established before.
pub(super) fn verify(socket: &Socket, address: &SockAddr) -> io::Result<VecDeque<net::UnixStream>> {
    let mut probe = open()?;
    let mut refused = None;
    let is_full = match probe.connect(address) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => true,
        // A full backlog on systems other than Linux, and otherwise a path that leads elsewhere.
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            refused = Some(error);
            true
        }
        connected => connected.map(|()| false)?,
    };
    let sign = fastrand::u128(..).to_ne_bytes();
    if !is_full {
        probe.write_all(&sign)?;
    }
    let mut early = VecDeque::new();
    loop {
        let accepted = match socket.accept() {
            // It has reached another socket, which has replaced this one.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(refused.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()));
            }
            accepted => accepted?.0,
        };
        accepted.set_nonblocking(true)?;
        let mut seen = [0; size_of::<u128>()];
        let is_probe = rustix::net::recv(&accepted, &mut seen[..], RecvFlags::PEEK)
            .is_ok_and(|(_, len)| seen.get(..len) == Some(&sign[..]));
        if is_probe {
            return Ok(early);
        }
        early.push_back(accepted.into());
        // The connection has arrived through the path.
        if is_full {
            return Ok(early);
        }
    }
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        let id = FileId::of(&fs::symlink_metadata(path)?);
        // The current directory may change.
        Ok(Self { path: path::absolute(path)?, id, owner: process::id(), _directory: None })
    }

    /// Removes the directory as well.
    pub(super) fn within(mut self, directory: Directory) -> Self {
        self._directory = Some(directory);
        self
    }

    #[cfg(test)]
    pub(super) fn as_in_a_child(&self) -> Self {
        Self { path: self.path.clone(), id: self.id, owner: self.owner + 1, _directory: None }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if process::id() != self.owner {
            return;
        }
        // A process that does not use the lock may have replaced it.
        if fs::symlink_metadata(&self.path).is_ok_and(|there| FileId::of(&there) == self.id) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn in_use() -> BindRefusal {
    io::Error::from(io::ErrorKind::AddrInUse).into()
}
