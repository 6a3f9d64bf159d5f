//! Options of a requester.

use std::time::Duration;

use super::call_permit::CallPermit;
use super::calls::{CALLS_MAX, Calls};
use super::core::RequesterCore;
use super::dispatcher::Dispatcher;
use crate::rpc::{Requester, RequestingSocket};
use crate::socket::Client;

/// Sets the options of a [`Requester`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tokio_zmtp::Client;
/// use tokio_zmtp::rpc::Requester;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::new();
/// client.connect("tcp://127.0.0.1:5555").await?;
/// let requester = Requester::builder(client).timeout(Duration::from_secs(5)).build();
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "options do nothing until the requester is built"]
pub struct RequesterBuilder<S: RequestingSocket = Client> {
    socket: S,
    max_outstanding: usize,
    stream_window: u32,
    timeout: Option<Duration>,
}

/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tokio_zmtp::rpc::Requester;
///
/// # async fn example(client: tokio_zmtp::Client) -> Result<(), Box<dyn std::error::Error>> {
/// let requester = Requester::builder(client)
///     .max_outstanding(1_000)
///     .stream_window(16)
///     .timeout(Duration::from_secs(5))
///     .build();
/// # Ok(())
/// # }
/// ```
impl<S: RequestingSocket> RequesterBuilder<S> {
    pub(super) const fn new(socket: S) -> Self {
        Self {
            socket,
            max_outstanding: MAX_OUTSTANDING,
            stream_window: STREAM_WINDOW,
            timeout: None,
        }
    }

    /// Sets the maximum number of outstanding calls; further calls wait. Clamped to 1 through
    /// 16,777,216. Default: 65,536, for which the calls themselves take about 16 MiB.
    pub fn max_outstanding(self, calls: usize) -> Self {
        Self { max_outstanding: calls.clamp(1, CALLS_MAX), ..self }
    }

    /// Sets the maximum number of parts of a streamed reply that are in transit or wait to be read.
    /// At least 1. Default: 64, which keeps the network busy, and takes little enough memory for
    /// many streams.
    pub fn stream_window(self, parts: u32) -> Self {
        Self { stream_window: parts.max(1), ..self }
    }

    /// Sets the timeout of calls whose request has no deadline of its own. Default: none; such a
    /// call waits until its reply arrives or its connection ends.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Creates the requester, and starts the task that receives for it, in the runtime of the
    /// socket.
    #[must_use]
    pub fn build(self) -> Requester<S> {
        let calls = Calls::new(self.max_outstanding);
        let (ends, open) = self.socket.watch_connections();
        let Self { socket, timeout, stream_window, .. } = self;
        let core = RequesterCore::new(socket, calls, open, timeout, stream_window);
        core.socket.runtime().spawn(Dispatcher::new(&core, ends));
        Requester { core, permit: CallPermit::default(), opening: None }
    }
}

const MAX_OUTSTANDING: usize = 65_536;

const STREAM_WINDOW: u32 = 64;
