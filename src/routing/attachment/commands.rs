//! The commands of a remote that are for the strategy of its socket.

use std::task::{Poll, Waker};

use zmtp_proto::command::Command;

use super::Attachment;
use crate::monitor::{EventKind, EventPublisher, EventSource};
use crate::routing::{CommandEffect, ExceededLimit};

impl Attachment {
    /// Passes a command of the remote to the strategy.
    pub(crate) fn command(&mut self, command: &Command) -> Result<(), ExceededLimit> {
        let Self { routing, pipe, wakes, .. } = self;
        let effect = routing.outgoing.with_wakes(wakes, |outgoing, wakes| {
            let mut notices = routing.notifies.then(|| routing.incoming.lock());
            outgoing.command(pipe.outbound, command, notices.as_deref_mut(), wakes)
        })?;
        if let Some(publisher) = routing.subscription_events.as_ref() {
            if effect != CommandEffect::Unchanged {
                publish_subscription(publisher, &self.subject, command);
            }
        }
        Ok(())
    }

    /// Ready when no more messages and commands are queued for the remote. Until then, its
    /// connection waits.
    pub(crate) fn poll_retired(&self, connection: &Waker) -> Poll<()> {
        self.routing.outgoing.lock().poll_retired(self.pipe.outbound, connection)
    }
}

/// Reports that a remote has subscribed to a topic, or cancelled a subscription.
fn publish_subscription(publisher: &EventPublisher, subject: &EventSource, command: &Command) {
    match command {
        Command::Subscribe(topic) => {
            publisher.publish(subject, || EventKind::Subscribed { topic: topic.clone() });
        }
        Command::Cancel(topic) => {
            publisher.publish(subject, || EventKind::Cancelled { topic: topic.clone() });
        }
        _ => {}
    }
}
