//! The byte stream of one connection.

use std::fmt;
use std::io;
use std::net;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use pin_project::pin_project;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::shutdown::{CloseStatus, ClosingStream};
use super::tcp;
use crate::options::TcpOptions;
use crate::platform::unix_socket::{StdUnixStream, UnixStream};

/// A byte stream over any transport.
#[pin_project(project = StreamProjection)]
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(#[pin] TcpStream),
    Ipc(#[pin] UnixStream),
    Boxed(#[pin] BoxedStream),
    /// One whose protocol transmits why it ends, and has heartbeats: a WebSocket.
    #[cfg(feature = "ws")]
    Closing(#[pin] BoxedClosingStream),
}

/// A stream of any type.
pub(crate) struct BoxedStream(Pin<Box<dyn AnyStream>>);

/// A stream whose protocol transmits why it ends.
#[cfg(feature = "ws")]
pub(crate) struct BoxedClosingStream(Pin<Box<dyn ClosingStream + Send>>);

trait AnyStream: AsyncRead + AsyncWrite + Send {}

impl<S: AsyncRead + AsyncWrite + Send> AnyStream for S {}

/// A stream that is not registered with a runtime.
#[derive(Debug)]
pub(crate) enum DetachedStream {
    Tcp(net::TcpStream),
    Ipc(StdUnixStream),
    Boxed(BoxedStream),
    #[cfg(feature = "ws")]
    Closing(BoxedClosingStream),
}

impl Stream {
    /// Returns the best size of one write in bytes.
    pub(crate) const fn write_size(&self) -> usize {
        match self {
            Self::Tcp(_) | Self::Boxed(_) => TCP_WRITE_SIZE,
            #[cfg(feature = "ws")]
            Self::Closing(_) => TCP_WRITE_SIZE,
            Self::Ipc(_) => IPC_WRITE_SIZE,
        }
    }

    /// Returns whether the protocol of the stream replaces the heartbeats of ZMTP.
    pub(crate) const fn has_heartbeats(&self) -> bool {
        match self {
            #[cfg(feature = "ws")]
            Self::Closing(_) => true,
            _ => false,
        }
    }

    /// Deregisters the stream from its runtime.
    pub(crate) fn detach(self) -> io::Result<DetachedStream> {
        Ok(match self {
            Self::Tcp(stream) => DetachedStream::Tcp(stream.into_std()?),
            Self::Ipc(stream) => DetachedStream::Ipc(stream.into_std()?),
            Self::Boxed(stream) => DetachedStream::Boxed(stream),
            #[cfg(feature = "ws")]
            Self::Closing(stream) => DetachedStream::Closing(stream),
        })
    }
}

impl DetachedStream {
    /// Registers an accepted stream with the runtime of the caller, and sets its options.
    pub(crate) fn attach(self, options: &TcpOptions) -> io::Result<Stream> {
        Ok(match self {
            Self::Tcp(stream) => {
                let stream = TcpStream::from_std(stream)?;
                tcp::prepare(&stream, options);
                Stream::Tcp(stream)
            }
            Self::Ipc(stream) => Stream::Ipc(UnixStream::from_std(stream)?),
            Self::Boxed(stream) => Stream::Boxed(stream),
            #[cfg(feature = "ws")]
            Self::Closing(stream) => Stream::Closing(stream),
        })
    }
}

impl BoxedStream {
    pub(crate) fn new(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        Self(Box::pin(stream))
    }
}

impl fmt::Debug for BoxedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxedStream(..)")
    }
}

#[cfg(feature = "ws")]
impl BoxedClosingStream {
    pub(crate) fn new(stream: impl ClosingStream + Send + 'static) -> Self {
        Self(Box::pin(stream))
    }
}

#[cfg(feature = "ws")]
impl fmt::Debug for BoxedClosingStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxedClosingStream(..)")
    }
}

impl ClosingStream for Stream {
    #[cfg_attr(not(feature = "ws"), expect(unused_variables, reason = "no stream has a status"))]
    fn set_status(self: Pin<&mut Self>, status: CloseStatus) -> bool {
        match self.project() {
            #[cfg(feature = "ws")]
            StreamProjection::Closing(stream) => stream.get_mut().0.as_mut().set_status(status),
            _ => false,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.project() {
            StreamProjection::Tcp(stream) => poll_read_some(stream, cx, buf),
            StreamProjection::Ipc(stream) => poll_read_some(stream, cx, buf),
            StreamProjection::Boxed(stream) => poll_read_some(stream.get_mut().0.as_mut(), cx, buf),
            #[cfg(feature = "ws")]
            StreamProjection::Closing(stream) => {
                poll_read_some(stream.get_mut().0.as_mut(), cx, buf)
            }
        }
    }
}

/// Limits each read, so that the task yields regardless of the length of the expected message.
fn poll_read_some(
    mut stream: Pin<&mut (impl AsyncRead + ?Sized)>,
    cx: &mut Context<'_>,
    buf: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    if buf.remaining() <= READ_MAX {
        return stream.poll_read(cx, buf);
    }
    pin!(stream.as_mut().take(READ_MAX as u64)).poll_read(cx, buf)
}

/// In bytes. Over loopback, writes of 57 to 64 thousand bytes are 1.5 times as fast as those of 64
/// KiB, which no longer fit into one segment.
const TCP_WRITE_SIZE: usize = 0xF000;

/// In bytes. Writes of twice the size of those over TCP are up to a fifth faster for long bodies;
/// four times the size makes short messages a tenth slower.
const IPC_WRITE_SIZE: usize = 0x1_F000;

/// The bytes that a connection reads before it yields.
const READ_MAX: usize = 0x4_0000;

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.project() {
            StreamProjection::Tcp(stream) => stream.poll_write(cx, buf),
            StreamProjection::Ipc(stream) => stream.poll_write(cx, buf),
            StreamProjection::Boxed(stream) => stream.get_mut().0.as_mut().poll_write(cx, buf),
            #[cfg(feature = "ws")]
            StreamProjection::Closing(stream) => stream.get_mut().0.as_mut().poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.project() {
            StreamProjection::Tcp(stream) => stream.poll_write_vectored(cx, bufs),
            StreamProjection::Ipc(stream) => stream.poll_write_vectored(cx, bufs),
            StreamProjection::Boxed(stream) => {
                stream.get_mut().0.as_mut().poll_write_vectored(cx, bufs)
            }
            #[cfg(feature = "ws")]
            StreamProjection::Closing(stream) => {
                stream.get_mut().0.as_mut().poll_write_vectored(cx, bufs)
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Ipc(stream) => stream.is_write_vectored(),
            Self::Boxed(stream) => stream.0.is_write_vectored(),
            #[cfg(feature = "ws")]
            Self::Closing(stream) => stream.0.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.project() {
            StreamProjection::Tcp(stream) => stream.poll_flush(cx),
            StreamProjection::Ipc(stream) => stream.poll_flush(cx),
            StreamProjection::Boxed(stream) => stream.get_mut().0.as_mut().poll_flush(cx),
            #[cfg(feature = "ws")]
            StreamProjection::Closing(stream) => stream.get_mut().0.as_mut().poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.project() {
            StreamProjection::Tcp(stream) => stream.poll_shutdown(cx),
            StreamProjection::Ipc(stream) => stream.poll_shutdown(cx),
            StreamProjection::Boxed(stream) => stream.get_mut().0.as_mut().poll_shutdown(cx),
            #[cfg(feature = "ws")]
            StreamProjection::Closing(stream) => stream.get_mut().0.as_mut().poll_shutdown(cx),
        }
    }
}
