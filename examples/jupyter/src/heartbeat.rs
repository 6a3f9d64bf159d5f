//! The echo by which a kernel shows that it is alive, even while it executes a cell.

use std::time::Duration;

use tokio::time;
use tokio_zmtp::{Dealer, Multipart, RecvError, SendError};

use crate::connection_file::{ConnectionFile, KernelSocket};
use crate::signed_dealer::{DealerError, dealer};

pub(crate) struct Heartbeat {
    socket: Dealer,
}

impl Heartbeat {
    pub(crate) async fn connect(connection: &ConnectionFile) -> Result<Self, DealerError> {
        let endpoint = connection.endpoint(KernelSocket::Heartbeat)?;
        Ok(Self { socket: dealer(connection)?.connect(endpoint).await? })
    }

    /// Returns when the kernel does not answer in time. Checks it once per [`INTERVAL`].
    pub(crate) async fn watch(&self) -> HeartbeatError {
        loop {
            match time::timeout(LIMIT, self.beat()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return error,
                Err(_) => return HeartbeatError::Silent,
            }
            time::sleep(INTERVAL).await;
        }
    }

    /// Sends a message and waits for its echo.
    pub(crate) async fn beat(&self) -> Result<(), HeartbeatError> {
        // A REP expects the empty part before a request.
        self.socket.send(["", "ping"]).await?;
        self.socket.recv().await?;
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum HeartbeatError {
    #[error("the kernel has not answered for {} s", LIMIT.as_secs())]
    Silent,
    #[error(transparent)]
    Recv(#[from] RecvError),
    #[error(transparent)]
    Send(#[from] SendError<Multipart>),
}

const INTERVAL: Duration = Duration::from_secs(1);

/// Long enough for a busy machine.
const LIMIT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokio's clock advances when all tasks wait.
    #[tokio::test(start_paused = true)]
    async fn a_kernel_that_does_not_answer_is_reported() {
        let kernel = Dealer::new();
        let endpoint = kernel.bind("inproc://heartbeat").await.unwrap();
        let socket = Dealer::builder().connect(endpoint).await.unwrap();
        let heartbeat = Heartbeat { socket };
        let watching = tokio::spawn(async move { heartbeat.watch().await });
        for _ in 0..3 {
            let ping = kernel.recv().await.unwrap();
            assert_eq!(ping, ["", "ping"]);
            kernel.send(ping).await.unwrap();
        }
        kernel.recv().await.unwrap();
        let error = watching.await.unwrap();
        assert!(matches!(error, HeartbeatError::Silent), "{error}");
    }
}
