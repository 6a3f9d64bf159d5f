//! The task that keeps a socket connected to the current set of endpoints.

use std::collections::HashSet;
use std::error::Error;
use std::future;
use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{self, Instant};
use tokio_zmtp::monitor::{Event, EventKind, Missed, Monitor};
use tokio_zmtp::{ConnectError, Endpoint, Remote, Socket, SocketType};

use crate::discover::Discover;
use crate::state::State;

/// Follows a set of endpoints, until the handle is dropped or the socket is closed.
#[derive(Debug)]
pub(crate) struct Following<S> {
    socket: S,
    monitor: Monitor,
    /// Whether the set may change.
    changes: bool,
    grace: Duration,
    /// After an error, the delay before the next attempt, and its time.
    retry: Option<(Duration, Instant)>,
    /// Whether the source was asked to refresh since its last answer. It is asked only once,
    /// because each request restarts a lookup that is in progress.
    refreshed: bool,
    state: watch::Sender<State>,
    /// Endpoints that were removed, and the time when they are disconnected at the latest.
    leaving: Vec<(Endpoint, Option<Instant>)>,
    /// Endpoints of the last set to which the socket cannot connect.
    unusable: HashSet<Endpoint>,
}

/// The result of a wait of the task.
enum Step<T> {
    /// The source of endpoints has answered.
    Answered(T),
    /// A connection to an endpoint of the set has ended.
    Lost,
    /// The handle was dropped, or the socket is closed.
    Ended,
}

impl<S: Socket> Following<S> {
    pub(crate) fn new(socket: S, grace: Duration, state: watch::Sender<State>) -> Self {
        let monitor = socket.monitor();
        let (changes, retry, refreshed) = (true, None, false);
        let (leaving, unusable) = (Vec::new(), HashSet::new());
        Self { socket, monitor, changes, grace, retry, refreshed, state, leaving, unusable }
    }

    pub(crate) async fn run(mut self, mut discover: impl Discover) {
        loop {
            match self.step(&mut discover).await {
                Step::Answered(answer) => {
                    self.refreshed = false;
                    if self.handle(answer).await.is_err() {
                        break;
                    }
                }
                Step::Lost => {
                    self.refreshed = true;
                    discover.refresh();
                }
                Step::Ended => break,
            }
        }
        for (endpoint, _) in &self.leaving {
            // It fails if the socket is closed.
            let _ = self.socket.disconnect(endpoint.clone()).await;
        }
    }

    /// Waits for an answer of the source, and disconnects removed endpoints meanwhile.
    async fn step<D: Discover>(
        &mut self,
        discover: &mut D,
    ) -> Step<Result<Option<Vec<Endpoint>>, D::Error>> {
        // Events of the socket, which may be more frequent than answers, do not drop this future.
        let mut changed = pin!(next(discover, self.retry.map(|(_, time)| time)));
        loop {
            let overdue = self.leaving.iter().filter_map(|(_, until)| *until).min();
            tokio::select! {
                answer = &mut changed, if self.changes => return Step::Answered(answer),
                event = self.monitor.recv() => match event {
                    None => return Step::Ended,
                    Some(event) => {
                        if self.handle_event(event).await && self.changes && !self.refreshed {
                            return Step::Lost;
                        }
                    }
                },
                () = sleep_until(overdue) => self.disconnect_overdue().await,
                () = self.state.closed() => return Step::Ended,
            }
        }
    }

    /// Handles the next set. Fails if the socket is closed.
    async fn handle<E: Error + Send + Sync + 'static>(
        &mut self,
        answer: Result<Option<Vec<Endpoint>>, E>,
    ) -> Result<(), ConnectError> {
        match answer {
            Ok(Some(endpoints)) => {
                self.retry = None;
                return self.follow(endpoints).await;
            }
            Ok(None) => self.changes = false,
            Err(error) => {
                let shown = &error as &dyn Error;
                // Only the first failure of a series is a warning.
                if self.retry.is_none() {
                    tracing::warn!(error = shown, "the endpoints are unknown; keeping the last");
                } else {
                    tracing::debug!(error = shown, "the endpoints are unknown; keeping the last");
                }
                let delay = self.retry.map_or(RETRY, |(delay, _)| (delay * 2).min(RETRY_MAX));
                // Up to half of the delay is random, so that clients do not query the source
                // simultaneously.
                let time = Instant::now() + delay.mul_f64(1.0 - fastrand::f64() / 2.0);
                self.retry = Some((delay, time));
                self.state.send_modify(|state| state.failure = Some(Arc::new(error)));
            }
        }
        Ok(())
    }

    /// Connects new endpoints, and starts the grace period of removed ones.
    async fn follow(&mut self, found: Vec<Endpoint>) -> Result<(), ConnectError> {
        let previous = self.state.borrow().endpoints.clone();
        let mut removed: HashSet<_> = previous.iter().cloned().collect();
        let (mut current, mut seen, mut unusable) = (Vec::new(), HashSet::new(), HashSet::new());
        let mut failure: Option<Arc<dyn Error + Send + Sync>> = None;
        for endpoint in found {
            if !seen.insert(endpoint.clone()) {
                continue;
            }
            if removed.remove(&endpoint) {
                current.push(endpoint);
            } else if let Some(at) = self.leaving.iter().position(|(one, _)| *one == endpoint) {
                self.leaving.swap_remove(at);
                current.push(endpoint);
            } else {
                match self.socket.connect(endpoint.clone()).await {
                    Ok(()) => {
                        tracing::info!(%endpoint, "added");
                        current.push(endpoint);
                    }
                    Err(ConnectError::Closed) => return Err(ConnectError::Closed),
                    Err(error) => {
                        let shown = &error as &dyn Error;
                        // Each set with the endpoint repeats the attempt.
                        if self.unusable.contains(&endpoint) {
                            tracing::debug!(error = shown, "cannot connect");
                        } else {
                            tracing::warn!(error = shown, "cannot connect");
                        }
                        unusable.insert(endpoint);
                        failure = Some(Arc::new(error));
                    }
                }
            }
        }
        self.unusable = unusable;
        // A grace period beyond the range of the clock has no end.
        let until = Instant::now().checked_add(self.grace);
        for endpoint in previous.into_iter().filter(|endpoint| removed.contains(endpoint)) {
            tracing::info!(%endpoint, "removed");
            self.leaving.push((endpoint, until));
        }
        let leaving = self.leaving();
        self.state.send_modify(|state| {
            state.endpoints = current;
            state.leaving = leaving;
            state.updates += 1;
            state.failure = failure;
        });
        self.disconnect_ended().await;
        Ok(())
    }

    /// Returns whether a connection to an endpoint of the set may have ended.
    async fn handle_event(&mut self, event: Result<Event, Missed>) -> bool {
        let Ok(Event { kind, endpoint, .. }) = event else {
            // A missed event may be the end of a connection.
            self.disconnect_ended().await;
            return true;
        };
        // A remote is still listed when its connection ends, but no longer at the next attempt to
        // connect.
        if let EventKind::ConnectRetried { .. } | EventKind::Closed = kind {
            self.disconnect_ended().await;
        }
        matches!(kind, EventKind::Disconnected { .. } | EventKind::Closed)
            && self.state.borrow().endpoints.contains(&endpoint)
    }

    /// Disconnects removed endpoints that have no connection, or all of them if the socket does not
    /// receive.
    async fn disconnect_ended(&mut self) {
        if !self.leaving.is_empty() {
            let remotes = self.socket.remotes().list();
            let connected: HashSet<_> = remotes.iter().map(Remote::endpoint).collect();
            self.disconnect_where(|endpoint, _| {
                !receives(S::SOCKET_TYPE) || !connected.contains(endpoint)
            })
            .await;
        }
    }

    /// Disconnects removed endpoints whose grace period has passed.
    async fn disconnect_overdue(&mut self) {
        let now = Instant::now();
        self.disconnect_where(|endpoint, until| {
            let is_overdue = until.is_some_and(|until| until <= now);
            if is_overdue {
                tracing::warn!(%endpoint, "disconnecting, because the remote has not left in time");
            }
            is_overdue
        })
        .await;
    }

    async fn disconnect_where(
        &mut self,
        mut which: impl FnMut(&Endpoint, Option<Instant>) -> bool,
    ) {
        let leaving = mem::take(&mut self.leaving);
        let (ended, kept) =
            leaving.into_iter().partition(|(endpoint, until)| which(endpoint, *until));
        self.leaving = kept;
        let ended: Vec<(Endpoint, Option<Instant>)> = ended;
        for (endpoint, _) in ended {
            // It fails if the socket is closed.
            let _ = self.socket.disconnect(endpoint).await;
        }
        let leaving = self.leaving();
        self.state.send_if_modified(|state| {
            let is_changed = state.leaving != leaving;
            state.leaving = leaving;
            is_changed
        });
    }

    fn leaving(&self) -> Vec<Endpoint> {
        self.leaving.iter().map(|(endpoint, _)| endpoint.clone()).collect()
    }
}

/// Waits for the next set, from the time of the next attempt on if the last one failed.
async fn next<D: Discover>(
    discover: &mut D,
    retry: Option<Instant>,
) -> Result<Option<Vec<Endpoint>>, D::Error> {
    if let Some(time) = retry {
        time::sleep_until(time).await;
    }
    discover.changed().await
}

async fn sleep_until(time: Option<Instant>) {
    match time {
        Some(time) => time::sleep_until(time).await,
        None => future::pending().await,
    }
}

/// Returns whether a socket of this type receives messages.
fn receives(socket_type: SocketType) -> bool {
    !matches!(
        socket_type,
        SocketType::Pub | SocketType::Push | SocketType::Radio | SocketType::Scatter
    )
}

/// The delays after an error: short enough to notice the end of an outage, and long enough not to
/// prolong it.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);
