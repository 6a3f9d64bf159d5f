//! The echo by which a kernel shows that it is alive, even while it executes a cell.

use std::time::Duration;

use tokio::time;
use tokio_zmtp::{Builder, Req, RequestError};

use crate::connection_file::{ConnectionFile, KernelSocket};
use crate::signed_dealer::SocketError;

pub(crate) struct Heartbeat {
    req: Req,
}

impl Heartbeat {
    pub(crate) async fn connect(connection: &ConnectionFile) -> Result<Self, SocketError> {
        let builder = connection.configure(options())?;
        let endpoint = connection.endpoint(KernelSocket::Heartbeat)?;
        Ok(Self { req: builder.connect(endpoint).await? })
    }

    /// Returns when the kernel does not answer in time. Checks it once per [`INTERVAL`].
    pub(crate) async fn watch(&self) -> HeartbeatError {
        loop {
            if let Err(error) = self.beat().await {
                return error;
            }
            time::sleep(INTERVAL).await;
        }
    }

    /// Sends a message and waits for its echo.
    pub(crate) async fn beat(&self) -> Result<(), HeartbeatError> {
        self.req.request("ping").await?;
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the kernel does not answer")]
pub(crate) struct HeartbeatError(#[from] RequestError);

/// Permits to repeat a message whenever its connection is lost. The process of the kernel shows
/// whether it has ended.
fn options() -> Builder<Req> {
    Req::builder().attempts(u32::MAX).request_timeout(LIMIT)
}

const INTERVAL: Duration = Duration::from_secs(1);

/// Long enough for a busy machine.
const LIMIT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use tokio_zmtp::Rep;

    use super::*;

    /// Tokio's clock advances when all tasks wait.
    #[tokio::test(start_paused = true)]
    async fn a_kernel_that_does_not_answer_is_reported() {
        let kernel = Rep::new();
        let endpoint = kernel.bind("inproc://heartbeat").await.unwrap();
        let req = options().connect(endpoint).await.unwrap();
        let heartbeat = Heartbeat { req };
        let watching = tokio::spawn(async move { heartbeat.watch().await });
        for _ in 0..3 {
            let (ping, mut replier) = kernel.recv().await.unwrap();
            assert_eq!(ping, ["ping"]);
            replier.reply(ping).await.unwrap();
        }
        let _unanswered = kernel.recv().await.unwrap();
        let error = watching.await.unwrap();
        assert!(matches!(error, HeartbeatError(RequestError::Timeout(_))), "{error}");
    }
}
