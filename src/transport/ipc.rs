//! Unix domain sockets.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

use zmtp_proto::endpoint::{Endpoint, IpcEndpoint};

use super::ListenError;
use crate::options::IpcOptions;
use crate::platform::unix_socket::{
    self, BindRefusal, Bound, FileAttribute, SocketFile, StdUnixListener, UnixListener, UnixStream,
};
use crate::remote::Origin;
use crate::sync::Lock;

/// Listens on one path or abstract name.
#[derive(Debug)]
pub(crate) struct IpcListener {
    /// Removed before the socket is closed: see [`Bound`].
    _file: Option<SocketFile>,
    listener: UnixListener,
    local: IpcEndpoint,
    /// Connections that clients established before the listener was known to be reachable.
    early: Lock<VecDeque<UnixStream>>,
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
                BindRefusal::Attribute { attribute, source } => {
                    ListenError::FileOption { endpoint, option: option(attribute), source }
                }
                BindRefusal::Io(source) => ListenError::Listen { endpoint, source },
                BindRefusal::NotASocket(file_type) => {
                    ListenError::NotASocket { endpoint, file_type }
                }
            }
        })
    }

    async fn listen(
        endpoint: &IpcEndpoint,
        backlog: u32,
        options: IpcOptions,
    ) -> Result<Self, BindRefusal> {
        let bound = if endpoint.is_wildcard() {
            unix_socket::bind_fresh(backlog, options.access).await?
        } else if let Some(path) = endpoint.path() {
            unix_socket::bind(path, backlog, options.access).await?
        } else {
            unix_socket::bind_abstract(system_name(endpoint), backlog, options.access)?
        };
        Ok(Self::new(bound)?)
    }

    /// Uses a listener that was created elsewhere.
    pub(super) fn adopt(listener: StdUnixListener) -> io::Result<Self> {
        Self::new(unix_socket::adopt(listener)?)
    }

    fn new(bound: Bound) -> io::Result<Self> {
        let local = local_endpoint(&bound.name)?;
        let Bound { file, listener, early, .. } = bound;
        Ok(Self { _file: file, listener, local, early: Lock::new(early) })
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

/// Dials the endpoint.
pub(super) async fn connect(endpoint: &IpcEndpoint) -> io::Result<(UnixStream, Origin)> {
    let stream = UnixStream::connect(system_name(endpoint)).await?;
    let origin = origin(&stream);
    Ok((stream, origin))
}

/// Returns the system's name of the endpoint: an abstract name begins with a zero byte.
fn system_name(endpoint: &IpcEndpoint) -> PathBuf {
    match (endpoint.path(), endpoint.abstract_name()) {
        (Some(path), _) => path.to_owned(),
        (None, name) => format!("\0{}", name.unwrap_or_default()).into(),
    }
}

/// Returns the endpoint for a name of the system.
fn local_endpoint(name: &Path) -> io::Result<IpcEndpoint> {
    let kind = io::ErrorKind::InvalidInput;
    let name = name.to_str().ok_or_else(|| io::Error::new(kind, "the name is not UTF-8"))?;
    let endpoint = match name.strip_prefix('\0') {
        Some(name) => format!("ipc://@{name}"),
        None => format!("ipc://{name}"),
    };
    match endpoint.parse() {
        Ok(Endpoint::Ipc(endpoint)) => Ok(endpoint),
        Ok(_) => unreachable!("it begins with `ipc://`"),
        Err(error) => Err(io::Error::new(kind, error)),
    }
}

fn origin(stream: &UnixStream) -> Origin {
    Origin { credentials: unix_socket::credentials(stream), ..Origin::default() }
}

/// Returns the name of the option that sets an attribute.
const fn option(attribute: FileAttribute) -> &'static str {
    match attribute {
        FileAttribute::Group => "ipc_group",
        FileAttribute::Mode => "ipc_mode",
        FileAttribute::Owner => "ipc_owner",
    }
}
