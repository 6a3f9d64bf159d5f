//! Distribution of messages among remotes, beyond round-robin: PUSH and DEALER.

use std::collections::VecDeque;
use std::future;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::Core;
use super::coop::poll_budget;
use crate::error::{RecvReturnedError, TryRecvReturnedError};
use crate::message::AnyMessage;
use crate::options::{Balance, Options, Undelivered};
use crate::pipe::{HighWaterMark, InLine, Ticket};
use crate::routing::{
    Closed, Losses, OutgoingPipes, QueuePosition, ReturnedMessage, ReturnedMessages, RoundRobin,
};
use crate::sync::Lock;

/// Applies the options to a new socket.
pub(super) fn configure(core: &Core<RoundRobin>, options: &Options) {
    let distribution = options.distribution;
    let mut outgoing = core.outgoing.lock();
    if distribution.balance == Balance::ShortestQueue {
        outgoing.prefer_shortest_queue();
    }
    if distribution.undelivered == Undelivered::Drop {
        return;
    }
    outgoing.return_undelivered();
    drop(outgoing);
    let hwm = HighWaterMark::new(distribution.returned_hwm, distribution.returned_hwm_bytes);
    let routing = &core.control.shared().routing;
    routing.returned.limit(hwm);
    if distribution.undelivered == Undelivered::Redirect {
        core.runtime().spawn(Redirector::new(core).run());
    }
}

/// Receives the next message that a remote has left.
pub(super) async fn recv_returned<M: AnyMessage>(
    core: &Core<RoundRobin>,
) -> Result<M, RecvReturnedError> {
    if !returns(core) {
        return Err(RecvReturnedError::NotReturned);
    }
    let returned = &*core.control.shared().routing.returned;
    let mut position = InLine::new(returned);
    let taken = future::poll_fn(|cx| {
        let budget = ready!(poll_budget(cx));
        let (returned, ticket) = position.parts();
        let taken = ready!(returned.poll_take(ticket, cx.waker()));
        budget.used();
        Poll::Ready(taken)
    });
    match taken.await {
        Ok(taken) => Ok(taken_by_application(core, taken)),
        Err(Closed) => Err(RecvReturnedError::Closed),
    }
}

/// Receives the next message that a remote has left, if there is one.
pub(super) fn try_recv_returned<M: AnyMessage>(
    core: &Core<RoundRobin>,
) -> Result<M, TryRecvReturnedError> {
    if !returns(core) {
        return Err(TryRecvReturnedError::NotReturned);
    }
    match core.control.shared().routing.returned.take() {
        Ok(Some(taken)) => Ok(taken_by_application(core, taken)),
        Ok(None) => Err(TryRecvReturnedError::Empty),
        Err(Closed) => Err(TryRecvReturnedError::Closed),
    }
}

/// Returns whether the messages that remotes leave are for the application.
fn returns(core: &Core<RoundRobin>) -> bool {
    core.control.shared().options.distribution.undelivered == Undelivered::Return
}

fn taken_by_application<M: AnyMessage>(core: &Core<RoundRobin>, taken: ReturnedMessage) -> M {
    core.control.shared().losses().returned();
    M::from_queue(taken.message)
}

/// A task that sends the messages of ended remotes to other remotes. It keeps no socket alive, and
/// ends when the socket is closed; messages that it has not sent by then are undelivered.
pub(super) struct Redirector {
    outgoing: Arc<Lock<OutgoingPipes<RoundRobin>>>,
    returned: Arc<ReturnedMessages>,
    losses: Arc<Losses>,
    /// The positions of messages that one remote has refused to read, the latest last.
    interrupted: VecDeque<QueuePosition>,
}

impl Redirector {
    pub(super) fn new(core: &Core<RoundRobin>) -> Self {
        let routing = &core.control.shared().routing;
        Self {
            outgoing: Arc::clone(&core.outgoing),
            returned: Arc::clone(&routing.returned),
            losses: Arc::clone(&routing.losses),
            interrupted: VecDeque::new(),
        }
    }

    pub(super) async fn run(mut self) {
        let returned = Arc::clone(&self.returned);
        let mut position = InLine::new(&*returned);
        let (_, waiting) = position.parts();
        // It needs no cancellation: the task ends only with the socket.
        let mut sending = None;
        future::poll_fn(|cx| self.poll(waiting, &mut sending, cx)).await;
    }

    /// Sends messages until the socket is closed. `waiting` is the position in the line for
    /// messages, and `sending` in the line of senders.
    fn poll(
        &mut self,
        waiting: &mut Option<Ticket>,
        sending: &mut Option<Ticket>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        loop {
            let budget = ready!(poll_budget(cx));
            if sending.is_none() {
                let found = ready!(self.returned.poll_any(waiting, cx.waker()));
                if found.is_err() {
                    return Poll::Ready(());
                }
            }
            if ready!(self.poll_send(sending, cx)).is_err() {
                return Poll::Ready(());
            }
            budget.used();
        }
    }

    /// Sends the oldest message as soon as there is room.
    fn poll_send(
        &mut self,
        ticket: &mut Option<Ticket>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Closed>> {
        let mut refused = None;
        let Self { outgoing, returned, losses, interrupted } = self;
        let sent = outgoing.with(|outgoing, wakes| {
            // The messages are taken under the lock of the queues: if the socket is closed before,
            // they are counted as undelivered, and otherwise as those of another remote.
            let make = |position| {
                let Ok(Some(taken)) = returned.take() else { return None };
                if let Some(source) = taken.interrupted_by {
                    if interrupted.contains(&taken.position) {
                        refused = Some((source, taken.message));
                        return None;
                    }
                    if interrupted.len() == INTERRUPTED_MAX {
                        interrupted.pop_front();
                    }
                    interrupted.push_back(position);
                }
                losses.redirected();
                Some(taken.message)
            };
            outgoing.poll_send_some_with(make, ticket, cx.waker(), wakes)
        });
        if let Some((source, message)) = refused {
            losses.refused(&source, None, message.into());
        }
        sent.map_err(|_| Closed)
    }
}

/// The number of redirected messages that are recognized if a second remote ends its connection
/// within one of them. Estimated: few connections end within a message.
const INTERRUPTED_MAX: usize = 1_024;
