//! The way from handles to the driver.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::{mpsc, oneshot};

use crate::driver::{Command, Found};
use crate::endpoint::Endpoint;
use crate::error::{BindError, ConnectError, DetachError};
use crate::routing::lock;
use crate::transport::{ListenError, Listener};

/// What concerns a socket as a whole, whatever its type.
#[derive(Debug)]
pub(crate) struct Control {
    /// The other end is the driver's.
    commands: mpsc::Sender<Command>,
    last_endpoint: Mutex<Option<Endpoint>>,
    undelivered: Arc<AtomicU64>,
}

/// How a socket ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseReport {
    /// How many messages the socket had accepted and could not give to the transport, since it was
    /// made: because their remote went away, or because `linger` was over.
    pub undelivered: u64,
}

impl Control {
    pub(super) const fn new(commands: mpsc::Sender<Command>, undelivered: Arc<AtomicU64>) -> Self {
        Self { commands, last_endpoint: Mutex::new(None), undelivered }
    }

    pub(super) async fn bind(&self, asked: Endpoint) -> Result<Endpoint, BindError> {
        if self.commands.is_closed() {
            return Err(BindError::Closed);
        }
        let listener = match Listener::bind(&asked).await {
            Ok(listener) => listener,
            Err(error) => return Err(bind_error(asked, error)),
        };
        let local = listener.local_endpoint();
        let bound = self.ask(|done| Command::Bind { asked, listener, done }).await;
        bound.ok_or(BindError::Closed)?;
        *lock(&self.last_endpoint) = Some(local.clone());
        Ok(local)
    }

    pub(super) async fn connect(&self, endpoint: Endpoint) -> Result<(), ConnectError> {
        endpoint.check_connectable()?;
        let asked = endpoint.clone();
        let connected = self.ask(|done| Command::Connect { endpoint: asked, done }).await;
        connected.ok_or(ConnectError::Closed)?;
        *lock(&self.last_endpoint) = Some(endpoint);
        Ok(())
    }

    pub(super) async fn unbind(&self, endpoint: Endpoint) -> Result<(), DetachError> {
        let asked = endpoint.clone();
        let found = self.ask(|done| Command::Unbind { endpoint: asked, done }).await;
        detached(found, endpoint)
    }

    pub(super) async fn disconnect(&self, endpoint: Endpoint) -> Result<(), DetachError> {
        let asked = endpoint.clone();
        let found = self.ask(|done| Command::Disconnect { endpoint: asked, done }).await;
        detached(found, endpoint)
    }

    pub(super) async fn close(&self) -> CloseReport {
        // No answer means that the driver has ended before.
        let _ = self.ask(|done| Command::Close { done }).await;
        self.commands.closed().await;
        CloseReport { undelivered: self.undelivered.load(Ordering::Relaxed) }
    }

    pub(super) fn last_endpoint(&self) -> Option<Endpoint> {
        lock(&self.last_endpoint).clone()
    }

    /// Counts a message that a handle took and that was not queued.
    pub(super) fn count_undelivered(&self) {
        self.undelivered.fetch_add(1, Ordering::Relaxed);
    }

    /// Asks the driver; nothing if the socket is closed.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (done, answer) = oneshot::channel();
        self.commands.send(command(done)).await.ok()?;
        answer.await.ok()
    }
}

fn detached(found: Option<Found>, endpoint: Endpoint) -> Result<(), DetachError> {
    match found {
        Some(Found::Yes) => Ok(()),
        Some(Found::No) => Err(DetachError::NotFound { endpoint }),
        None => Err(DetachError::Closed),
    }
}

fn bind_error(endpoint: Endpoint, error: ListenError) -> BindError {
    match error.kind() {
        io::ErrorKind::AddrInUse => BindError::AddrInUse { endpoint },
        io::ErrorKind::AddrNotAvailable => {
            BindError::AddrNotAvailable { endpoint, source: error.into() }
        }
        _ => BindError::Io { endpoint, source: error.into() },
    }
}
