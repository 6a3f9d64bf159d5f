//! Unix domain sockets.

mod file;
mod file_id;
mod lock;
mod permissions;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, FileType};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net;
use std::path::{Path, PathBuf};
use std::process;
use std::str;

use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use tokio::net::{UnixListener, UnixStream};
use zmtp_proto::endpoint::{Endpoint, IpcEndpoint};

use self::file::{Bound, File};
use super::ListenError;
use crate::options::IpcOptions;
use crate::remote::{Origin, ProcessCredentials};
use crate::sync::Lock;

/// Listens on one path or abstract name.
#[derive(Debug)]
pub(crate) struct IpcListener {
    /// Removed before the socket is closed, as fields are dropped in their order: while the file
    /// exists, its socket listens, and no other listener replaces it. `None` for an abstract name,
    /// and for a listener that was created elsewhere.
    _file: Option<File>,
    listener: UnixListener,
    local: IpcEndpoint,
    /// Connections that clients established before the listener was known to be reachable.
    early: Lock<VecDeque<UnixStream>>,
    _directory: Option<Directory>,
}

/// A directory that was created for one file, and is removed with it.
#[derive(Debug)]
struct Directory {
    path: PathBuf,
    /// The process that has created it.
    owner: u32,
}

impl IpcListener {
    /// Binds the endpoint; replaces the file of a socket that no longer listens.
    pub(super) async fn bind(
        endpoint: &IpcEndpoint,
        backlog: u32,
        options: IpcOptions,
    ) -> Result<Self, ListenError> {
        let listening = Self::listen(endpoint, backlog, options).await;
        listening.map_err(|refusal| {
            let endpoint = Endpoint::Ipc(endpoint.clone());
            match refusal {
                Refusal::FileOption { option, source } => {
                    ListenError::FileOption { endpoint, option, source }
                }
                Refusal::Io(source) => ListenError::Listen { endpoint, source },
                Refusal::NotASocket(file_type) => ListenError::NotASocket { endpoint, file_type },
            }
        })
    }

    async fn listen(
        endpoint: &IpcEndpoint,
        backlog: u32,
        options: IpcOptions,
    ) -> Result<Self, Refusal> {
        if endpoint.is_wildcard() {
            let directory = Directory::fresh()?;
            let path = directory.path.join("socket");
            let local = parse(path.to_str())?;
            let listener = Self::at_path(&path, local, backlog, options).await?;
            Ok(Self { _directory: Some(directory), ..listener })
        } else if let Some(path) = endpoint.path() {
            Self::at_path(path, endpoint.clone(), backlog, options).await
        } else {
            permissions::refuse(options)?;
            let socket = open()?;
            socket.bind(&SockAddr::unix(system_path(endpoint))?)?;
            listen(&socket, backlog)?;
            Ok(Self::new(socket.into(), endpoint.clone())?)
        }
    }

    async fn at_path(
        path: &Path,
        local: IpcEndpoint,
        backlog: u32,
        options: IpcOptions,
    ) -> Result<Self, Refusal> {
        // If anything fails, the last of these variables is dropped first: the file, as everywhere.
        let Bound { listener, early, file } = file::bind(path, backlog, options).await?;
        let _open = listener.try_clone()?;
        let file = file;
        let early = early.into_iter().map(UnixStream::from_std).collect::<io::Result<_>>()?;
        let listener = Self::new(listener, local)?;
        Ok(Self { _file: Some(file), early: Lock::new(early), ..listener })
    }

    /// Uses a listener that was created elsewhere.
    pub(super) fn adopt(listener: net::UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let local = name(&SockRef::from(&listener).local_addr()?)?;
        Self::new(listener, local)
    }

    fn new(listener: net::UnixListener, local: IpcEndpoint) -> io::Result<Self> {
        let listener = UnixListener::from_std(listener)?;
        Ok(Self { _file: None, listener, local, early: Lock::default(), _directory: None })
    }

    /// Waits for the next connection.
    pub(super) async fn accept(&self) -> io::Result<(UnixStream, Origin)> {
        let early = self.early.lock().pop_front();
        let stream = match early {
            Some(early) => early,
            None => self.listener.accept().await?.0,
        };
        let origin = origin(&stream);
        Ok((stream, origin))
    }

    pub(super) fn local(&self) -> &IpcEndpoint {
        &self.local
    }
}

impl Directory {
    /// Creates a directory that only this user can use.
    fn fresh() -> io::Result<Self> {
        loop {
            let name = format!("tokio-zmtp-{:016x}", fastrand::u64(..));
            let path = std::env::temp_dir().join(name);
            match DirBuilder::new().mode(0o700).create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                created => return created.map(|()| Self { path, owner: process::id() }),
            }
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // A forked child must not remove the directory.
        if process::id() == self.owner {
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// The reason why a socket cannot listen on an endpoint.
#[derive(Debug)]
enum Refusal {
    FileOption {
        option: &'static str,
        source: io::Error,
    },
    Io(io::Error),
    /// The path leads to a file of this type.
    NotASocket(FileType),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Dials the endpoint.
pub(super) async fn connect(endpoint: &IpcEndpoint) -> io::Result<(UnixStream, Origin)> {
    let stream = UnixStream::connect(system_path(endpoint)).await?;
    let origin = origin(&stream);
    Ok((stream, origin))
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

/// Returns the system's name of the endpoint: an abstract name begins with a zero byte.
fn system_path(endpoint: &IpcEndpoint) -> PathBuf {
    match (endpoint.path(), endpoint.abstract_name()) {
        (Some(path), _) => path.to_owned(),
        (None, name) => format!("\0{}", name.unwrap_or_default()).into(),
    }
}

/// Returns the endpoint for a name of the system.
fn name(address: &SockAddr) -> io::Result<IpcEndpoint> {
    let text = match (address.as_pathname(), address.as_abstract_namespace()) {
        (Some(path), _) => path.to_str().map(str::to_owned),
        (None, Some(name)) => str::from_utf8(name).ok().map(|name| format!("@{name}")),
        (None, None) => None,
    };
    parse(text.as_deref())
}

/// Parses the part of an endpoint after `ipc://`. Returns an error if there is none.
fn parse(text: Option<&str>) -> io::Result<IpcEndpoint> {
    let kind = io::ErrorKind::InvalidInput;
    let text = text.ok_or_else(|| io::Error::new(kind, "no name, or a name that is not UTF-8"))?;
    match format!("ipc://{text}").parse() {
        Ok(Endpoint::Ipc(endpoint)) => Ok(endpoint),
        Ok(_) => unreachable!("it begins with `ipc://`"),
        Err(error) => Err(io::Error::new(kind, error)),
    }
}

fn origin(stream: &UnixStream) -> Origin {
    let credentials = stream.peer_cred().ok().map(|credentials| ProcessCredentials {
        pid: credentials.pid().and_then(|pid| pid.try_into().ok()),
        uid: credentials.uid(),
        gid: credentials.gid(),
    });
    Origin { credentials, ..Origin::default() }
}
