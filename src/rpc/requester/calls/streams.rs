//! The parts and the credit of streamed replies.

use std::task::{Poll, Waker};

use super::{CallSlot, CallState, Calls, find};
use crate::rpc::requester::reply_parts::NextPart;
use crate::socket::tracked::PipeKey;
use crate::sync::Wakes;

impl Calls {
    /// Takes the next part of a stream, or waits for it; returns it with the pipe of its server.
    /// The end of the stream ends the call.
    pub(in crate::rpc::requester) fn poll_next(
        &mut self,
        id: u64,
        waker: &Waker,
        wakes: &mut Wakes,
    ) -> Poll<(NextPart, PipeKey)> {
        let Some((index, CallSlot { state: CallState::Stream(inbox), position, .. })) =
            find(&mut self.slots, id)
        else {
            return Poll::Ready((NextPart::End(Ok(())), PipeKey::default()));
        };
        let pipe = position.pipe;
        match inbox.poll_next(waker) {
            Poll::Ready(next @ NextPart::Part(..)) => Poll::Ready((next, pipe)),
            Poll::Ready(end) => {
                self.release(index);
                self.admission.leave(wakes);
                Poll::Ready((end, pipe))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Records credit that could not be sent because the queue was full.
    pub(in crate::rpc::requester) fn owe(&mut self, id: u64, parts: u32) {
        if let Some((_, CallSlot { state: CallState::Stream(inbox), .. })) =
            find(&mut self.slots, id)
        {
            inbox.owe(parts);
            self.owing.push(id);
        }
    }

    /// Takes the credit that is owed to the server of a stream; `None` if no stream owes credit.
    pub(in crate::rpc::requester) fn take_owed(&mut self) -> Option<(u64, PipeKey, u32)> {
        while let Some(id) = self.owing.pop() {
            let Some((_, slot)) = find(&mut self.slots, id) else { continue };
            if let CallState::Stream(inbox) = &mut slot.state {
                let parts = inbox.take_owed();
                if parts > 0 {
                    return Some((id, slot.position.pipe, parts));
                }
            }
        }
        None
    }

    pub(in crate::rpc::requester) fn is_owing(&self) -> bool {
        !self.owing.is_empty()
    }
}
