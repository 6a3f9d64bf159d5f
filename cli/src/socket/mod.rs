//! A socket of the type that the command line names, and what it reports.

mod endpoints;
mod receiving;
mod sending;
mod watch;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio_zmtp::SocketType;
use tokio_zmtp::config::{AnySocket, ConfigError, SocketConfig};
use tokio_zmtp::monitor::Monitor;

pub(crate) use self::endpoints::Endpoints;
pub(crate) use self::receiving::{Origin, Received, recv_many};
pub(crate) use self::sending::{Outgoing, send, wait_for_recipients};
pub(crate) use self::watch::Watch;
use crate::exit::{Exit, Failure, with_sources};
use crate::output::notice;
use crate::{platform, signals};

/// A handle of an open socket. The last one is closed by [`finish`], so that nothing is lost
/// silently.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) socket: AnySocket,
    /// What the monitor has reported.
    pub(crate) watch: Watch,
    /// The number of messages that a PUB or XPUB has sent without a subscriber, of all handles.
    unclaimed: Arc<AtomicU64>,
}

impl Open {
    /// Starts a socket from its description.
    pub(crate) async fn start(config: &SocketConfig) -> Result<Self, Failure> {
        let (socket, monitor) = config.start_with_monitor().await.map_err(refused)?;
        Ok(Self::new(socket, monitor))
    }

    /// Watches the events of a socket.
    pub(crate) fn new(socket: AnySocket, monitor: Monitor) -> Self {
        Self { socket, watch: Watch::start(monitor), unclaimed: Arc::default() }
    }

    /// Returns another handle.
    pub(crate) fn sender(&self) -> Self {
        Self {
            socket: self.socket.clone(),
            watch: self.watch.clone(),
            unclaimed: Arc::clone(&self.unclaimed),
        }
    }

    /// Waits for a future, and writes a notice if it takes long.
    pub(crate) async fn patiently<T>(&self, awaited: &str, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = tokio::time::sleep(NOTICEABLE) => {}
        }
        notice::info(&format!("waiting {awaited}"));
        work.await
    }

    /// Waits for a future. Fails early if every remote refuses this socket, or if the user
    /// interrupts the program.
    pub(crate) async fn unless_refused<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            done = work => done,
            failure = self.watch.refused() => Err(failure),
            exit = signals::interrupted() => Err(Failure::quiet(exit)),
        }
    }

    /// Waits like [`unless_refused`](Self::unless_refused). Also fails when the reader of the output
    /// has closed it, even if no message arrives that could be written.
    pub(crate) async fn unless_unread<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let read = async {
            tokio::select! {
                biased;
                done = work => done,
                () = platform::reader_closed() => Err(Failure::quiet(Exit::BrokenPipe)),
            }
        };
        self.unless_refused(read).await
    }

    /// Closes the socket, and reports the messages that could not be written, that were dropped for
    /// slow remotes, and that had no subscriber. The latter are not a failure: a publisher need not
    /// know what is subscribed to.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        let report = self.socket.close().await;
        match self.unclaimed.load(Ordering::Relaxed) {
            0 => {}
            1 => notice::info("1 message had no subscriber"),
            count => notice::info(&format!("{count} messages had no subscriber")),
        }
        let undelivered = match report.undelivered {
            0 => None,
            1 => Some("1 message was not written".to_owned()),
            count => Some(format!("{count} messages were not written")),
        };
        let missed = self.missed();
        let texts: Vec<_> = undelivered.iter().chain(&missed).map(String::as_str).collect();
        if texts.is_empty() {
            return Ok(());
        }
        let text = texts.join("; ");
        Err(match missed {
            Some(_) => Failure::new(Exit::Incomplete, text).hint(self.remedy()),
            None => self.incomplete(&text),
        })
    }

    /// Returns what avoids that messages are dropped for slow remotes.
    fn remedy(&self) -> &'static str {
        match self.socket.socket_type() {
            SocketType::Pub | SocketType::Xpub => "`--option slow_subscriber=wait` waits for them",
            _ => "`--option send_hwm=NUMBER` queues more",
        }
    }

    /// Counts a message that has no subscriber.
    fn count_unclaimed(&self, subscribers: impl FnOnce() -> usize) {
        if subscribers() == 0 {
            self.unclaimed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Describes the messages that the socket has dropped because the queue of a remote was full.
    fn missed(&self) -> Option<String> {
        let remotes = match self.socket.socket_type() {
            SocketType::Pub | SocketType::Xpub => "slow subscribers",
            SocketType::Radio => "slow members of the group",
            _ => "slow remotes",
        };
        match self.socket.stats().dropped.missed {
            0 => None,
            1 => Some(format!("1 message was dropped for {remotes}")),
            count => Some(format!("{count} messages were dropped for {remotes}")),
        }
    }

    fn incomplete(&self, message: &str) -> Failure {
        let failure = Failure::new(Exit::Incomplete, message);
        match self.watch.last_failure() {
            Some(reason) => failure.hint(reason),
            None => failure,
        }
    }
}

/// Ends a command: closes the socket, and returns the first failure.
pub(crate) async fn finish(open: Open, done: Result<(), Failure>) -> Result<(), Failure> {
    let closed = open.close().await;
    match (done, closed) {
        (Err(failure), Err(lost)) => {
            notice::error(&lost.to_string());
            Err(failure)
        }
        (done, closed) => done.and(closed),
    }
}

/// The name of a type on the command line, such as `push`.
pub(crate) fn name_of(socket_type: SocketType) -> String {
    socket_type.as_str().to_lowercase()
}

pub(crate) fn refused(error: ConfigError) -> Failure {
    let exit = match error {
        ConfigError::Bind(_) => Exit::Failure,
        _ => Exit::Usage,
    };
    Failure::new(exit, with_sources(&error))
}

/// After this time a user wonders what the program waits for.
const NOTICEABLE: Duration = Duration::from_secs(1);
