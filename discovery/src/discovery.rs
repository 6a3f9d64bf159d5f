//! The handle of a socket that follows the endpoints of a service.

use std::time::Duration;

use tokio::sync::watch;
use tokio_zmtp::Socket;

use crate::discover::Discover;
use crate::following::Following;
use crate::state::State;

/// Keeps a socket connected to the current set of endpoints, until the returned handle is dropped.
///
/// A socket of any type can follow any [`Discover`]. New endpoints are connected, as with
/// [`connect`](tokio_zmtp::Client::connect), and removed ones are
/// [disconnected](#removed-endpoints). A
/// [`Requester`](https://docs.rs/tokio-zmtp/latest/tokio_zmtp/rpc/struct.Requester.html) follows a
/// set through a handle to its socket.
///
/// A socket can follow several sets, provided that no endpoint is in two of them or is connected by
/// the program as well. Otherwise the socket has two connections to that endpoint, and loses both
/// when the endpoint is removed from one set. A CHANNEL or PAIR has at most one remote, and cannot
/// connect to a second endpoint.
///
/// A socket can follow the addresses of a name without this crate: see [`Socket::connect_all`]. It
/// then disconnects removed addresses immediately, and replies that have not arrived are lost.
///
/// # Removed endpoints
///
/// An endpoint usually disappears from a registry before or while its server ends. Messages in
/// transit should still arrive.
///
/// - A PUB, PUSH, RADIO or SCATTER disconnects immediately. It sends no more messages to the
///   remote, and writes those that are queued, within [`linger`](tokio_zmtp::Builder::linger). The
///   remote can receive them until it ends.
/// - All other types receive messages, and stay connected until the remote ends the connection, or
///   until [`grace`](Builder::grace) has passed. Replies arrive, and so does everything that the
///   remote writes before it ends. A `Requester` sends its calls to other servers as soon as the
///   server drains, and no call is lost.
/// - An endpoint without a connection is disconnected immediately. Messages that are queued for it
///   are undelivered. A PUSH or DEALER can redirect or return them: see
///   [`Undelivered`](tokio_zmtp::Undelivered).
///
/// **While it is connected, a CLIENT, DEALER, PEER or REQ sends new messages to a removed remote**:
/// the library cannot stop sending on a connection that still awaits replies. Only a `Requester`
/// and a responder that drains agree on which request is the last. Without them, a server should
/// serve requests until its clients have disconnected.
///
/// An endpoint that returns to the set before it is disconnected keeps its connection.
///
/// # Errors of the source
///
/// While the set is unknown, the last one is kept. The error is available in [`State::failure`],
/// and is reported in a `tracing` event, whose level is WARN for the first failure of a series and
/// DEBUG for the others.
///
/// # Ending
///
/// When the handle is dropped, the socket stays connected to the last set, and immediately
/// disconnects the endpoints that were removed from it. When the source ends, the socket stays
/// connected in the same way, and removed endpoints keep their grace period.
///
/// When the socket is closed, the task ends. The task owns a handle to the socket: while the
/// [`Discovery`] exists, dropping all other handles does not close the socket.
///
/// # Panics
///
/// Outside of a Tokio runtime with time enabled.
///
/// # Examples
///
/// ```no_run
/// use tokio_zmtp::Push;
/// use tokio_zmtp_discovery::{Dns, connect_all};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let dns = Dns::from_system()?;
/// let push = Push::new();
/// let discovery = connect_all(&push, dns.addresses("workers.default.svc.cluster.local", 5555));
/// push.send("task").await?; // waits for the first worker
/// println!("{:?}", discovery.state().endpoints);
/// # Ok(())
/// # }
/// ```
#[must_use = "the endpoints are followed until the handle is dropped"]
pub fn connect_all(socket: &impl Socket, discover: impl Discover) -> Discovery {
    Discovery::builder().connect_all(socket, discover)
}

/// The handle of a socket that follows a set of endpoints. If it is dropped, the socket no longer
/// follows the set: see [`connect_all`](connect_all#ending).
#[derive(Debug)]
#[must_use = "the endpoints are followed until the handle is dropped"]
pub struct Discovery {
    state: watch::Receiver<State>,
}

impl Discovery {
    /// Returns a builder that sets options.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_zmtp::Dealer;
    /// use tokio_zmtp_discovery::{Discovery, Dns};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let dns = Dns::new(["192.0.2.53:53".parse()?]);
    /// let dealer = Dealer::new();
    /// let discovery = Discovery::builder()
    ///     .grace(Duration::from_secs(60))
    ///     .connect_all(&dealer, dns.srv("_orders._tcp.example.org"));
    /// # Ok(())
    /// # }
    /// ```
    pub const fn builder() -> Builder {
        Builder { grace: GRACE }
    }

    /// Returns the current state.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn example(discovery: &tokio_zmtp_discovery::Discovery) {
    /// let state = discovery.state();
    /// println!("{} endpoints, {} leaving", state.endpoints.len(), state.leaving.len());
    /// # }
    /// ```
    #[must_use]
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Waits until the state meets a condition, and returns that state. Returns `None` if the
    /// socket is closed first.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, nothing changes.
    ///
    /// # Examples
    ///
    /// Waits until the endpoints are known for the first time:
    ///
    /// ```
    /// # async fn example(discovery: &tokio_zmtp_discovery::Discovery) {
    /// if let Some(state) = discovery.wait_for(|state| state.updates > 0).await {
    ///     println!("discovered {:?}", state.endpoints);
    /// }
    /// # }
    /// ```
    pub async fn wait_for(&self, condition: impl FnMut(&State) -> bool) -> Option<State> {
        let mut state = self.state.clone();
        let state = state.wait_for(condition).await;
        state.ok().map(|state| state.clone())
    }
}

/// Sets the options of a [`Discovery`]. Created by [`Discovery::builder`].
#[derive(Clone, Copy, Debug)]
#[must_use = "options do nothing until a socket is connected"]
pub struct Builder {
    grace: Duration,
}

/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tokio_zmtp::Client;
/// use tokio_zmtp_discovery::{Discovery, Dns};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let dns = Dns::new(["192.0.2.53:53".parse()?]);
/// let discovery = Discovery::builder()
///     .grace(Duration::from_secs(60))
///     .connect_all(&Client::new(), dns.srv("_orders._tcp.example.org"));
/// # Ok(())
/// # }
/// ```
impl Builder {
    /// Sets how long a removed endpoint may stay connected if its remote does not end the
    /// connection. Default: 60 s, twice the default termination grace period of Kubernetes.
    pub const fn grace(self, grace: Duration) -> Self {
        Self { grace }
    }

    /// Keeps a socket connected to the current set of endpoints, as [`connect_all`] does.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with time enabled.
    pub fn connect_all(self, socket: &impl Socket, discover: impl Discover) -> Discovery {
        let (sender, state) = watch::channel(State::default());
        let following = Following::new(socket.clone(), self.grace, sender);
        tokio::spawn(following.run(discover));
        Discovery { state }
    }
}

const GRACE: Duration = Duration::from_secs(60);
