//! Messages that ended remotes have left, for the application or for other remotes.

use std::collections::VecDeque;
use std::task::{Poll, Waker};

use crate::message::Message;
use crate::monitor::EventSource;
use crate::pipe::{HighWaterMark, PipeKey, Ticket, Waiters, WaitingLine};
use crate::routing::{Closed, QueuePosition};
use crate::sync::Lock;

/// A message that was not written when its connection ended, and that is to be routed again.
#[derive(Debug)]
pub(crate) struct ReturnedMessage {
    pub(crate) message: Message,
    /// Its position in the queue.
    pub(crate) position: QueuePosition,
    /// The remote, if it ended the connection when part of the message was written.
    pub(crate) interrupted_by: Option<EventSource>,
}

/// The messages that ended remotes of a socket have left, in order and up to a limit. By default
/// none are kept.
#[derive(Debug, Default)]
pub(crate) struct ReturnedMessages(Lock<Kept>);

#[derive(Debug, Default)]
struct Kept {
    messages: VecDeque<ReturnedMessage>,
    /// The size of all their bodies.
    bytes: usize,
    /// The limit, until the socket is closed; `None` if none are kept.
    hwm: Option<HighWaterMark>,
    closed: bool,
    /// The tasks that wait for a message.
    waiters: Waiters,
}

impl ReturnedMessages {
    /// Keeps messages from now on, up to a limit.
    pub(crate) fn limit(&self, hwm: HighWaterMark) {
        let mut kept = self.0.lock();
        kept.hwm = Some(hwm).filter(|_| !kept.closed);
    }

    /// Keeps messages, and wakes the tasks that wait for one. Returns the messages above the limit.
    #[must_use]
    pub(crate) fn keep(&self, left: Vec<ReturnedMessage>) -> Vec<ReturnedMessage> {
        if left.is_empty() {
            return left;
        }
        self.0.with(|kept, wakes| {
            let Some(hwm) = kept.hwm else { return left };
            let mut left = left.into_iter();
            while hwm.has_room(kept.messages.len(), kept.bytes) {
                let Some(message) = left.next() else { break };
                kept.bytes += message.message.len();
                kept.messages.push_back(message);
            }
            // All of them, so that a task that stops waiting has no wake-up to pass on.
            wakes.extend(kept.waiters.drain());
            left.collect()
        })
    }

    /// Keeps the messages that were queued for a pipe when it was removed, and returns those above
    /// the limit.
    #[must_use]
    pub(crate) fn keep_queued(&self, pipe: PipeKey, queued: VecDeque<Message>) -> Vec<Message> {
        // No connection has taken them, so that they are not recognized by their position.
        let position = QueuePosition { pipe, number: u64::MAX };
        let queued = queued.into_iter().map(|message| ReturnedMessage {
            message,
            position,
            interrupted_by: None,
        });
        self.keep(queued.collect()).into_iter().map(|returned| returned.message).collect()
    }

    /// Returns the number of messages.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().messages.len()
    }

    /// Takes the oldest message, if there is one.
    pub(crate) fn take(&self) -> Result<Option<ReturnedMessage>, Closed> {
        let mut kept = self.0.lock();
        if kept.closed { Err(Closed) } else { Ok(kept.pop()) }
    }

    /// Takes the oldest message, or waits for one.
    pub(crate) fn poll_take(
        &self,
        ticket: &mut Option<Ticket>,
        waker: &Waker,
    ) -> Poll<Result<ReturnedMessage, Closed>> {
        let mut kept = self.0.lock();
        if kept.closed {
            return Poll::Ready(Err(Closed));
        }
        match kept.pop() {
            Some(message) => {
                kept.leave_line(ticket);
                Poll::Ready(Ok(message))
            }
            None => {
                kept.waiters.register(ticket, waker);
                Poll::Pending
            }
        }
    }

    /// Waits until there is a message.
    pub(crate) fn poll_any(
        &self,
        ticket: &mut Option<Ticket>,
        waker: &Waker,
    ) -> Poll<Result<(), Closed>> {
        let mut kept = self.0.lock();
        if kept.closed {
            return Poll::Ready(Err(Closed));
        }
        if kept.messages.is_empty() {
            kept.waiters.register(ticket, waker);
            return Poll::Pending;
        }
        kept.leave_line(ticket);
        Poll::Ready(Ok(()))
    }

    /// Keeps no more messages, and wakes all waiting tasks. Returns the messages that were not
    /// taken.
    pub(crate) fn close(&self) -> Vec<Message> {
        self.0.with(|kept, wakes| {
            (kept.hwm, kept.closed, kept.bytes) = (None, true, 0);
            wakes.extend(kept.waiters.drain());
            kept.messages.drain(..).map(|returned| returned.message).collect()
        })
    }
}

impl Kept {
    fn pop(&mut self) -> Option<ReturnedMessage> {
        let message = self.messages.pop_front()?;
        self.bytes -= message.message.len();
        Some(message)
    }

    fn leave_line(&mut self, ticket: &mut Option<Ticket>) {
        if let Some(ticket) = ticket.take() {
            self.waiters.remove(ticket);
        }
    }
}

/// The line of tasks that wait for a message.
impl WaitingLine for &ReturnedMessages {
    fn cancel(&self, ticket: Ticket) {
        self.0.lock().waiters.remove(ticket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_up_to_the_limit_are_kept_in_order() {
        let returned = ReturnedMessages::default();
        assert_eq!(numbers(returned.keep(left([1, 2]))), [1, 2], "there is no limit yet");
        returned.limit(HighWaterMark::new(3, 0));
        assert_eq!(numbers(returned.keep(left([1, 2]))), [0; 0]);
        assert_eq!(numbers(returned.keep(left([3, 4, 5]))), [4, 5]);
        assert_eq!(returned.take().unwrap().unwrap().message, [1]);
        assert_eq!(numbers(returned.keep(left([6, 7]))), [7]);
        let rest: Vec<_> = returned.close().into_iter().map(|message| message[0]).collect();
        assert_eq!(rest, [2, 3, 6]);
        assert!(returned.take().is_err());
        assert_eq!(numbers(returned.keep(left([8]))), [8], "the socket is closed");
    }

    #[test]
    fn the_limit_in_bytes_admits_the_message_that_reaches_it() {
        let returned = ReturnedMessages::default();
        returned.limit(HighWaterMark::new(0, 2));
        assert_eq!(numbers(returned.keep(left([1, 2, 3]))), [3]);
        returned.take().unwrap();
        assert_eq!(numbers(returned.keep(left([4, 5]))), [5]);
    }

    #[test]
    fn every_waiting_task_is_woken() {
        let returned = ReturnedMessages::default();
        returned.limit(HighWaterMark::new(10, 0));
        let (mut first, mut second) = (None, None);
        assert!(returned.poll_take(&mut first, Waker::noop()).is_pending());
        assert!(returned.poll_any(&mut second, Waker::noop()).is_pending());
        assert!(returned.keep(left([1])).is_empty());
        assert!(returned.poll_any(&mut second, Waker::noop()).is_ready());
        assert!(returned.poll_take(&mut first, Waker::noop()).is_ready());
        assert!(returned.poll_take(&mut first, Waker::noop()).is_pending());
        returned.close();
        assert!(returned.poll_take(&mut first, Waker::noop()).is_ready());
    }

    fn left<const N: usize>(numbers: [u8; N]) -> Vec<ReturnedMessage> {
        let position = QueuePosition { pipe: PipeKey::default(), number: 0 };
        let message = |number| ReturnedMessage {
            message: Message::from([number]),
            position,
            interrupted_by: None,
        };
        numbers.map(message).into()
    }

    fn numbers(messages: Vec<ReturnedMessage>) -> Vec<u8> {
        messages.into_iter().map(|returned| returned.message[0]).collect()
    }
}
