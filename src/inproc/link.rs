//! Joins the double queues of two sockets.

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::task::{Poll, Wake, Waker, ready};

use tokio_util::sync::CancellationToken;
use zmtp_proto::command::Command;

use crate::message::Message;
use crate::monitor::DisconnectReason;
use crate::pipe::{DeliveredMessages, Delivery, MessageList, Take, Want};
use crate::remote::Remote;
use crate::routing::{Attachment, ExceededLimit, Remainder};
use crate::sync::{AtomicU8, Lock};

/// Moves messages between two sockets whenever it is woken.
#[derive(Debug)]
struct Link {
    /// Held for a whole transfer, which acquires the locks of the queues one at a time.
    state: Lock<LinkState>,
    /// The directions with pending work, and whether a caller is running the link. Another caller
    /// only adds its directions, and the running one does the work, so no caller waits here, and
    /// the link is never entered twice.
    work: AtomicU8,
    ended: CancellationToken,
    /// One for each direction.
    wakers: [Waker; 2],
}

/// Wakes a link for the messages of one side.
#[derive(Debug)]
struct DirectionWaker {
    link: Weak<Link>,
    from: Side,
}

#[derive(Debug, Default)]
struct LinkState {
    /// The ends of the dialing and of the listening side.
    ends: [Option<LinkEnd>; 2],
    /// The side that ended the link, and its reason.
    ended_by: Option<(Side, DisconnectReason)>,
}

/// The queues of one side, and the messages that come before them.
#[derive(Debug)]
struct LinkEnd {
    attachment: Attachment,
    /// The remote of this side.
    remote: Remote,
    /// The messages that the other side receives first.
    openings: VecDeque<Message>,
    /// Messages that this side receives before all others, the oldest first.
    unqueued: VecDeque<Delivery>,
    /// Empty between transfers; kept for its memory.
    taken: VecDeque<Message>,
    /// Commands of this side that wait for room on the other one.
    commands: VecDeque<Command>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Dialing,
    Listening,
}

/// One side of a link. Dropping it ends the link.
#[derive(Debug)]
pub(crate) struct LinkSide {
    link: Arc<Link>,
    side: Side,
}

impl LinkSide {
    /// Creates both sides of a new link, the dialing one first.
    pub(crate) fn pair() -> (Self, Self) {
        let link = Arc::new_cyclic(|link| Link {
            state: Lock::default(),
            work: AtomicU8::new(0),
            ended: CancellationToken::new(),
            wakers: [Side::Dialing, Side::Listening].map(|from| {
                Waker::from(Arc::new(DirectionWaker { link: Weak::clone(link), from }))
            }),
        });
        let dialing = Self { link: Arc::clone(&link), side: Side::Dialing };
        (dialing, Self { link, side: Side::Listening })
    }

    /// Adds the queues of this side. Messages move when both sides have joined.
    pub(crate) fn join(
        &self,
        mut attachment: Attachment,
        remote: Remote,
        openings: VecDeque<Message>,
    ) {
        let unqueued = attachment.begin(&remote);
        let (taken, commands) = (VecDeque::new(), VecDeque::new());
        let end = LinkEnd { attachment, remote, openings, unqueued, taken, commands };
        self.link.state.lock().ends[self.side as usize] = Some(end);
        self.link.advance(Side::Dialing.bit() | Side::Listening.bit());
    }

    /// Waits until the link has ended.
    pub(crate) async fn ended(&self) -> DisconnectReason {
        self.link.ended.cancelled().await;
        match &self.link.state.lock().ended_by {
            Some((side, reason)) if *side == self.side => reason.clone(),
            _ => DisconnectReason::ClosedByRemote,
        }
    }

    /// Ends the link, and returns the queues of this side.
    pub(crate) fn leave(self) -> Option<Attachment> {
        self.end()
    }

    fn end(&self) -> Option<Attachment> {
        let mut state = self.link.state.lock();
        state.ended_by.get_or_insert((self.side, DisconnectReason::Closed));
        let end = state.ends[self.side as usize].take();
        drop(state);
        self.link.ended.cancel();
        let LinkEnd { mut attachment, unqueued, .. } = end?;
        attachment.put_back(Remainder::default(), unqueued);
        Some(attachment)
    }
}

impl Drop for LinkSide {
    fn drop(&mut self) {
        self.end();
    }
}

impl Side {
    const fn bit(self) -> u8 {
        match self {
            Self::Dialing => 0x01,
            Self::Listening => 0x02,
        }
    }
}

impl Link {
    fn advance(&self, directions: u8) {
        if self.work.fetch_or(directions | RUNNING, Ordering::AcqRel) & RUNNING != 0 {
            return;
        }
        loop {
            let directions = self.work.fetch_and(RUNNING, Ordering::AcqRel) & !RUNNING;
            if self.state.lock().transfer(directions, &self.wakers) {
                self.ended.cancel();
            }
            let done = self.work.compare_exchange(RUNNING, 0, Ordering::AcqRel, Ordering::Acquire);
            if done.is_ok() {
                return;
            }
        }
    }
}

impl Wake for DirectionWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(link) = self.link.upgrade() {
            link.advance(self.from.bit());
        }
    }
}

impl LinkState {
    /// Moves messages in the given directions. Returns whether this has ended the link.
    fn transfer(&mut self, directions: u8, wakers: &[Waker; 2]) -> bool {
        let [Some(dialing), Some(listening)] = &mut self.ends else { return false };
        if self.ended_by.is_some() {
            return false;
        }
        for (side, waker) in [Side::Dialing, Side::Listening].into_iter().zip(wakers) {
            let (from, to, other) = match side {
                Side::Dialing => (&mut *dialing, &mut *listening, Side::Listening),
                Side::Listening => (&mut *listening, &mut *dialing, Side::Dialing),
            };
            if directions & side.bit() == 0 {
                continue;
            }
            if let Poll::Ready(ended) = from.poll_send(to, waker) {
                self.ended_by = Some(match ended {
                    Ok(()) => (side, DisconnectReason::Closed),
                    Err(exceeded) => (other, DisconnectReason::from(exceeded)),
                });
                return true;
            }
        }
        false
    }
}

impl LinkEnd {
    /// Moves queued messages to the other end. Ready when no more will follow, or with an error if
    /// the other end refuses a command.
    fn poll_send(&mut self, to: &mut Self, waker: &Waker) -> Poll<Result<(), ExceededLimit>> {
        if !self.openings.is_empty() {
            to.unqueued.push_back(to.arrival(mem::take(&mut self.openings)));
        }
        while let Some(arrival) = to.unqueued.front_mut() {
            ready!(to.attachment.poll_deliver(waker, arrival, usize::MAX));
            to.unqueued.pop_front();
        }
        loop {
            while let Some(command) = self.commands.front() {
                if to.attachment.poll_notice_room(waker).is_pending() {
                    // When this side ends, so do its subscriptions, but not its messages.
                    ready!(self.attachment.poll_retired(waker));
                    self.commands.clear();
                    break;
                }
                to.attachment.command(command)?;
                self.commands.pop_front();
            }
            let room = to.attachment.room(waker, &mut self.taken);
            match ready!(self.attachment.poll_take(Want::Room(room), waker, &mut self.taken)) {
                Take::Commands(commands) => {
                    self.commands = commands.into();
                    continue;
                }
                Take::End => return Poll::Ready(Ok(())),
                Take::Last => {
                    self.deliver_to(to, waker);
                    return Poll::Ready(Ok(()));
                }
                Take::Messages => self.deliver_to(to, waker),
            }
            if !to.attachment.takes_replies() {
                // Both queues wake the link when there is more to do.
                return Poll::Pending;
            }
            // Replies are not queued there: only the queue here can wake the link.
        }
    }

    /// Delivers the messages that were taken to the other end.
    fn deliver_to(&mut self, to: &mut Self, waker: &Waker) {
        let arrival = to.arrival(mem::take(&mut self.taken));
        let volume = arrival.cargo.volume();
        self.remote.counters().count_sent(volume);
        to.remote.counters().count_received(volume);
        to.attachment.deliver_within(waker, arrival);
    }

    fn arrival(&self, messages: VecDeque<Message>) -> Delivery {
        Delivery {
            cargo: DeliveredMessages::Whole(MessageList::new(messages)),
            remote: self.remote.clone(),
        }
    }
}

/// The bit that is set while a caller runs the link.
const RUNNING: u8 = 0x04;
