//! The handle of a socket that follows the endpoints of a service.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_zmtp::{Endpoint, Socket};

use crate::Discover;
use crate::following::Following;

/// Keeps a socket connected to the current set of endpoints, until the returned handle is dropped.
///
/// Any type of socket can follow any [`Discover`]. New endpoints are connected, as by
/// [`connect`](tokio_zmtp::Client::connect), and removed ones [disconnected](#removed-endpoints). A
/// [`Requester`](https://docs.rs/tokio-zmtp/latest/tokio_zmtp/rpc/struct.Requester.html) follows a
/// set through a handle to its socket.
///
/// A socket can follow several sets, if no endpoint is in two of them or was connected by the
/// program: it would have two connections to it, and would lose both when the endpoint is removed.
/// A CHANNEL or PAIR has one remote at most, and cannot connect to a second endpoint.
///
/// The socket itself can follow the addresses of a name, without this crate:
/// [`Socket::connect_all`]. It then disconnects removed addresses immediately, so that replies
/// which have not arrived are lost.
///
/// # Removed endpoints
///
/// An endpoint usually disappears from a registry before its server ends, or while it ends. Messages
/// in transit should still arrive.
///
/// - A PUB, PUSH, RADIO or SCATTER disconnects immediately. It sends no more messages to the remote,
///   and writes those that are queued, within [`linger`](tokio_zmtp::Builder::linger). The remote can
///   receive them until it ends.
/// - All other types receive as well: they stay connected until the remote ends the connection, and
///   at most for [`grace`](Builder::grace). The replies to requests arrive, and so does what the
///   remote writes before it ends. The calls of a `Requester` are sent elsewhere as soon as the server
///   drains, and none is lost.
/// - An endpoint without a connection is disconnected immediately. What is queued for it is
///   undelivered, unless the socket
///   [redirects](tokio_zmtp::Undelivered) it to others.
///
/// **A CLIENT, DEALER, PEER or REQ sends new messages to a removed remote as long as it is
/// connected**: the library cannot stop sending on a connection on which replies are awaited. Only
/// a responder that drains and a `Requester` agree on the end of requests. Without them, a server
/// should serve requests until its clients have disconnected.
///
/// An endpoint that returns to the set before it is disconnected keeps its connection.
///
/// # Errors of the source
///
/// If the endpoints are unknown for now, the last ones are kept. The error is in [`State::failure`]
/// and in an event of `tracing`, which has the level WARN for the first failure of a series.
///
/// # Ending
///
/// When the handle is dropped, the socket stays connected to the last set, and disconnects the
/// endpoints that were removed from it. The same happens when the source ends, except that removed
/// endpoints keep their time. When the socket is closed, the task ends. The task has a handle to the
/// socket: dropping all others does not close it while the [`Discovery`] exists.
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

/// A socket that follows a set of endpoints. Dropping it ends this: see
/// [`connect_all`](connect_all#ending).
#[derive(Debug)]
#[must_use = "the endpoints are followed until the handle is dropped"]
pub struct Discovery {
    state: watch::Receiver<State>,
}

impl Discovery {
    /// Returns a builder, which sets options.
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

    /// Waits until the state meets a condition, and returns it. Returns `None` if the socket is
    /// closed before.
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
    /// connection. Default: 60 s, twice the time that Kubernetes grants a pod to end by default.
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

/// What a [`Discovery`] has found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct State {
    /// The endpoints of the last set, to which the socket is connected, or will be connected when
    /// their remotes listen.
    pub endpoints: Vec<Endpoint>,
    /// The endpoints that were removed, and are not disconnected yet.
    pub leaving: Vec<Endpoint>,
    /// The number of sets that were received. DNS yields one with each lookup.
    pub updates: u64,
    /// Why the set is currently unknown, or why an endpoint of the last set cannot be connected.
    pub failure: Option<Arc<dyn Error + Send + Sync>>,
}

const GRACE: Duration = Duration::from_secs(60);
