//! Strategies that announce what their socket wants to receive: DISH, SUB, XSUB.

use zmtp_proto::message_shape::last_part;
use zmtp_proto::subscription;

use crate::message::Message;
use crate::routing::{Interest, Interests, OutgoingPipes, Removed, Strategy};
use crate::sync::Wakes;

/// A strategy that announces interests to the remotes of its socket.
pub(crate) trait Announcing: Strategy {
    /// The criterion by which messages are selected.
    type Interest: Interest;

    fn interests(&self) -> &Interests<Self::Interest>;

    fn interests_mut(&mut self) -> &mut Interests<Self::Interest>;
}

impl<T: Interest> Announcing for Interests<T> {
    type Interest = T;

    fn interests(&self) -> &Self {
        self
    }

    fn interests_mut(&mut self) -> &mut Self {
        self
    }
}

impl<S: Announcing> OutgoingPipes<S> {
    /// Adds an interest. Returns false if the socket has it already: if interests of this type are
    /// counted, its count then increases.
    pub(crate) fn add_interest(&mut self, interest: &S::Interest, wakes: &mut Wakes) -> bool {
        let is_new = self.strategy.interests_mut().add(interest);
        if is_new {
            self.wake_connections(wakes);
        }
        is_new
    }

    /// Removes an interest, or reduces its count.
    pub(crate) fn remove_interest(&mut self, interest: &S::Interest, wakes: &mut Wakes) -> Removed {
        let removed = self.strategy.interests_mut().remove(interest);
        if removed == Removed::Last {
            self.wake_connections(wakes);
        }
        removed
    }

    /// Returns the interests in their order, each once.
    pub(crate) fn interests(&self) -> Vec<S::Interest> {
        self.strategy.interests().list()
    }
}

impl<S: Strategy> OutgoingPipes<S> {
    /// Takes a message that is a subscription or a cancellation. It changes the subscriptions of
    /// the socket, which are announced to all remotes, and is not queued itself. Returns false for
    /// any other message.
    pub(super) fn take_subscription(
        &mut self,
        message: &mut Option<Message>,
        wakes: &mut Wakes,
    ) -> bool {
        let command = message.as_ref().and_then(|it| subscription::command_of(last_part(it)?));
        let Some(Ok(command)) = command.filter(|_| !self.closed) else { return false };
        if self.strategy.subscribe(&command) {
            self.wake_connections(wakes);
        }
        *message = None;
        true
    }

    /// Wakes the connections that wait for messages: they have commands to write.
    fn wake_connections(&mut self, wakes: &mut Wakes) {
        for pipe in self.pipes.values_mut() {
            pipe.outbound.wake_connection(wakes);
        }
    }
}
