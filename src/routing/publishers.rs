//! Sending to all publishers: XSUB.

use zmtp_proto::command::Command;
use zmtp_proto::message_shape::last_part;
use zmtp_proto::subscription;
use zmtp_proto::topic::Topic;

use crate::options::SlowSubscriber;
use crate::pipe::PipeKey;
use crate::routing::outgoing_pipe::OutgoingPipe;
use crate::routing::{
    Announcing, Choice, FirstPart, IdentityClaim, Interests, ManyPipes, Removed, Strategy,
};
use crate::sync::Wakes;

/// Sends each message to all remotes, and announces the subscriptions of the socket to them (RFC
/// 29, The XSUB Socket Type). A sent message that is a subscription or a cancellation changes the
/// subscriptions instead.
#[derive(Debug, Default)]
pub(crate) struct Publishers {
    subscriptions: Interests<Topic>,
    /// The pipes of all remotes to which messages are sent.
    keys: Vec<PipeKey>,
}

impl Announcing for Publishers {
    type Interest = Topic;

    fn interests(&self) -> &Interests<Topic> {
        &self.subscriptions
    }

    fn interests_mut(&mut self) -> &mut Interests<Topic> {
        &mut self.subscriptions
    }
}

impl Strategy for Publishers {
    type Target = FirstPart;

    const FANS_OUT: bool = true;

    const SUBSCRIBES: bool = true;

    #[inline]
    fn choose(&mut self, _: &FirstPart) -> Choice<'_> {
        Choice::Many(ManyPipes { keys: &self.keys, slow: SlowSubscriber::DropNewest })
    }

    fn identify(&mut self, key: PipeKey, _: IdentityClaim, _is_open: bool) {
        self.keys.push(key);
    }

    fn retire(&mut self, key: PipeKey, pipe: &OutgoingPipe) {
        // From the end: short-lived remotes are the last ones.
        if let Some(at) = self.keys.iter().rposition(|other| *other == key) {
            self.keys.swap_remove(at);
        }
        self.subscriptions.retire(key, pipe);
    }

    fn connect(&mut self, key: PipeKey, pipe: &OutgoingPipe, was_open: bool, wakes: &mut Wakes) {
        self.subscriptions.connect(key, pipe, was_open, wakes);
    }

    fn subscribe(&mut self, command: &Command) -> bool {
        match command {
            Command::Subscribe(topic) => self.subscriptions.add(topic),
            Command::Cancel(topic) => self.subscriptions.remove(topic) == Removed::Last,
            _ => false,
        }
    }

    fn take_commands(&mut self, key: PipeKey) -> Option<Vec<Command>> {
        self.subscriptions.take_commands(key)
    }

    /// A subscription whose topic is too long cannot be announced.
    #[inline]
    fn fits(&self, message: &[u8]) -> bool {
        let body = last_part(message).filter(|body| body.len() > Topic::LEN_MAX);
        body.is_none_or(|body| !matches!(subscription::command_of(body), Some(Err(_))))
    }
}
