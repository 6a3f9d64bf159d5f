//! The background task of a socket.
//!
//! It owns the socket's endpoints: a [`Listener`] for each bound one and a [`Connector`] for each
//! connected one, each with its own task. For a name with several addresses to connect to, it also
//! owns a [`NameWatcher`], and a [`Connector`] for each address. Messages never pass through it.
//!
//! **Ending.** The driver ends when the last handle is dropped or when a handle requests it. It
//! closes the routing, which wakes all waiting tasks; ends all endpoints; lets their connections
//! write what is queued, within `linger`; and then answers. A single endpoint that is unbound or
//! disconnected ends in the same way. If the runtime shuts down, the driver is dropped, which
//! closes the routing and all connections immediately.

mod acceptor;
mod audit;
mod backoff;
mod connector;
mod datagrams;
mod dialing;
mod half_open;
mod incoming;
mod listener;
mod log;
mod name_watcher;
mod port;
mod retry;
mod socket_state;

use std::future;
use std::mem;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::{self, JoinSet};
use tokio::time;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use zmtp_proto::endpoint::{Endpoint, Host, StreamEndpoint};

pub(crate) use self::acceptor::{Acceptor, bind_datagrams};
use self::connector::Connector;
pub(crate) use self::dialing::DialTarget;
pub(crate) use self::incoming::AttachedStream;
use self::listener::Listener;
use self::name_watcher::{NameWatcher, NameWatcherId, Resolved};
pub(crate) use self::socket_state::SocketState;
use crate::routing::{AttachmentError, EndpointId};
use crate::routing_id::RoutingId;
use crate::transport::udp;

/// A command from a handle. A missing answer means that the socket is closed.
#[derive(Debug)]
pub(crate) enum DriverCommand {
    /// Answers with the queue of the listener that takes attached streams.
    Attach {
        done: oneshot::Sender<mpsc::Sender<Box<AttachedStream>>>,
    },
    Bind {
        /// The endpoint in the user's form.
        asked: Endpoint,
        acceptor: Acceptor,
        done: oneshot::Sender<()>,
    },
    BindDatagrams {
        /// The endpoint in the user's form.
        asked: Endpoint,
        receiver: udp::Receiver,
        done: oneshot::Sender<()>,
    },
    Close {
        done: oneshot::Sender<()>,
    },
    /// Answers with the routing id of the remote, which exists if its pipe does and if the socket
    /// assigns ids.
    Connect {
        target: DialTarget,
        done: oneshot::Sender<Result<Option<RoutingId>, AttachmentError>>,
    },
    /// Connects to every address of a name.
    ConnectAll {
        endpoint: Endpoint,
        done: oneshot::Sender<Result<(), AttachmentError>>,
    },
    Disconnect {
        endpoint: Endpoint,
        done: oneshot::Sender<EndpointUse>,
    },
    Unbind {
        endpoint: Endpoint,
        done: oneshot::Sender<EndpointUse>,
    },
}

/// Whether the socket used an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndpointUse {
    Unused,
    Used,
}

/// The background task that all handles of one socket share.
#[derive(Debug)]
pub(crate) struct Driver {
    /// The other end is in the handles' shared core.
    commands: mpsc::Receiver<DriverCommand>,
    shared: Arc<SocketState>,
    /// The sender of the listener that takes attached streams, once there is one.
    attaching: Option<mpsc::Sender<Box<AttachedStream>>>,
    bound: Vec<Bound>,
    connected: Vec<Connected>,
    watched: Vec<WatchedName>,
    /// The results of name watchers.
    resolved: mpsc::Receiver<Resolved>,
    /// The sender for new name watchers.
    resolved_tx: mpsc::Sender<Resolved>,
    /// Ended endpoints that may still have messages to write.
    ending: JoinSet<()>,
    next_id: u64,
}

#[derive(Debug)]
struct Bound {
    asked: Endpoint,
    local: Endpoint,
    ended: CancellationToken,
    /// Notified when the address is free again.
    released: oneshot::Receiver<()>,
    listener: JoinSet<()>,
}

#[derive(Debug)]
struct Connected {
    /// The endpoint in the user's form.
    asked: Endpoint,
    /// The same endpoint, or one of its resolved addresses.
    endpoint: Endpoint,
    /// The watcher that resolved the address.
    watcher: Option<NameWatcherId>,
    id: EndpointId,
    ended: CancellationToken,
    connector: JoinSet<()>,
}

#[derive(Debug)]
struct WatchedName {
    endpoint: Endpoint,
    id: NameWatcherId,
    /// Notified when a connection to one of the addresses has ended.
    lost: Arc<Notify>,
    /// Aborts the watcher when this is dropped.
    _watcher: JoinSet<()>,
}

impl Driver {
    pub(crate) fn new(commands: mpsc::Receiver<DriverCommand>, shared: Arc<SocketState>) -> Self {
        let (resolved_tx, resolved) = mpsc::channel(RESOLVED);
        Self {
            commands,
            shared,
            attaching: None,
            bound: Vec::new(),
            connected: Vec::new(),
            watched: Vec::new(),
            resolved,
            resolved_tx,
            ending: JoinSet::new(),
            next_id: 0,
        }
    }

    pub(crate) async fn run(mut self) {
        let mut closing = Vec::new();
        loop {
            tokio::select! {
                command = self.commands.recv() => {
                    let Some(command) = command else { break };
                    if let ControlFlow::Break(done) = self.handle(command).await {
                        closing.push(done);
                        break;
                    }
                }
                Some(resolved) = self.resolved.recv() => self.follow(resolved),
                Some(_) = self.ending.join_next() => {}
                () = announce_departures(&self.shared), if self.shared.routing.notifies => {}
            }
        }
        self.watched.clear();
        self.shared.remotes.close();
        self.shared.routing.close();
        for bound in self.bound.drain(..) {
            bound.ended.cancel();
            self.ending.spawn(wind_down(bound.listener, None));
        }
        for connected in self.connected.drain(..) {
            connected.ended.cancel();
            self.ending.spawn(wind_down(connected.connector, self.shared.linger()));
        }
        loop {
            tokio::select! {
                ended = self.ending.join_next() => if ended.is_none() { break },
                Some(command) = self.commands.recv() => {
                    if let DriverCommand::Close { done } = command {
                        closing.push(done);
                    }
                }
            }
        }
        // A handle that holds a slot of the channel may still send a command, which would stay
        // there, with the task that waits for its answer and the endpoint that it may hold.
        self.commands.close();
        while let Some(command) = self.commands.recv().await {
            if let DriverCommand::Close { done } = command {
                closing.push(done);
            }
        }
        for done in closing {
            let _ = done.send(());
        }
    }

    /// Carries out a command, except to close the socket: it returns the sender that reports the
    /// end.
    async fn handle(&mut self, command: DriverCommand) -> ControlFlow<oneshot::Sender<()>> {
        // The caller may have been dropped in between.
        match command {
            DriverCommand::Attach { done } => {
                let _ = done.send(self.attaching());
            }
            DriverCommand::Bind { asked, acceptor, done } => {
                self.bind(asked, acceptor);
                let _ = done.send(());
            }
            DriverCommand::BindDatagrams { asked, receiver, done } => {
                self.bind_datagrams(asked, receiver);
                let _ = done.send(());
            }
            DriverCommand::Connect { target, done } => {
                let _ = done.send(self.connect(target.endpoint.clone(), target, None));
            }
            DriverCommand::ConnectAll { endpoint, done } => {
                let _ = done.send(self.connect_all(endpoint));
            }
            DriverCommand::Disconnect { endpoint, done } => {
                let _ = done.send(self.disconnect(&endpoint));
            }
            DriverCommand::Unbind { endpoint, done } => {
                let _ = done.send(self.unbind(&endpoint).await);
            }
            DriverCommand::Close { done } => return ControlFlow::Break(done),
        }
        ControlFlow::Continue(())
    }

    /// Returns the queue of the listener that takes attached streams. Creates it if necessary.
    fn attaching(&mut self) -> mpsc::Sender<Box<AttachedStream>> {
        if let Some(attaching) = &self.attaching {
            return attaching.clone();
        }
        let (attaching, streams) = mpsc::channel(ATTACHING);
        self.bind(StreamEndpoint::attached().into(), Acceptor::Attached(streams));
        self.attaching.insert(attaching).clone()
    }

    fn bind(&mut self, asked: Endpoint, acceptor: Acceptor) {
        let ended = CancellationToken::new();
        let local = acceptor.local_endpoint();
        let (release, released) = oneshot::channel();
        let id = self.allot();
        let span = self.shared.endpoint_span(&local);
        // Only the application knows whether it will attach more streams.
        let source = acceptor.is_bound().then(|| self.shared.remotes.source());
        let listener = Listener::new(acceptor, id, ended.clone(), Arc::clone(&self.shared));
        let mut task = JoinSet::new();
        task.spawn(listener.run(source, release).instrument(span));
        self.bound.push(Bound { asked, local, ended, released, listener: task });
    }

    fn bind_datagrams(&mut self, asked: Endpoint, receiver: udp::Receiver) {
        let ended = CancellationToken::new();
        let local = receiver.local_endpoint().clone();
        let (release, released) = oneshot::channel();
        let id = self.allot();
        let span = self.shared.endpoint_span(&local);
        let receiver =
            datagrams::DishReceiver::new(receiver, id, ended.clone(), Arc::clone(&self.shared));
        let mut task = JoinSet::new();
        task.spawn(receiver.run(self.shared.remotes.source(), release).instrument(span));
        self.bound.push(Bound { asked, local, ended, released, listener: task });
    }

    /// Returns the routing id of the remote, if it has one before it is connected.
    fn connect(
        &mut self,
        asked: Endpoint,
        target: DialTarget,
        watched: Option<&WatchedName>,
    ) -> Result<Option<RoutingId>, AttachmentError> {
        if self.shared.routing.is_exclusive() && self.is_connecting() {
            return Err(AttachmentError::Occupied);
        }
        let target = target.with_own_dialer(&asked, &self.shared.options);
        let ended = CancellationToken::new();
        let id = self.allot();
        let endpoint = target.endpoint.clone();
        let watcher = watched.map(|watched| watched.id);
        let lost = watched.map(|watched| Arc::clone(&watched.lost));
        let span = self.shared.endpoint_span(&endpoint);
        let source = self.shared.remotes.source();
        let mut routing_id = None;
        let mut task = JoinSet::new();
        if let Endpoint::Udp(udp) = &endpoint {
            let sender = datagrams::RadioSender::new(udp.clone(), id, ended.clone(), &self.shared)?;
            task.spawn(sender.notifying(lost).run(source).instrument(span));
        } else {
            let connector = Connector::new(target, id, ended.clone(), &self.shared)?;
            routing_id = connector.routing_id();
            task.spawn(connector.notifying(lost).run(source).instrument(span));
        }
        self.connected.push(Connected { asked, endpoint, watcher, id, ended, connector: task });
        Ok(routing_id)
    }

    /// Returns whether a connector runs that has not been asked to end.
    fn is_connecting(&mut self) -> bool {
        self.connected.iter_mut().any(|connected| {
            while connected.connector.try_join_next().is_some() {}
            !connected.connector.is_empty()
        })
    }

    fn connect_all(&mut self, endpoint: Endpoint) -> Result<(), AttachmentError> {
        // A socket with one remote at most connects to one of the addresses.
        if !is_name(&endpoint) || self.shared.routing.is_exclusive() {
            return self.connect(endpoint.clone(), endpoint.into(), None).map(|_| ());
        }
        let EndpointId(id) = self.allot();
        let id = NameWatcherId(id);
        let lost = Arc::new(Notify::new());
        let shared = Arc::clone(&self.shared);
        let resolved = self.resolved_tx.clone();
        let span = shared.endpoint_span(&endpoint);
        let watcher = NameWatcher::new(endpoint.clone(), id, resolved, Arc::clone(&lost), shared);
        let mut task = JoinSet::new();
        task.spawn(watcher.run(self.shared.remotes.source()).instrument(span));
        self.watched.push(WatchedName { endpoint, id, lost, _watcher: task });
        Ok(())
    }

    /// Connects to the new addresses of a name, and disconnects from removed ones.
    fn follow(&mut self, Resolved { id, addresses }: Resolved) {
        let Some(at) = self.watched.iter().position(|watched| watched.id == id) else { return };
        self.disconnect_where(|one| one.watcher == Some(id) && !addresses.contains(&one.endpoint));
        let watched = self.watched.swap_remove(at);
        for address in addresses {
            let is_known = |one: &Connected| one.watcher == Some(id) && one.endpoint == address;
            if !self.connected.iter().any(is_known) {
                let _ = self.connect(watched.endpoint.clone(), address.into(), Some(&watched));
            }
        }
        self.watched.push(watched);
    }

    fn disconnect(&mut self, endpoint: &Endpoint) -> EndpointUse {
        let watched = self.watched.len();
        self.watched.retain(|one| one.endpoint != *endpoint);
        let answer = self.disconnect_where(|one| one.asked == *endpoint);
        if self.watched.len() < watched { EndpointUse::Used } else { answer }
    }

    fn disconnect_where(&mut self, which: impl FnMut(&Connected) -> bool) -> EndpointUse {
        let mut answer = EndpointUse::Unused;
        let (removed, kept) = mem::take(&mut self.connected).into_iter().partition(which);
        self.connected = kept;
        let removed: Vec<Connected> = removed;
        for connected in removed {
            answer = EndpointUse::Used;
            connected.ended.cancel();
            self.shared.routing.retire(connected.id);
            self.ending.spawn(wind_down(connected.connector, self.shared.linger()));
        }
        answer
    }

    async fn unbind(&mut self, endpoint: &Endpoint) -> EndpointUse {
        if let Endpoint::Stream(_) = endpoint {
            return EndpointUse::Unused;
        }
        let at = self.bound.iter().position(|one| one.local == *endpoint || one.asked == *endpoint);
        let Some(at) = at else { return EndpointUse::Unused };
        let bound = self.bound.swap_remove(at);
        bound.ended.cancel();
        let _ = bound.released.await;
        self.ending.spawn(wind_down(bound.listener, None));
        EndpointUse::Used
    }

    fn allot(&mut self) -> EndpointId {
        self.next_id += 1;
        EndpointId(self.next_id)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.remotes.close();
        self.shared.routing.close();
        self.shared.publisher.end();
        // All waiting tasks have been woken, and no longer need timers.
        self.shared.runtime.end();
    }
}

/// Queues some notices of the subscriptions that ended with their connections, when there are any
/// and there is room. Between two portions, senders and other tasks continue.
async fn announce_departures(shared: &SocketState) {
    future::poll_fn(|cx| shared.routing.poll_announce_departures(cx.waker())).await;
    task::yield_now().await;
}

/// The number of attached streams that may wait for their listener. The callers of further ones
/// wait.
const ATTACHING: usize = 16;

/// Results that may wait for the driver. Each watcher waits for a free slot.
const RESOLVED: usize = 1;

/// Waits for tasks within a time limit, and aborts the others.
async fn wind_down(mut tasks: JoinSet<()>, linger: Option<Duration>) {
    within(linger, async { while tasks.join_next().await.is_some() {} }).await;
    tasks.shutdown().await;
}

/// Waits for a future within a time limit.
async fn within<T>(limit: Option<Duration>, doing: impl Future<Output = T>) -> Option<T> {
    match limit {
        // Boxed, because it is rarely needed and would always take space.
        Some(limit) => Box::pin(time::timeout(limit, doing)).await.ok(),
        None => Some(doing.await),
    }
}

/// Returns whether the host of an endpoint is a name that must be resolved.
fn is_name(endpoint: &Endpoint) -> bool {
    match endpoint {
        Endpoint::Tcp(tcp) => matches!(tcp.host(), Host::Name(_)),
        Endpoint::Tls(tls) => matches!(tls.host(), Host::Name(_)),
        Endpoint::WebSocket(websocket) => matches!(websocket.host(), Host::Name(_)),
        Endpoint::Udp(udp) => matches!(udp.host(), Host::Name(_)),
        _ => false,
    }
}
