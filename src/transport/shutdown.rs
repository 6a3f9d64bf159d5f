//! The end of a stream that this side refuses.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time;

/// Ends this side of a stream, and waits until the remote has received what was written: a stream
/// that is closed with unread bytes is reset, which can destroy it.
pub(super) async fn shut_down(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let draining = async {
        stream.shutdown().await?;
        let mut unread = stream.take(DRAINED_MAX);
        let mut chunk = [0; 0x200];
        while unread.read(&mut chunk).await? > 0 {}
        Ok::<_, io::Error>(())
    };
    // The connection has failed already. An error changes nothing.
    let _ = Box::pin(time::timeout(DRAIN_TIME, draining)).await;
}

/// The time that a remote has to close the connection.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// In bytes: more than a remote sends before it receives the reason.
const DRAINED_MAX: u64 = 0x1_0000;
