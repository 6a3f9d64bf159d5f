//! Two double queues, joined.

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Wake, Waker, ready};

use tokio_util::sync::CancellationToken;

use crate::message::Message;
use crate::monitor::DisconnectReason;
use crate::pipe::{Arrival, Cargo, Parcel, Take};
use crate::remote::Remote;
use crate::routing::{Attachment, lock};

/// Moves messages between two sockets, whenever it is woken.
#[derive(Debug, Default)]
pub(super) struct Link {
    /// Locked for the length of a transfer, during which the locks of queues are taken one at a time.
    state: Mutex<State>,
    /// How often it was woken since it last had nothing to do. Whoever makes it one does the work,
    /// also of those who come meanwhile, so that nobody waits here and nobody enters twice.
    woken: AtomicUsize,
    ended: CancellationToken,
}

#[derive(Debug, Default)]
struct State {
    /// Those of the side that dials and of the one that listens.
    ends: [Option<End>; 2],
    /// Which of them ended it.
    ended_by: Option<Side>,
}

/// What one side brings.
#[derive(Debug)]
struct End {
    attachment: Attachment,
    /// The other side, as this one sees it.
    remote: Remote,
    /// The message that the other side is to receive first.
    hello: Option<Message>,
    /// What this side is to receive before anything else, the oldest first.
    undelivered: VecDeque<Arrival>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Dialling,
    Listening,
}

/// One side's share in a link. The link ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Half {
    link: Arc<Link>,
    side: Side,
}

impl Half {
    /// Makes both sides' shares in a new link: the dialling one first.
    pub(super) fn pair() -> (Self, Self) {
        let link = Arc::new(Link::default());
        let dialling = Self { link: Arc::clone(&link), side: Side::Dialling };
        (dialling, Self { link, side: Side::Listening })
    }

    /// Brings this side's queues. Messages move as soon as both sides have done so.
    pub(crate) fn join(&self, mut attachment: Attachment, remote: Remote, hello: Option<Message>) {
        let undelivered = attachment.begin(&remote);
        let end = End { attachment, remote, hello, undelivered };
        lock(&self.link.state).ends[self.side as usize] = Some(end);
        self.link.advance();
    }

    /// Waits until the link has ended.
    pub(crate) async fn ended(&self) -> DisconnectReason {
        self.link.ended.cancelled().await;
        if lock(&self.link.state).ended_by == Some(self.side) {
            DisconnectReason::Closed
        } else {
            DisconnectReason::ClosedByRemote
        }
    }

    /// Ends the link, and takes this side's queues back.
    pub(crate) fn leave(self) -> Option<Attachment> {
        self.take_back()
    }

    fn take_back(&self) -> Option<Attachment> {
        let mut state = lock(&self.link.state);
        state.ended_by.get_or_insert(self.side);
        let end = state.ends[self.side as usize].take();
        drop(state);
        self.link.ended.cancel();
        let End { mut attachment, undelivered, .. } = end?;
        attachment.put_back(VecDeque::new(), undelivered);
        Some(attachment)
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        self.take_back();
    }
}

impl Link {
    fn advance(self: &Arc<Self>) {
        if self.woken.fetch_add(1, Ordering::AcqRel) > 0 {
            return;
        }
        let waker = Waker::from(Arc::clone(self));
        let mut served = 1;
        loop {
            let ended = lock(&self.state).transfer(&waker);
            if ended {
                self.ended.cancel();
            }
            match self.woken.compare_exchange(served, 0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(woken) => served = woken,
            }
        }
    }
}

impl Wake for Link {
    fn wake(self: Arc<Self>) {
        self.advance();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.advance();
    }
}

impl State {
    /// Moves what can be moved, both ways; tells whether that was the end.
    fn transfer(&mut self, waker: &Waker) -> bool {
        let [Some(dialling), Some(listening)] = &mut self.ends else { return false };
        if self.ended_by.is_some() {
            return false;
        }
        self.ended_by = if dialling.poll_send(listening, waker).is_ready() {
            Some(Side::Dialling)
        } else if listening.poll_send(dialling, waker).is_ready() {
            Some(Side::Listening)
        } else {
            None
        };
        self.ended_by.is_some()
    }
}

impl End {
    /// Moves what is queued here to the other end; ready when there will be no more.
    fn poll_send(&mut self, to: &mut Self, waker: &Waker) -> Poll<()> {
        if let Some(hello) = self.hello.take() {
            to.undelivered.push_back(to.arrival([hello].into()));
        }
        while let Some(arrival) = to.undelivered.front_mut() {
            // Waits for room, if at all, in the same way as what follows.
            let pushed = to.attachment.poll_deliver(waker, arrival);
            ready!(pushed);
            to.undelivered.pop_front();
        }
        let mut taken = VecDeque::new();
        loop {
            let room = to.attachment.room(waker);
            match ready!(self.attachment.poll_take_within(room, waker, &mut taken)) {
                Take::End => return Poll::Ready(()),
                Take::Messages => {}
            }
            let arrival = to.arrival(mem::take(&mut taken));
            let volume = arrival.cargo.volume();
            self.remote.counters().count_sent(volume);
            to.remote.counters().count_received(volume);
            to.attachment.deliver(arrival);
        }
    }

    fn arrival(&self, messages: VecDeque<Message>) -> Arrival {
        Arrival { cargo: Cargo::Whole(Parcel::new(messages)), remote: self.remote.clone() }
    }
}
