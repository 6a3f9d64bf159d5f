//! What a connection leaves when it ends.

use std::collections::VecDeque;
use std::mem;

use super::OutgoingPipes;
use crate::message::Message;
use crate::pipe::PipeKey;
use crate::routing::{Leftover, Strategy};
use crate::sync::Wakes;

impl<S: Strategy> OutgoingPipes<S> {
    /// Records that the connection of a remote has ended. Returns the messages to be routed again.
    pub(super) fn end_connection(
        &mut self,
        key: PipeKey,
        gone: bool,
        unwritten: &mut VecDeque<Message>,
    ) -> VecDeque<Message> {
        let Some(pipe) = self.pipes.get_mut(key) else { return VecDeque::new() };
        let was_open = pipe.is_open();
        (pipe.connection, pipe.draining) = (None, false);
        let leftover = self.strategy.disconnect(key, was_open, gone || pipe.outbound.is_retired());
        if leftover == Leftover::Stay || self.closed {
            return VecDeque::new();
        }
        self.withdraw(key);
        if leftover == Leftover::Lose {
            return VecDeque::new();
        }
        let mut elsewhere = mem::take(unwritten);
        elsewhere.extend(self.pipes[key].outbound.drain());
        elsewhere
    }

    /// Returns the messages that a connection has not written, if they are for this connection
    /// alone, and wakes the tasks that wait to send it others.
    pub(super) fn discard_messages(
        &mut self,
        key: PipeKey,
        unwritten: &mut VecDeque<Message>,
        wakes: &mut Wakes,
    ) -> VecDeque<Message> {
        if S::NOTIFIES {
            self.fan_out.held.wake_line(key, wakes);
        }
        if !S::IS_BY_CONNECTION {
            return VecDeque::new();
        }
        self.withdraw(key);
        let Some(pipe) = self.pipes.get_mut(key) else { return VecDeque::new() };
        self.strategy.retire(key, pipe);
        pipe.senders.wake_all(wakes);
        let mut discarded = mem::take(unwritten);
        discarded.extend(pipe.outbound.drain());
        discarded
    }
}
