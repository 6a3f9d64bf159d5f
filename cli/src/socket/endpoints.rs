//! The endpoints of a socket, as its events describe them.

use std::collections::HashMap;

use tokio_zmtp::Endpoint;
use tokio_zmtp::monitor::{DialFailure, DisconnectReason, Event, EventKind, HandshakeFailure};

use crate::exit::{Exit, Failure, with_sources};

/// The state of the endpoints of a socket.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    /// Whether the socket accepts connections.
    listens: bool,
    /// The endpoints that the socket connects to, each with the failure of its last attempt.
    dialed: HashMap<Endpoint, Option<Problem>>,
    pub(super) last_failure: Option<String>,
}

/// What the user should know about an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    Info(String),
    Warning(String),
}

#[derive(Clone, Debug)]
struct Problem {
    text: String,
    is_permanent: bool,
}

impl Endpoints {
    /// Records an event, and returns what the user should know.
    pub(crate) fn apply(&mut self, event: &Event) -> Option<Notice> {
        let endpoint = &event.endpoint;
        match &event.kind {
            EventKind::Listening => {
                self.listens = true;
                return Some(Notice::Info(format!("listening on {endpoint}")));
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
                return self.fail(endpoint, &with_sources(reason), is_permanent(reason));
            }
            EventKind::HandshakeFailed { reason } if self.dialed.contains_key(endpoint) => {
                return self.fail(endpoint, &with_sources(reason), is_refusal(reason));
            }
            EventKind::HandshakeFailed { reason } => {
                // Clients have the endpoint in common, but not the address.
                let remote = match event.address {
                    Some(address) => address.to_string(),
                    None => "a remote".to_owned(),
                };
                let reason = with_sources(reason);
                let text = format!("handshake of {remote} at {endpoint} failed: {reason}");
                self.last_failure = Some(text.clone());
                return Some(Notice::Warning(text));
            }
            EventKind::Disconnected {
                reason: reason @ DisconnectReason::Refused { .. }, ..
            } => {
                return self.fail(endpoint, &with_sources(reason), true);
            }
            _ => {}
        }
        None
    }

    /// Records a failed attempt, and warns of the first one in a row.
    fn fail(&mut self, endpoint: &Endpoint, reason: &str, is_permanent: bool) -> Option<Notice> {
        let text = format!("{endpoint}: {reason}");
        let mut notice = None;
        if let Some(previous) = self.dialed.get_mut(endpoint) {
            let is_known = previous.as_ref().is_some_and(|problem| problem.text == text);
            if !is_known && !is_permanent {
                notice = Some(Notice::Warning(format!("{text}; retrying")));
            }
            *previous = Some(Problem { text: text.clone(), is_permanent });
        }
        self.last_failure = Some(text);
        notice
    }

    /// Returns the reason if no endpoint is left that could accept the socket.
    pub(crate) fn refusal(&self) -> Option<Failure> {
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
