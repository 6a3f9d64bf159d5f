//! The end of a stream that this side refuses.

use std::future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time;

/// A stream whose protocol may transmit why this side ends it.
pub(crate) trait ClosingStream: AsyncRead + AsyncWrite {
    /// Sets the status that the remote receives when the stream is shut down, unless it has been set
    /// or sent before. What is read afterwards has no meaning, and is discarded by [`shut_down`].
    /// Returns false if the protocol does not have a status.
    fn set_status(self: Pin<&mut Self>, status: CloseStatus) -> bool;
}

#[cfg(any(test, micro))]
impl ClosingStream for tokio::io::DuplexStream {
    fn set_status(self: Pin<&mut Self>, _: CloseStatus) -> bool {
        false
    }
}

/// Why a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseStatus {
    /// The connection is no longer needed.
    Normal,
    /// The remote violates the protocol.
    ProtocolError,
    /// This side does not accept the remote, or what it does.
    PolicyViolation,
    /// A message exceeds a limit.
    TooLarge,
    /// This side has failed.
    InternalError,
    /// This side may accept the remote later.
    TryAgainLater,
}

/// Ends this side of a stream, and waits until the remote has received what was written: a stream
/// that is closed with unread bytes is reset, which can destroy it. Reads meanwhile, because the
/// remote may wait until what it sends is read.
///
/// # Cancel safety
///
/// The stream can be dropped.
pub(crate) async fn shut_down(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let (mut is_shut_down, mut drain) = (false, Drain { left: DRAINED_MAX, is_ended: false });
    let closing = future::poll_fn(|cx| {
        if !is_shut_down {
            is_shut_down = Pin::new(&mut *stream).poll_shutdown(cx)?.is_ready();
        }
        ready!(drain.poll(Pin::new(&mut *stream), cx))?;
        if is_shut_down { Poll::Ready(Ok::<_, io::Error>(())) } else { Poll::Pending }
    });
    // The connection has failed already. An error changes nothing.
    let _ = Box::pin(time::timeout(DRAIN_TIME, closing)).await;
}

/// The discarding of what a remote still sends.
#[derive(Debug)]
struct Drain {
    /// The bytes that are discarded at most.
    left: usize,
    is_ended: bool,
}

impl Drain {
    /// Ready when the remote has ended its side, or has sent too much.
    fn poll(
        &mut self,
        mut stream: Pin<&mut impl AsyncRead>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.is_ended {
            let mut chunk = [0; CHUNK];
            let mut discarded = ReadBuf::new(&mut chunk);
            ready!(stream.as_mut().poll_read(cx, &mut discarded))?;
            let count = discarded.filled().len();
            self.left = self.left.saturating_sub(count);
            self.is_ended = count == 0 || self.left == 0;
        }
        Poll::Ready(Ok(()))
    }
}

/// The time that a remote has to close the connection.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// In bytes: more than the buffers of both systems hold, which a remote fills before it receives the
/// reason.
const DRAINED_MAX: usize = 0x100_0000;

/// The bytes that are read together.
const CHUNK: usize = 0x1000;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_remote_that_writes_before_it_reads_receives_what_was_written() {
        let (mut near, mut far) = duplex(10);
        near.write_all(b"the reason").await.unwrap();
        let remote = async {
            far.write_all(&[0; 100_000]).await.unwrap();
            let mut reason = String::new();
            far.read_to_string(&mut reason).await.unwrap();
            drop(far);
            reason
        };
        let begun = Instant::now();
        let ((), reason) = tokio::join!(shut_down(&mut near), remote);
        assert_eq!(reason, "the reason");
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_remote_that_does_not_end_is_awaited_for_a_limited_time() {
        let (mut near, far) = duplex(10);
        let begun = Instant::now();
        shut_down(&mut near).await;
        assert!(begun.elapsed() >= DRAIN_TIME && begun.elapsed() < DRAIN_TIME * 2);
        drop(far);
    }

    #[tokio::test(start_paused = true)]
    async fn a_limited_number_of_bytes_is_discarded() {
        let (mut near, mut far) = duplex(CHUNK);
        let flood = tokio::spawn(async move {
            let mut sent = 0;
            while let Ok(count) = far.write(&[0; CHUNK]).await {
                sent += count;
            }
            sent
        });
        let begun = Instant::now();
        shut_down(&mut near).await;
        drop(near);
        assert!((DRAINED_MAX..=DRAINED_MAX + 2 * CHUNK).contains(&flood.await.unwrap()));
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
