//! Notices of the requests of subscribers.
//!
//! The lock of the outgoing queues is always acquired before that of the incoming queues.

use std::task::{Poll, Waker};

use super::{Attachment, Routing};
use crate::sync::Wakes;

impl Routing {
    /// Wakes the task that queues the notices of ended subscriptions.
    pub(super) fn wake_announcer(&self) {
        if self.notifies {
            self.incoming.with(|incoming, wakes| incoming.wake_announcer(wakes));
        }
    }

    /// Queues notices of the subscriptions that ended with their connections, a bounded number at a
    /// time. Pending while none are left or there is no room for them; the task is woken when it
    /// can continue.
    pub(crate) fn poll_announce_departures(&self, announcer: &Waker) -> Poll<()> {
        let mut wakes = Wakes::None;
        let has_more = {
            let mut outgoing = self.outgoing.lock();
            let mut incoming = self.incoming.lock();
            let has_more = outgoing.announce_departures(&mut incoming, &mut wakes);
            if !has_more {
                incoming.park_announcer(announcer);
            }
            has_more
        };
        wakes.wake_all();
        if has_more { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Attachment {
    /// Returns whether the application receives the requests of the remote.
    pub(crate) const fn notifies(&self) -> bool {
        self.routing.notifies
    }

    /// Ready when the remote may send a request. Until then, its connection waits until half of its
    /// notices are read.
    pub(crate) fn poll_notice_room(&self, connection: &Waker) -> Poll<()> {
        if !self.routing.notifies {
            return Poll::Ready(());
        }
        self.routing.incoming.lock().poll_notice_room(self.pipe.inbound, connection)
    }

    /// Causes notices of the subscriptions that have ended with the connection to be queued.
    pub(super) fn report_departure(&mut self) {
        if self.routing.notifies {
            let Self { routing, wakes, .. } = self;
            routing.incoming.with_wakes(wakes, |incoming, wakes| incoming.wake_announcer(wakes));
        }
    }
}
