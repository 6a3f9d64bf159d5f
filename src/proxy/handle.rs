//! Controls a proxy while it runs.

use std::fmt;
use std::sync::Arc;
use std::task::Waker;

use super::report::ProxyStats;
use crate::sync::Lock;

/// Pauses, resumes and stops a [`Proxy`](super::Proxy), and reads its statistics (libzmq
/// `zmq_proxy_steerable`).
///
/// Every method returns immediately, even while both sockets of the proxy are mute. A handle keeps
/// neither the proxy nor its sockets alive. Clones are handles to the same proxy.
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
/// let task = tokio::spawn(proxy);
///
/// handle.pause();
/// assert!(handle.is_paused());
/// handle.resume();
///
/// handle.stop();
/// let report = task.await?;
/// assert_eq!(report.stats, handle.stats());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ProxyHandle(Arc<Lock<State>>);

/// The state that a proxy shares with its handles.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) mode: Mode,
    pub(super) stats: ProxyStats,
    /// The task of the proxy.
    task: Option<Waker>,
    is_finished: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    #[default]
    Running,
    Paused,
    Stopped,
}

impl ProxyHandle {
    pub(super) const fn new(state: Arc<Lock<State>>) -> Self {
        Self(state)
    }

    /// Pauses the proxy in both directions. When this returns, no message is forwarded until
    /// [`resume`](Self::resume) is called. (libzmq `PAUSE`.)
    ///
    /// Messages stay in the queues of the sockets, and can be received through other handles.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn example(handle: tokio_zmtp::proxy::ProxyHandle) {
    /// handle.pause();
    /// // Until the proxy is resumed, messages stay in the queues of the sockets.
    /// assert!(handle.is_paused());
    /// # }
    /// ```
    pub fn pause(&self) {
        self.change_to(Mode::Paused);
    }

    /// Resumes a paused proxy. (libzmq `RESUME`.)
    ///
    /// # Examples
    ///
    /// ```
    /// # fn example(handle: tokio_zmtp::proxy::ProxyHandle) {
    /// handle.pause();
    /// let stats = handle.stats();
    /// handle.resume();
    /// # }
    /// ```
    pub fn resume(&self) {
        self.change_to(Mode::Running);
    }

    /// Stops the proxy, even while it is paused. When this returns, no more messages are forwarded,
    /// and the future of the proxy is ready. The sockets stay open. (libzmq `TERMINATE`.)
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::proxy::ProxyEnd;
    /// use tokio_zmtp::{Gather, Scatter, proxy};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let proxy = proxy(&Gather::new(), &Scatter::new());
    /// let handle = proxy.handle();
    /// let task = tokio::spawn(proxy);
    ///
    /// handle.stop();
    /// assert_eq!(task.await?.end, ProxyEnd::Stopped);
    /// # Ok(())
    /// # }
    /// ```
    pub fn stop(&self) {
        self.change_to(Mode::Stopped);
    }

    /// Returns the statistics of the proxy. They are consistent, and do not change after its end.
    /// (libzmq `STATISTICS`.)
    ///
    /// # Examples
    ///
    /// ```
    /// # fn example(handle: tokio_zmtp::proxy::ProxyHandle) {
    /// let stats = handle.stats();
    /// println!("{} messages to the backend", stats.to_backend.messages);
    /// println!("{} messages to the frontend", stats.to_frontend.messages);
    /// # }
    /// ```
    #[must_use]
    pub fn stats(&self) -> ProxyStats {
        self.0.lock().stats
    }

    /// Returns whether the proxy is paused.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn example(handle: tokio_zmtp::proxy::ProxyHandle) {
    /// if handle.is_paused() {
    ///     handle.resume();
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.0.lock().mode == Mode::Paused
    }

    /// Returns whether the proxy has ended, or was dropped.
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
    /// assert!(!handle.is_finished());
    /// drop(proxy);
    /// assert!(handle.is_finished());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.0.lock().is_finished
    }

    fn change_to(&self, mode: Mode) {
        self.0.with(|state, wakes| {
            if state.mode != Mode::Stopped {
                state.mode = mode;
                wakes.extend(state.task.take());
            }
        });
    }
}

impl State {
    /// Stores the waker of the proxy, for changes of the mode.
    pub(super) fn park(&mut self, waker: &Waker) {
        match &mut self.task {
            Some(task) => task.clone_from(waker),
            task => *task = Some(waker.clone()),
        }
    }

    /// Records that the proxy has ended.
    pub(super) fn finish(&mut self) -> ProxyStats {
        self.task = None;
        self.is_finished = true;
        self.stats
    }
}

/// Two handles are equal if they belong to the same proxy.
impl PartialEq for ProxyHandle {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ProxyHandle {}

impl fmt::Debug for ProxyHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.lock();
        let mut debug = f.debug_struct("ProxyHandle");
        debug.field("mode", &state.mode).field("stats", &state.stats);
        debug.field("is_finished", &state.is_finished).finish()
    }
}
