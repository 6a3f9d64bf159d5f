//! Ends of connections that a requester or responder watches.

use std::mem;

use super::{Attachment, Pipe, messages};
use crate::routing::{ConnectionEnd, ReturnedMessage};

impl Attachment {
    /// Reports the end of a connection to the watcher, after all its messages have been queued: the
    /// watcher receives continuously, so the mark is not needed as a bound here. Returns the
    /// messages that were left if the watcher has stopped in the meantime.
    pub(super) fn report_to_watcher(
        &mut self,
        left: Vec<ReturnedMessage>,
        written: u64,
        queued: usize,
        gone: bool,
    ) -> Vec<ReturnedMessage> {
        let unqueued = mem::take(&mut self.unqueued);
        let Self { routing, pipe, wakes, .. } = self;
        let (unread, arrived) = routing.incoming.with_wakes(wakes, |incoming, wakes| {
            let unread = incoming.push_rest(pipe.inbound, unqueued, wakes);
            (unread, incoming.arrived(pipe.inbound))
        });
        self.unread += messages(&unread);
        if gone && arrived == 0 && written == 0 && queued == 0 && left.is_empty() {
            // No message can be lost with it. Remotes that only connect and leave would fill the
            // list that is kept for a responder that is not polled.
            return left;
        }
        let Pipe { outbound, inbound } = self.pipe;
        let end = ConnectionEnd { pipe: outbound, inbound, arrived, written, gone };
        self.routing.ends.report(end, left)
    }
}
