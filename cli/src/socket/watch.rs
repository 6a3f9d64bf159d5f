//! What the monitor of a socket reports: notices for the user, and the reasons of failures.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio_zmtp::monitor::{EventKind, Monitor};

use super::endpoints::{Endpoints, Notice};
use crate::exit::{Exit, Failure};
use crate::output::notice;

/// The state of the endpoints of a socket.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    state: Arc<Mutex<Endpoints>>,
    /// Has a failure as soon as every remote refuses the socket.
    refused: watch::Receiver<Option<Failure>>,
    /// The number of handshakes that have succeeded, and of reported subscriptions.
    recipients: watch::Receiver<u64>,
}

/// The remotes that messages can be for, one after the other.
#[derive(Debug)]
pub(crate) struct Recipients(watch::Receiver<u64>);

impl Recipients {
    /// Waits until there are others than at the last call: a connection, or a subscription of a
    /// socket with the option `subscription_events`.
    pub(crate) async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

impl Watch {
    /// Reads the events of a monitor in a task of its own.
    pub(crate) fn start(mut monitor: Monitor) -> Self {
        let state = Arc::new(Mutex::new(Endpoints::default()));
        let (sender, refused) = watch::channel(None);
        let (changes, recipients) = watch::channel(0);
        let watch = Self { state, refused, recipients };
        let task = watch.clone();
        tokio::spawn(async move {
            while let Some(event) = monitor.recv().await {
                let Ok(event) = event else {
                    // One of the lost events may be a connection.
                    changes.send_modify(|count| *count += 1);
                    continue;
                };
                let mut state = task.state.lock().unwrap_or_else(PoisonError::into_inner);
                match state.apply(&event) {
                    Some(Notice::Info(text)) => notice::info(&text),
                    Some(Notice::Warning(text)) => notice::warning(&text),
                    None => {}
                }
                if matches!(
                    event.kind,
                    EventKind::HandshakeSucceeded | EventKind::Subscribed { .. }
                ) {
                    changes.send_modify(|count| *count += 1);
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

    /// Returns the recipients from now on.
    pub(crate) fn recipients(&self) -> Recipients {
        Recipients(self.recipients.clone())
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
