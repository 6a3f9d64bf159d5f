//! Routing by subscription: PUB.

use std::task::{Poll, Waker};

use zmtp_proto::command::Command;
use zmtp_proto::message_shape::first_part;

use crate::options::{SlowSubscriber, TopicOptions};
use crate::pipe::{PipeKey, Ticket};
use crate::remote::Remote;
use crate::routing::awaited_topics::AwaitedTopics;
use crate::routing::outgoing_pipe::OutgoingPipe;
use crate::routing::subscriptions::Subscriptions;
use crate::routing::{
    Choice, Closed, CommandEffect, ExceededLimit, ManyPipes, OutgoingPipes, Strategy,
};
use crate::sync::Wakes;

/// Sends each message to the remotes that have subscribed to a prefix of its first part (RFC 29,
/// The PUB Socket Type).
#[derive(Debug, Default)]
pub(crate) struct SubscriptionTable {
    pub(super) subscriptions: Subscriptions,
    pub(super) slow: SlowSubscriber,
    pub(super) awaited: AwaitedTopics,
}

/// The target of a message that its first part determines. The pipes are looked up when the message
/// is [addressed](Strategy::address), so that its first part need not be copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FirstPart;

/// A strategy that chooses the remotes by the first part of a message.
pub(crate) trait ByFirstPart: Strategy<Target = FirstPart> {
    /// Looks up the pipes for the next message, by its first part.
    fn look_up(&mut self, first_part: &[u8]);

    /// Returns the tasks that wait for subscribers.
    fn awaited(&mut self) -> &mut AwaitedTopics;

    /// Returns the number of topics with a subscriber.
    fn topics(&self) -> usize;
}

impl OutgoingPipes<SubscriptionTable> {
    /// Sets the limits of remotes, and the policy for those that are slow.
    pub(crate) fn set_topic_options(&mut self, options: TopicOptions) {
        self.strategy.set_options(options);
    }
}

impl<S: ByFirstPart> OutgoingPipes<S> {
    /// Returns the number of topics with a subscriber.
    pub(crate) fn topics(&self) -> usize {
        self.strategy.topics()
    }

    /// Returns the number of subscribers of a message with this first part.
    pub(crate) fn subscribers(&mut self, first_part: &[u8]) -> usize {
        self.strategy.look_up(first_part);
        match self.strategy.choose(&FirstPart) {
            Choice::Many(chosen) => chosen.keys.len(),
            Choice::Offered(_) | Choice::One(_) | Choice::Full | Choice::Unreachable => 0,
        }
    }

    /// Returns the subscribers of a message with this first part whose queue is full.
    pub(crate) fn full_subscribers(&mut self, first_part: &[u8]) -> Vec<Remote> {
        self.strategy.look_up(first_part);
        self.full_members(&FirstPart)
    }

    /// Ready when a message with this first part has a subscriber; until then, the task waits.
    pub(crate) fn poll_subscribed(
        &mut self,
        first_part: &[u8],
        ticket: &mut Option<Ticket>,
        task: &Waker,
    ) -> Poll<Result<(), Closed>> {
        if self.closed {
            return Poll::Ready(Err(Closed));
        }
        if self.subscribers(first_part) > 0 {
            return Poll::Ready(Ok(()));
        }
        self.strategy.awaited().register(ticket, first_part, task);
        Poll::Pending
    }

    /// Removes a task that no longer waits for a subscriber.
    pub(crate) fn stop_awaiting(&mut self, ticket: Ticket) {
        self.strategy.awaited().remove(ticket);
    }
}

impl SubscriptionTable {
    pub(super) const fn set_options(&mut self, options: TopicOptions) {
        self.subscriptions.set_limits(options);
        self.slow = options.slow_subscriber;
    }
}

impl ByFirstPart for SubscriptionTable {
    #[inline]
    fn look_up(&mut self, first_part: &[u8]) {
        self.subscriptions.look_up(first_part);
    }

    fn awaited(&mut self) -> &mut AwaitedTopics {
        &mut self.awaited
    }

    fn topics(&self) -> usize {
        self.subscriptions.topics()
    }
}

impl Strategy for SubscriptionTable {
    type Target = FirstPart;

    const FANS_OUT: bool = true;

    #[inline]
    fn address(&mut self, message: &[u8]) {
        self.look_up(first_part(message));
    }

    #[inline]
    fn choose(&mut self, _: &FirstPart) -> Choice<'_> {
        Choice::Many(ManyPipes { keys: self.subscriptions.found(), slow: self.slow })
    }

    fn retire(&mut self, key: PipeKey, _pipe: &OutgoingPipe) {
        self.subscriptions.leave(key);
    }

    /// A connection begins without topics. Until then, messages are queued for those of the earlier
    /// connection, as with the groups of a RADIO.
    fn connect(&mut self, key: PipeKey, _: &OutgoingPipe, _was_open: bool, _: &mut Wakes) {
        self.subscriptions.leave(key);
    }

    fn command(
        &mut self,
        key: PipeKey,
        command: &Command,
        wakes: &mut Wakes,
    ) -> Result<CommandEffect, ExceededLimit> {
        match command {
            Command::Subscribe(topic) if self.subscriptions.subscribe(key, topic.as_bytes())? => {
                self.awaited.wake(topic.as_bytes(), wakes);
                Ok(CommandEffect::Widened)
            }
            Command::Cancel(topic) if self.subscriptions.cancel(key, topic.as_bytes()) => {
                Ok(CommandEffect::Narrowed)
            }
            _ => Ok(CommandEffect::Unchanged),
        }
    }

    fn reclaim(&mut self) -> bool {
        self.subscriptions.release(RELEASED)
    }

    fn wake_unconnected(&mut self, wakes: &mut Wakes) {
        self.awaited.wake_all(wakes);
    }

    fn close(&mut self, wakes: &mut Wakes) {
        self.awaited.wake_all(wakes);
    }
}

/// The largest number of subscriptions that are released under one lock.
///
/// The lock is not fair: a sender on another thread acquires it only if it is held for about as
/// long as a thread spins.
pub(super) const RELEASED: usize = 4;
