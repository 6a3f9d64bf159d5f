//! The byte stream of one connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

/// Carries the octets of one connection, over whatever transport.
#[pin_project(project = StreamProjection)]
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(#[pin] TcpStream),
    #[cfg(unix)]
    Ipc(#[pin] UnixStream),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.project() {
            StreamProjection::Tcp(stream) => stream.poll_read(cx, buf),
            #[cfg(unix)]
            StreamProjection::Ipc(stream) => stream.poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.project() {
            StreamProjection::Tcp(stream) => stream.poll_write(cx, buf),
            #[cfg(unix)]
            StreamProjection::Ipc(stream) => stream.poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.project() {
            StreamProjection::Tcp(stream) => stream.poll_write_vectored(cx, bufs),
            #[cfg(unix)]
            StreamProjection::Ipc(stream) => stream.poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            #[cfg(unix)]
            Self::Ipc(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.project() {
            StreamProjection::Tcp(stream) => stream.poll_flush(cx),
            #[cfg(unix)]
            StreamProjection::Ipc(stream) => stream.poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.project() {
            StreamProjection::Tcp(stream) => stream.poll_shutdown(cx),
            #[cfg(unix)]
            StreamProjection::Ipc(stream) => stream.poll_shutdown(cx),
        }
    }
}
