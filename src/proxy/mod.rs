//! Proxies: messages of one socket are forwarded to another (libzmq `zmq_proxy`,
//! `zmq_proxy_steerable`).
//!
//! [`proxy`](fn@proxy) joins a *frontend* and a *backend*: each sends the messages that the other
//! receives. The result is a future. It can be awaited or spawned, and can have a
//! [capture](Proxy::capture) and [handles](Proxy::handle).
//!
//! ```
//! use tokio_zmtp::{Gather, Scatter, proxy};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Producers and consumers come and go, and know only the addresses of the proxy.
//! let frontend = Gather::new();
//! let for_producers = frontend.bind("tcp://127.0.0.1:*").await?;
//! let backend = Scatter::new();
//! let for_consumers = backend.bind("tcp://127.0.0.1:*").await?;
//! let proxy = proxy(&frontend, &backend);
//! let handle = proxy.handle();
//! let task = tokio::spawn(proxy);
//!
//! let producer = Scatter::new();
//! producer.connect(for_producers).await?;
//! let consumer = Gather::new();
//! consumer.connect(for_consumers).await?;
//! producer.send("task").await?;
//! assert_eq!(consumer.recv().await?, "task");
//!
//! assert_eq!(handle.stats().to_backend.messages, 1);
//! handle.stop();
//! task.await?;
//! # Ok(())
//! # }
//! ```

mod handle;
mod pairs;
mod report;

use std::fmt;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::task::{self, coop};

pub use self::handle::ProxyHandle;
use self::handle::{Mode, State};
pub use self::pairs::{Capture, ProxyWith};
pub use self::report::{ProxyEnd, ProxyReport, ProxyStats};
use crate::message::Message;
use crate::socket::forwarding::{CaptureSink, Forward, ForwardingEnd};
use crate::sync::Lock;

/// Forwards messages between two sockets: messages that one of them receives are sent by the other.
///
/// The types of the sockets determine the directions: see [`ProxyWith`]. An invalid combination
/// does not compile.
///
/// The proxy has handles of its own to both sockets. Other handles can be used concurrently, for
/// example to connect to more endpoints, or to receive some of the messages.
///
/// # Mute state
///
/// A message is taken from one socket only when the other can queue it, and both are one step: a
/// proxy never holds messages. While the other socket is mute, messages stay in the queues of the
/// socket that received them, which stops reading when its high-water marks are reached, so that
/// its remotes become mute in turn. The opposite direction, the capture and the handle are not
/// affected. The timeouts of the sockets do not apply.
///
/// A message that is too long for a `udp` endpoint of a [`Radio`](crate::Radio) could wait
/// indefinitely. It is taken, sent to no remote, and counted in [`ProxyStats::too_long`]. A
/// [`Router`](crate::Router) never waits for a remote: a message whose remote is unknown or full is
/// counted in [`ProxyStats::unroutable`].
///
/// # Ending
///
/// The future is ready when [`stop`](ProxyHandle::stop) is called, or when one of the sockets is
/// closed and the messages that it received before are forwarded. It then returns a
/// [`ProxyReport`]. The sockets stay open.
///
/// # Cancel safety
///
/// The future can be dropped at any time. Each message has then been forwarded, or counted as too
/// long, or is still in the queue of the socket that received it.
///
/// # Examples
///
/// ```no_run
/// use tokio_zmtp::{Gather, Scatter, proxy};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let frontend = Gather::new();
/// frontend.bind("tcp://*:5555").await?;
/// let backend = Scatter::new();
/// backend.bind("tcp://*:5556").await?;
///
/// let report = proxy(&frontend, &backend).await;
/// println!("{} messages to the backend", report.stats.to_backend.messages);
/// # Ok(())
/// # }
/// ```
pub fn proxy<F: ProxyWith<B>, B>(frontend: &F, backend: &B) -> Proxy<F::Message> {
    let [to_backend, to_frontend] = frontend.directions(backend);
    let flows = [(Direction::ToBackend, to_backend), (Direction::ToFrontend, to_frontend)];
    let flows = flows.into_iter().filter_map(|(direction, forward)| {
        Some(Flow { direction, forward: forward?, has_ended: false })
    });
    let flows = flows.collect();
    let shared = Arc::default();
    Proxy { flows, first_end: None, capture: None, shared, message: PhantomData }
}

/// Forwards messages of the type `M` between two sockets, while it is polled.
///
/// [`proxy`](fn@proxy) creates it and documents its behavior.
#[must_use = "a proxy forwards only while it is awaited"]
pub struct Proxy<M = Message> {
    flows: Vec<Flow>,
    /// The cause of the first end of a direction.
    first_end: Option<ProxyEnd>,
    capture: Option<CaptureBuffer>,
    shared: Arc<Lock<State>>,
    message: PhantomData<fn() -> M>,
}

/// One direction.
struct Flow {
    direction: Direction,
    forward: Box<dyn Forward>,
    has_ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    ToBackend,
    ToFrontend,
}

/// The socket that receives copies.
struct CaptureBuffer {
    sink: Arc<dyn CaptureSink>,
    /// Empty between two rounds.
    copies: Vec<Option<Message>>,
}

impl<M> Proxy<M> {
    /// Sends a copy of each forwarded message, of both directions, to another socket.
    ///
    /// A capture never delays the proxy. Copies for which it has no room, or that it cannot send
    /// because it is closed, are dropped and counted in [`ProxyStats::capture_dropped`]. The copy
    /// of a long body shares its memory.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::{Gather, Scatter, proxy};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (frontend, backend, capture) = (Gather::new(), Scatter::new(), Scatter::new());
    /// capture.bind("ipc://*").await?;
    /// let proxy = proxy(&frontend, &backend).capture(&capture);
    /// # Ok(())
    /// # }
    /// ```
    pub fn capture(mut self, socket: &impl Capture<M>) -> Self {
        self.capture = Some(CaptureBuffer { sink: socket.capture_sink(), copies: Vec::new() });
        self
    }

    /// Returns a handle, which pauses, resumes and stops the proxy, and reads its statistics.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::{Gather, Scatter, proxy};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let proxy = proxy(&Gather::new(), &Scatter::new());
    /// let handle = proxy.handle();
    /// tokio::spawn(proxy);
    /// println!("{} messages forwarded", handle.stats().to_backend.messages);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn handle(&self) -> ProxyHandle {
        ProxyHandle::new(Arc::clone(&self.shared))
    }

    /// Forwards some messages in each direction, under the lock of the state: after a method of the
    /// handle has returned, no message is forwarded that the method forbids.
    fn poll_round(&mut self, cx: &mut Context<'_>) -> Round {
        let Self { flows, first_end, capture, shared, .. } = self;
        let round = shared.with(|state, wakes| {
            state.park(cx.waker());
            match state.mode {
                Mode::Running => {}
                Mode::Paused => return Round::Paused,
                Mode::Stopped => return Round::Stopped,
            }
            let mut round = Round::Waiting;
            for flow in flows.iter_mut().filter(|flow| !flow.has_ended) {
                let copies = capture.as_mut().map(|capture| &mut capture.copies);
                let forwarded = flow.forward.poll_forward(BATCH, copies, cx, wakes);
                let ProxyStats { to_backend, to_frontend, too_long, unroutable, .. } =
                    &mut state.stats;
                too_long.add(forwarded.too_long);
                unroutable.add(forwarded.unroutable);
                match flow.direction {
                    Direction::ToBackend => to_backend.add(forwarded.moved),
                    Direction::ToFrontend => to_frontend.add(forwarded.moved),
                }
                if let Poll::Ready(Some(end)) = forwarded.state {
                    first_end.get_or_insert(flow.end(end));
                }
                // Over `inproc`, the wake-ups after this round may bring more messages.
                if forwarded.state.is_ready() || !forwarded.moved.is_empty() {
                    round = Round::Forwarded;
                }
            }
            if let Some(CaptureBuffer { sink, copies }) =
                capture.as_mut().filter(|capture| !capture.copies.is_empty())
            {
                state.stats.captured.add(sink.try_send_all(copies, wakes));
                state.stats.capture_dropped.add(sink.volume(copies));
            }
            round
        });
        if let Some(capture) = capture {
            // The owner of a body may run code when the last reference is dropped.
            capture.copies.clear();
            capture.sink.account_for_copies();
        }
        for flow in flows {
            flow.forward.finish_step();
        }
        round
    }

    /// Stops waiting for messages and capacity.
    fn cancel(&mut self) {
        for flow in &mut self.flows {
            flow.forward.cancel();
        }
    }

    /// Detects closed destinations while there are no messages for them.
    fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut noticed = Poll::Pending;
        for flow in self.flows.iter_mut().filter(|flow| !flow.has_ended) {
            if flow.forward.poll_destination_closed(cx).is_ready() {
                flow.forward.cancel();
                let end = flow.end(ForwardingEnd::DestinationClosed);
                self.first_end.get_or_insert(end);
                noticed = Poll::Ready(());
            }
        }
        noticed
    }

    /// Returns the first cause of an end once all directions have ended.
    fn end(&self) -> Option<ProxyEnd> {
        self.first_end.filter(|_| self.flows.iter().all(|flow| flow.has_ended))
    }
}

impl Flow {
    /// Ends the direction. Returns which socket was closed.
    fn end(&mut self, end: ForwardingEnd) -> ProxyEnd {
        self.has_ended = true;
        match (self.direction, end) {
            (Direction::ToBackend, ForwardingEnd::SourceClosed)
            | (Direction::ToFrontend, ForwardingEnd::DestinationClosed) => ProxyEnd::FrontendClosed,
            (Direction::ToBackend, ForwardingEnd::DestinationClosed)
            | (Direction::ToFrontend, ForwardingEnd::SourceClosed) => ProxyEnd::BackendClosed,
        }
    }
}

/// The result of a round.
enum Round {
    Forwarded,
    /// All directions wait for messages or capacity.
    Waiting,
    Paused,
    Stopped,
}

impl<M> Future for Proxy<M> {
    type Output = ProxyReport;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ProxyReport> {
        let coop = ready!(coop::poll_proceed(cx));
        for _ in 0..BATCHES_PER_WAKE {
            let round = self.poll_round(cx);
            let end = match round {
                Round::Forwarded => self.end(),
                Round::Waiting => {
                    ready!(self.poll_closed(cx));
                    self.end()
                }
                Round::Paused => {
                    // Other receivers and senders of the sockets get the wake-ups and the capacity.
                    self.cancel();
                    ready!(self.poll_closed(cx));
                    self.end()
                }
                Round::Stopped => Some(ProxyEnd::Stopped),
            };
            coop.made_progress();
            if let Some(end) = end {
                self.cancel();
                return Poll::Ready(ProxyReport { stats: self.shared.lock().finish(), end });
            }
        }
        // Other tasks run, without another thread being woken for this one.
        let _ = pin!(task::yield_now()).poll(cx);
        Poll::Pending
    }
}

impl<M> Drop for Proxy<M> {
    fn drop(&mut self) {
        self.shared.lock().finish();
    }
}

impl<M> fmt::Debug for Proxy<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("stats", &self.shared.lock().stats).finish_non_exhaustive()
    }
}

/// The number of messages that are forwarded in one direction under the locks of the queues.
const BATCH: usize = 64;

/// The number of batches in each direction before the task yields.
const BATCHES_PER_WAKE: usize = 16;
