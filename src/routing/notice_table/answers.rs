//! The answers of an application that decides on requests.

use zmtp_proto::topic::Topic;

use super::NoticeTable;
use crate::connection_id::ConnectionId;
use crate::message::Message;
use crate::routing::{CommandEffect, ExceededLimit, OutgoingPipes, Refusal};
use crate::sync::Wakes;

/// The reason why a request could not be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerRefusal {
    Closed,
    /// The connection that sent the request has ended.
    HostUnreachable,
    /// The socket accepts all requests itself.
    NotManual,
    TooManyTopics,
}

impl OutgoingPipes<NoticeTable> {
    /// Subscribes the remote of a connection to topics, or cancels its subscriptions to them.
    pub(crate) fn answer(
        &mut self,
        connection: ConnectionId,
        subscribes: bool,
        topics: &[&Topic],
        wakes: &mut Wakes,
    ) -> Result<(), AnswerRefusal> {
        if self.closed {
            return Err(AnswerRefusal::Closed);
        }
        let table = &mut self.strategy;
        if !table.manual {
            return Err(AnswerRefusal::NotManual);
        }
        let Some(key) = table.keys.get(&connection).copied() else {
            // The subscriptions of a connection end with it.
            return if subscribes { Err(AnswerRefusal::HostUnreachable) } else { Ok(()) };
        };
        for topic in topics {
            let table = &mut self.strategy;
            let subscriptions = &mut table.table.subscriptions;
            let topic = topic.as_bytes();
            let has_changed = if subscribes {
                subscriptions
                    .subscribe(key, topic)
                    .map_err(|_: ExceededLimit| AnswerRefusal::TooManyTopics)?
            } else {
                subscriptions.cancel(key, topic)
            };
            if has_changed && table.effect(subscribes, topic, wakes) == CommandEffect::Narrowed {
                self.release_senders(key, wakes);
            }
        }
        Ok(())
    }

    /// Queues a message only for the remote of a connection, if its queue has room and no sender
    /// waits for it, or if the message replaces a queued one. Takes it out of `message` only then.
    pub(crate) fn try_send_to(
        &mut self,
        connection: ConnectionId,
        message: &mut Option<Message>,
        wakes: &mut Wakes,
    ) -> Result<(), Refusal> {
        if self.closed {
            return Err(Refusal::Closed);
        }
        match self.strategy.keys.get(&connection).copied() {
            Some(key) => self.try_send_only(key, self.strategy.table.slow, message, wakes),
            None => Err(Refusal::HostUnreachable),
        }
    }
}
