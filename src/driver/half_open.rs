//! The connections of a listener that are in their handshake.

mod address_block;
mod slots;

use std::future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use tokio::runtime::Handle;
use tokio::task;

use self::slots::{Changes, HalfOpenLimits, Slots};
use crate::options::Options;
use crate::sync::Lock;

/// Limits the handshakes in progress, and the time that they take from other tasks.
///
/// A handshake is polled only in its turn. There are as many turns as the runtime has workers. A
/// turn ends only after the other tasks of its worker have been polled: they wait for one step of
/// one handshake, which is at most two key agreements, or four while the keys of the server are
/// rotated, and not for those of all remotes that connect. [`Slots`] decides which handshake has the
/// next turn, and which is evicted above the limits.
#[derive(Debug)]
pub(super) struct HalfOpen {
    slots: Lock<Slots<Arc<Signal>>>,
}

/// The slot of a connection, until it is dropped.
#[derive(Debug)]
pub(super) struct HalfOpenSlot {
    number: u64,
    signal: Arc<Signal>,
    half_open: Arc<HalfOpen>,
}

/// The error of a handshake that is evicted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evicted;

/// Ends a turn when it is dropped.
#[derive(Debug)]
struct UnfinishedTurn(Arc<HalfOpen>);

/// Wakes the task of a handshake, and states the reason.
#[derive(Debug, Default)]
struct Signal(Lock<SignalState>);

#[derive(Debug, Default)]
struct SignalState {
    task: Option<Waker>,
    /// Whether something happened that the handshake waits for.
    woken: bool,
    evicted: bool,
}

impl HalfOpen {
    /// Creates the slots of a listener.
    pub(super) fn new(options: &Options) -> Self {
        // Outside of a runtime no handshake is polled.
        let workers = Handle::try_current().map_or(1, |handle| handle.metrics().num_workers());
        let limits = HalfOpenLimits {
            slots: options.max_half_open,
            slots_per_address: options.max_half_open_per_address,
            turns: workers,
        };
        Self { slots: Lock::new(Slots::new(limits)) }
    }

    /// Returns whether a handshake from an address should begin.
    pub(super) fn admits(&self, address: IpAddr) -> bool {
        self.slots.lock().admits(address)
    }

    /// Adds a handshake, and evicts another one if there are too many.
    pub(super) fn enter(self: &Arc<Self>, address: Option<IpAddr>) -> HalfOpenSlot {
        let signal = Arc::new(Signal(Lock::new(SignalState { woken: true, ..Default::default() })));
        let entered = Arc::clone(&signal);
        let number = self.change(|slots, changes| slots.enter(address, entered, changes));
        HalfOpenSlot { number, signal, half_open: Arc::clone(self) }
    }

    /// Evicts a handshake, so that another connection can be accepted. Returns false if there is none.
    pub(super) fn make_room(&self) -> bool {
        self.change(Slots::evict_from_fullest)
    }

    /// Changes the slots, and then wakes the tasks of all slots whose state has changed.
    fn change<R>(
        &self,
        section: impl FnOnce(&mut Slots<Arc<Signal>>, &mut Changes<Arc<Signal>>) -> R,
    ) -> R {
        let mut changes = Changes::default();
        let result = section(&mut self.slots.lock(), &mut changes);
        for signal in changes.evicted {
            signal.notify(|state| state.evicted = true);
        }
        for signal in changes.granted {
            signal.notify(|_| {});
        }
        result
    }
}

impl HalfOpenSlot {
    /// Performs a handshake in the turns of this slot.
    ///
    /// # Errors
    ///
    /// [`Evicted`] if the handshake loses its slot.
    pub(super) async fn perform<T>(
        &self,
        handshake: impl Future<Output = T>,
    ) -> Result<T, Evicted> {
        let mut handshake = pin!(handshake);
        let waker = Waker::from(Arc::clone(&self.signal));
        future::poll_fn(|cx| {
            match self.signal.check(cx) {
                Ok(true) => {}
                Ok(false) => return Poll::Pending,
                Err(Evicted) => return Poll::Ready(Err(Evicted)),
            }
            if !self.half_open.slots.lock().take_turn(self.number) {
                return Poll::Pending;
            }
            self.signal.0.lock().woken = false;
            let done = handshake.as_mut().poll(&mut Context::from_waker(&waker));
            if self.half_open.slots.lock().stop(self.number) {
                // The runtime calls and drops the waker when it has polled the other tasks. It
                // ignores a waker that it has already, so that each turn needs its own.
                let turn = Waker::from(Arc::new(UnfinishedTurn(Arc::clone(&self.half_open))));
                let _ = pin!(task::yield_now()).poll(&mut Context::from_waker(&turn));
            }
            done.map(Ok)
        })
        .await
    }
}

impl Drop for HalfOpenSlot {
    fn drop(&mut self) {
        self.half_open.change(|slots, changes| slots.leave(self.number, changes));
    }
}

impl Signal {
    /// Stores the task, and returns whether its handshake has to be polled.
    fn check(&self, cx: &Context<'_>) -> Result<bool, Evicted> {
        let mut state = self.0.lock();
        match &mut state.task {
            Some(task) => task.clone_from(cx.waker()),
            task => *task = Some(cx.waker().clone()),
        }
        if state.evicted { Err(Evicted) } else { Ok(state.woken) }
    }

    fn notify(&self, change: impl FnOnce(&mut SignalState)) {
        self.0.with(|state, wakes| {
            change(state);
            if let Some(task) = &state.task {
                wakes.add(task.clone());
            }
        });
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.notify(|state| state.woken = true);
    }
}

impl Wake for UnfinishedTurn {
    fn wake(self: Arc<Self>) {}
}

impl Drop for UnfinishedTurn {
    fn drop(&mut self) {
        self.0.change(|slots, changes| slots.end_turn(changes));
    }
}
