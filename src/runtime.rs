//! The Tokio runtime that a socket lives in.
//!
//! Handles work on any thread, also without a current runtime or in another one. The tasks, the
//! timers and the IO resources of a socket belong to the runtime in which it was created.

use std::future;
use std::panic;
use std::pin::{Pin, pin};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio::time::{self, Sleep};
use tokio_util::task::AbortOnDropHandle;

use crate::platform;

/// The runtime of one socket, for its handles.
///
/// It exists only until the driver of the socket ends, because it keeps file descriptors open. A
/// runtime that shuts down drops its tasks before it stops its clock, and a timer that is polled
/// afterwards panics. This is therefore locked during a poll.
#[derive(Debug)]
pub(crate) struct Runtime(RwLock<Option<Handle>>);

/// A timer, which is created when there is something to wait for.
pub(crate) type Timer = Option<Pin<Box<Sleep>>>;

impl Runtime {
    /// Stores a handle to the current runtime.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with IO and time enabled.
    #[track_caller]
    pub(crate) fn current() -> Self {
        let handle = Handle::current();
        // Without time or IO, the tasks of the socket would panic in the background.
        drop(time::sleep(Duration::ZERO));
        platform::runtime::check_io();
        Self::new(handle)
    }

    pub(crate) const fn new(handle: Handle) -> Self {
        Self(RwLock::new(Some(handle)))
    }

    /// Records that the driver ends. All tasks that wait for the socket have been woken.
    pub(crate) fn end(&self) {
        let handle = self.0.write().unwrap_or_else(PoisonError::into_inner).take();
        drop(handle);
    }

    /// Returns `None` once the driver has ended.
    pub(crate) fn handle(&self) -> Option<Handle> {
        self.lock().clone()
    }

    /// Spawns a task; drops it once the driver has ended.
    pub(crate) fn spawn<F>(&self, future: F)
    where
        F: Future<Output: Send> + Send + 'static,
    {
        if let Some(handle) = self.handle() {
            handle.spawn(future);
        }
    }

    /// Runs a future that needs the context of this runtime. Returns `None` if the driver has
    /// ended, or if the runtime shuts down before the future is ready.
    pub(crate) async fn run<F>(&self, future: F) -> Option<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let handle = self.handle()?;
        if Handle::try_current().is_ok_and(|current| current.id() == handle.id()) {
            let mut future = pin!(future);
            // It may be polled in another context later.
            let run = future::poll_fn(|cx| {
                let _guard = handle.enter();
                future.as_mut().poll(cx)
            });
            return Some(run.await);
        }
        match AbortOnDropHandle::new(handle.spawn(future)).await {
            Ok(output) => Some(output),
            Err(error) => match error.try_into_panic() {
                Ok(payload) => panic::resume_unwind(payload),
                Err(_) => None,
            },
        }
    }

    /// Waits for a future for at most `limit`.
    pub(crate) async fn timeout<F: Future>(&self, limit: Duration, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let mut timer = None;
        future::poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => self.poll_sleep(&mut timer, limit, cx).map(|()| None),
        })
        .await
    }

    /// Ready when `length` has passed since the first call with this timer. The caller also waits
    /// for the socket: after the end of the socket the timer never fires.
    pub(crate) fn poll_sleep(
        &self,
        timer: &mut Timer,
        length: Duration,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        self.poll_timer(timer, || time::sleep(length), cx)
    }

    /// Ready at `deadline`, in the same way.
    pub(crate) fn poll_until(
        &self,
        timer: &mut Timer,
        deadline: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if let Some(timer) = timer.as_mut().filter(|timer| timer.deadline() != deadline) {
            timer.as_mut().reset(deadline);
        }
        self.poll_timer(timer, || time::sleep_until(deadline), cx)
    }

    fn poll_timer(
        &self,
        timer: &mut Timer,
        create: impl FnOnce() -> Sleep,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let handle = self.lock();
        let Some(handle) = &*handle else { return Poll::Pending };
        let timer = timer.get_or_insert_with(|| {
            let _guard = handle.enter();
            Box::pin(create())
        });
        timer.as_mut().poll(cx)
    }

    fn lock(&self) -> RwLockReadGuard<'_, Option<Handle>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}
