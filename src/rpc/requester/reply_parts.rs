//! The received parts of a streamed reply.

use std::collections::VecDeque;
use std::task::{Poll, Waker};

use crate::message::Message;
use crate::rpc::CallError;
use crate::sync::Wakes;

/// The parts of one stream that have not been fetched. Their number never exceeds the credit that
/// the server was granted, so that a stream that is not read blocks no other call.
#[derive(Debug)]
pub(super) struct ReplyParts {
    parts: VecDeque<Message>,
    ended: Option<StreamEnd>,
    waker: Option<Waker>,
    /// The maximum number of parts in transit or not fetched.
    window: u32,
    /// The number of parts that the server may still send.
    credit: u32,
    /// The number of fetched parts for which no new credit has been sent.
    owed: u32,
}

#[derive(Debug)]
struct StreamEnd {
    outcome: Result<(), CallError>,
    by_reply: bool,
}

/// The next item of a stream.
#[derive(Debug)]
pub(super) enum NextPart {
    /// A part, with the credit to send.
    Part(Message, Option<u32>),
    End(Result<(), CallError>),
}

impl ReplyParts {
    pub(super) fn new(window: u32) -> Self {
        Self { parts: VecDeque::new(), ended: None, waker: None, window, credit: window, owed: 0 }
    }

    /// Adds a part; returns false if there is no credit for it.
    pub(super) fn push(&mut self, part: Message, wakes: &mut Wakes) -> bool {
        if self.credit == 0 {
            return false;
        }
        self.credit -= 1;
        self.push_last(part);
        wakes.extend(self.waker.take());
        true
    }

    /// Adds the last part, which needs no credit.
    pub(super) fn push_last(&mut self, part: Message) {
        self.parts.push_back(part);
    }

    /// Ends the stream; the parts in it can still be fetched.
    pub(super) fn end(
        &mut self,
        outcome: Result<(), CallError>,
        by_reply: bool,
        wakes: &mut Wakes,
    ) {
        self.ended = Some(StreamEnd { outcome, by_reply });
        wakes.extend(self.waker.take());
    }

    pub(super) fn poll_next(&mut self, waker: &Waker) -> Poll<NextPart> {
        if let Some(part) = self.parts.pop_front() {
            self.owed += 1;
            // Credit is renewed by half the window: one message covers many parts and arrives in
            // time.
            let is_due = self.ended.is_none() && self.owed >= self.window.div_ceil(2);
            let credit = is_due.then(|| self.take_owed());
            return Poll::Ready(NextPart::Part(part, credit));
        }
        match self.ended.take() {
            Some(StreamEnd { outcome, by_reply }) => {
                self.ended = Some(StreamEnd { outcome: Ok(()), by_reply });
                Poll::Ready(NextPart::End(outcome))
            }
            None => {
                self.waker = Some(waker.clone());
                Poll::Pending
            }
        }
    }

    /// Takes the credit that is owed, and counts it as sent.
    pub(super) fn take_owed(&mut self) -> u32 {
        if self.ended.is_some() {
            return 0;
        }
        self.credit += self.owed;
        std::mem::take(&mut self.owed)
    }

    /// Restores credit that could not be sent.
    pub(super) fn owe(&mut self, parts: u32) {
        self.credit = self.credit.saturating_sub(parts);
        self.owed += parts;
    }

    pub(super) const fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Returns whether the server ended the stream.
    pub(super) fn is_answered(&self) -> bool {
        self.ended.as_ref().is_some_and(|ended| ended.by_reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_stream_never_exceed_its_credit() {
        let mut inbox = ReplyParts::new(2);
        let mut woken = Wakes::None;
        assert!(inbox.push("a".into(), &mut woken));
        assert!(inbox.push("b".into(), &mut woken));
        assert!(!inbox.push("c".into(), &mut woken));
        let Poll::Ready(NextPart::Part(part, Some(1))) = inbox.poll_next(Waker::noop()) else {
            panic!("a part with credit is expected")
        };
        assert_eq!(part, "a");
        inbox.owe(1);
        assert!(!inbox.push("c".into(), &mut woken), "the credit was not sent");
        assert_eq!(inbox.take_owed(), 1);
        assert!(inbox.push("c".into(), &mut woken));
    }

    #[test]
    fn received_parts_are_fetched_before_the_end() {
        let mut inbox = ReplyParts::new(8);
        let mut woken = Wakes::None;
        assert!(inbox.poll_next(Waker::noop()).is_pending());
        assert!(inbox.push("a".into(), &mut woken));
        inbox.push_last("b".into());
        inbox.end(Err(CallError::ConnectionLost), false, &mut woken);
        assert_eq!(woken.len(), 1);
        for expected in ["a", "b"] {
            let next = inbox.poll_next(Waker::noop());
            assert!(matches!(next, Poll::Ready(NextPart::Part(part, None)) if part == expected));
        }
        let end = inbox.poll_next(Waker::noop());
        assert!(matches!(end, Poll::Ready(NextPart::End(Err(CallError::ConnectionLost)))));
    }
}
