//! Systems for which Tokio has no Unix domain sockets: nothing is bound or connected, and the types
//! have no values.

pub(crate) use std::convert::Infallible as SocketFile;
pub(crate) use std::convert::Infallible as StdUnixListener;
pub(crate) use std::convert::Infallible as StdUnixStream;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{BindRefusal, Bound, FileAccess, ProcessCredentials};

#[derive(Debug)]
pub(crate) enum UnixListener {}

#[derive(Debug)]
pub(crate) enum UnixStream {}

pub(crate) async fn bind(_: &Path, _: u32, _: FileAccess) -> Result<Bound, BindRefusal> {
    Err(unsupported().into())
}

pub(crate) async fn bind_fresh(_: u32, _: FileAccess) -> Result<Bound, BindRefusal> {
    Err(unsupported().into())
}

pub(super) fn bind_abstract(_: PathBuf, _: u32) -> io::Result<Bound> {
    Err(unsupported())
}

pub(crate) fn adopt(listener: StdUnixListener) -> io::Result<Bound> {
    match listener {}
}

pub(crate) fn credentials(stream: &UnixStream) -> Option<ProcessCredentials> {
    match *stream {}
}

impl UnixListener {
    pub(crate) async fn accept(&self) -> io::Result<(UnixStream, ())> {
        match *self {}
    }
}

impl UnixStream {
    pub(crate) async fn connect(_: impl AsRef<Path>) -> io::Result<Self> {
        Err(unsupported())
    }

    pub(crate) fn from_std(stream: StdUnixStream) -> io::Result<Self> {
        match stream {}
    }

    pub(crate) fn into_std(self) -> io::Result<StdUnixStream> {
        match self {}
    }
}

impl AsyncRead for UnixStream {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match *self {}
    }
}

impl AsyncWrite for UnixStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        match *self {}
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match *self {}
    }

    fn is_write_vectored(&self) -> bool {
        match *self {}
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}

fn unsupported() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "this system has no Unix domain sockets")
}
