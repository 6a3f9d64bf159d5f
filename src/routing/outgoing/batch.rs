//! Queuing several messages in one pipe.

use super::OutgoingPipes;
use crate::message::Message;
use crate::pipe::PipeKey;
use crate::routing::{Choice, Strategy};
use crate::sync::Wakes;

impl<S: Strategy> OutgoingPipes<S> {
    /// Returns the pipe for several messages to a target, if it has capacity and the strategy does
    /// not choose a pipe for each message.
    #[inline]
    pub(crate) fn one_choice(&mut self, to: &S::Target) -> Option<PipeKey> {
        if !self.strategy.has_one_choice() {
            return None;
        }
        match self.strategy.choose(to) {
            Choice::Offered(key) => Some(key),
            Choice::One(_) | Choice::Many(_) | Choice::Full | Choice::Unreachable => None,
        }
    }

    /// Queues the messages that `next` returns in [this pipe](Self::one_choice), while it has
    /// capacity.
    #[inline]
    pub(crate) fn push_all(
        &mut self,
        key: PipeKey,
        next: impl FnMut() -> Option<Message>,
        wakes: &mut Wakes,
    ) {
        let pipe = &mut self.pipes[key];
        pipe.outbound.push_all(next, wakes);
        if pipe.outbound.has_room() {
            self.strategy.used(key, pipe);
        } else {
            self.withdraw_if_full(key);
        }
    }

    /// Returns the number of copies since they were last taken.
    #[inline]
    pub(crate) const fn copies(&self) -> usize {
        self.fan_out.copies.queued
    }
}
