//! What the monitor of a socket reports: notices for the user, and the reasons of failures.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio_zmtp::Endpoint;
use tokio_zmtp::monitor::{
    DialFailure, DisconnectReason, Event, EventKind, HandshakeFailure, Monitor,
};

use crate::exit::{Exit, Failure, with_sources};
use crate::output::notice;

/// The state of the endpoints of a socket.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    state: Arc<Mutex<State>>,
    /// Has a failure as soon as every remote refuses the socket.
    refused: watch::Receiver<Option<Failure>>,
    /// The number of handshakes that have succeeded.
    connected: watch::Receiver<u64>,
}

/// The connections of a socket, one after the other.
#[derive(Debug)]
pub(crate) struct Connections(watch::Receiver<u64>);

impl Connections {
    /// Waits until another connection is established than those at the last call.
    pub(crate) async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

#[derive(Debug, Default)]
struct State {
    /// Whether the socket accepts connections.
    listens: bool,
    /// The endpoints that the socket connects to, each with the failure of its last attempt.
    dialed: HashMap<Endpoint, Option<Problem>>,
    last_failure: Option<String>,
}

#[derive(Clone, Debug)]
struct Problem {
    text: String,
    is_permanent: bool,
}

impl Watch {
    /// Reads the events of a monitor in a task of its own.
    pub(crate) fn start(mut monitor: Monitor) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let (sender, refused) = watch::channel(None);
        let (handshakes, connected) = watch::channel(0);
        let watch = Self { state, refused, connected };
        let task = watch.clone();
        tokio::spawn(async move {
            while let Some(event) = monitor.recv().await {
                let Ok(event) = event else { continue };
                let mut state = task.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.apply(&event);
                if matches!(event.kind, EventKind::HandshakeSucceeded) {
                    handshakes.send_modify(|count| *count += 1);
                }
                if let Some(failure) = state.refusal() {
                    sender.send_replace(Some(failure));
                }
            }
        });
        watch
    }

    /// Waits until every remote refuses the socket, and returns the reason.
    pub(crate) async fn refused(&mut self) -> Failure {
        if let Ok(failure) = self.refused.wait_for(Option::is_some).await {
            if let Some(failure) = failure.clone() {
                return failure;
            }
        }
        std::future::pending().await
    }

    /// Returns the connections from now on.
    pub(crate) fn connections(&self) -> Connections {
        Connections(self.connected.clone())
    }

    /// Returns why there is no connection, if an attempt has failed.
    pub(crate) fn last_failure(&self) -> Option<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).last_failure.clone()
    }

    /// Creates the failure for a time limit that was reached.
    pub(crate) fn timed_out(&self, message: &str) -> Failure {
        let failure = Failure::new(Exit::TimedOut, message);
        match self.last_failure() {
            Some(reason) => failure.hint(reason),
            None => failure,
        }
    }
}

impl State {
    fn apply(&mut self, event: &Event) {
        let endpoint = &event.endpoint;
        match &event.kind {
            EventKind::Listening => {
                self.listens = true;
                notice::info(&format!("listening on {endpoint}"));
            }
            EventKind::ConnectDelayed => {
                self.dialed.entry(endpoint.clone()).or_default();
            }
            EventKind::HandshakeSucceeded => {
                self.last_failure = None;
                if let Some(problem) = self.dialed.get_mut(endpoint) {
                    *problem = None;
                }
            }
            EventKind::ConnectFailed { reason } => {
                self.fail(endpoint, &with_sources(reason), is_permanent(reason));
            }
            EventKind::HandshakeFailed { reason } if self.dialed.contains_key(endpoint) => {
                self.fail(endpoint, &with_sources(reason), is_refusal(reason));
            }
            EventKind::HandshakeFailed { reason } => {
                // Clients have the endpoint in common, but not the address.
                let remote = match event.address {
                    Some(address) => address.to_string(),
                    None => "a remote".to_owned(),
                };
                let reason = with_sources(reason);
                let text = format!("handshake of {remote} at {endpoint} failed: {reason}");
                notice::warning(&text);
                self.last_failure = Some(text);
            }
            EventKind::Disconnected {
                reason: reason @ DisconnectReason::Refused { .. }, ..
            } => {
                self.fail(endpoint, &with_sources(reason), true);
            }
            _ => {}
        }
    }

    /// Records a failed attempt, and warns of the first one in a row.
    fn fail(&mut self, endpoint: &Endpoint, reason: &str, is_permanent: bool) {
        let text = format!("{endpoint}: {reason}");
        if let Some(previous) = self.dialed.get_mut(endpoint) {
            let is_known = previous.as_ref().is_some_and(|problem| problem.text == text);
            if !is_known && !is_permanent {
                notice::warning(&format!("{text}; retrying"));
            }
            *previous = Some(Problem { text: text.clone(), is_permanent });
        }
        self.last_failure = Some(text);
    }

    /// Returns the reason if no endpoint is left that could accept the socket.
    fn refusal(&self) -> Option<Failure> {
        let is_refused = |problem: &Option<Problem>| {
            problem.as_ref().is_some_and(|problem| problem.is_permanent)
        };
        if self.listens || self.dialed.is_empty() || !self.dialed.values().all(is_refused) {
            return None;
        }
        let reason = self.last_failure.clone()?;
        Some(Failure::new(Exit::Refused, reason))
    }
}

/// Returns whether another attempt would fail in the same way, unless the remote is reconfigured.
const fn is_permanent(failure: &DialFailure) -> bool {
    match failure {
        DialFailure::Handshake(failure) => is_refusal(failure),
        DialFailure::Disconnected(reason) => matches!(reason, DisconnectReason::Refused { .. }),
        DialFailure::ProxyRefused | DialFailure::Tls(_) | DialFailure::Upgrade(_) => true,
        _ => false,
    }
}

/// Returns whether a handshake would fail in the same way again.
const fn is_refusal(failure: &HandshakeFailure) -> bool {
    matches!(
        failure,
        HandshakeFailure::BothClients { .. }
            | HandshakeFailure::BothServers { .. }
            | HandshakeFailure::ClosedByCurveServer
            | HandshakeFailure::DuplicateIdentity { .. }
            | HandshakeFailure::ForeignProtocol { .. }
            | HandshakeFailure::IncompatibleSocketType { .. }
            | HandshakeFailure::MechanismMismatch { .. }
            | HandshakeFailure::Protocol(_)
            | HandshakeFailure::Refused { .. }
            | HandshakeFailure::Rejected { .. }
            | HandshakeFailure::Tls(_)
            | HandshakeFailure::UnknownResource { .. }
            | HandshakeFailure::Upgrade(_)
            | HandshakeFailure::WrongKey(_)
    )
}
