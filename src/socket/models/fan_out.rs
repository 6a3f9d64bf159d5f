//! Senders of a RADIO that wait until all members of a group have room, and senders of a PUB that
//! wait for all subscribers.

use zmtp_proto::command::Command;
use zmtp_proto::topic::Topic;

use super::interests::Named;
use super::*;
use crate::message::{AnyMessage, Multipart};
use crate::options::XPubOptions;
use crate::remote::tests::any_remote;
use crate::routing::{FirstPart, Interest, Remainder};
use crate::socket::XPub;

#[test]
fn every_sender_gets_room_in_all_members() {
    all(1, || members_take::<Radio>(&[("x", 'b')]));
    all(0, || members_take::<Radio>(&[("x", 'b'), ("y", 'c')]));
    some(|| members_take::<Radio>(MANY));
    all(0, || members_take::<Pub>(&[("x", 'b'), ("y", 'c')]));
    some(|| members_take::<Pub>(MANY));
    some(|| members_take::<XPub>(MANY));
}

#[test]
fn a_dropped_sender_passes_its_room_to_the_next() {
    all(0, || a_sender_is_dropped::<Radio>(&[("x", 'b'), ("y", 'c')]));
    some(|| a_sender_is_dropped::<Radio>(&[("x", 'b'), ("y", 'c'), ("z", 'd'), ("x", 'e')]));
    all(0, || a_sender_is_dropped::<Pub>(&[("x", 'b'), ("y", 'c')]));
    some(|| a_sender_is_dropped::<Pub>(&[("x", 'b'), ("y", 'c'), ("z", 'd'), ("x", 'e')]));
}

#[test]
fn a_member_that_goes_holds_up_no_sender() {
    all(0, || a_member_goes::<Radio>(&[("x", 'b'), ("z", 'c')], "-x", Goes::Away));
    some(|| a_member_goes::<Radio>(MANY, "", Goes::Away));
    all(0, || a_member_goes::<Pub>(&[("x", 'b'), ("z", 'c')], "-x", Goes::Away));
    some(|| a_member_goes::<Pub>(MANY, "", Goes::Away));
    some(|| a_member_goes::<XPub>(MANY, "", Goes::Away));
}

/// Whatever it is a member of meanwhile.
#[test]
fn a_member_that_leaves_its_groups_holds_up_no_sender() {
    all(0, || a_member_goes::<Radio>(&[("x", 'b')], "+z-x-z", Goes::Nowhere));
    some(|| a_member_goes::<Radio>(MANY, "-x+x+z-x-y-z", Goes::Nowhere));
    all(0, || a_member_goes::<Pub>(&[("x", 'b')], "+z-x-z", Goes::Nowhere));
    some(|| a_member_goes::<Pub>(MANY, "-x+x+z-x-y-z", Goes::Nowhere));
    some(|| a_member_goes::<XPub>(MANY, "-x+x+z-x-y-z", Goes::Nowhere));
}

#[test]
fn a_member_that_reconnects_holds_up_no_sender_until_it_joins_again() {
    all(0, || a_member_reconnects::<Radio>(&[("x", 'b')], false));
    some(|| a_member_reconnects::<Radio>(MANY, true));
    all(0, || a_member_reconnects::<Pub>(&[("x", 'b')], false));
    all(0, || a_member_reconnects::<Pub>(&[("x", 'b')], true));
    some(|| a_member_reconnects::<Pub>(MANY, true));
}

/// A socket that sends a message to many remotes.
pub(super) trait FansOut: Kind {
    type Name: Named;

    /// Creates a socket without drops, with this high-water mark for sending.
    fn model(send_hwm: usize) -> Model<Self>;

    /// Returns a message for a group or topic.
    fn message(name: &str, letter: char) -> (Target<Self>, Message);

    /// Returns the number of remotes that receive messages for a group or topic.
    fn members(model: &Model<Self>, name: &str) -> usize;
}

impl FansOut for Pub {
    type Name = Topic;

    fn model(send_hwm: usize) -> Model<Self> {
        Model::publisher(send_hwm)
    }

    fn message(name: &str, letter: char) -> (FirstPart, Message) {
        (FirstPart, Multipart::from(format!("{name}{letter}")).into_queue())
    }

    fn members(model: &Model<Self>, name: &str) -> usize {
        model.core.outgoing.lock().subscribers(name.as_bytes())
    }
}

impl FansOut for XPub {
    type Name = Topic;

    fn model(send_hwm: usize) -> Model<Self> {
        Model::xpub(send_hwm, 0, XPubOptions::default())
    }

    fn message(name: &str, letter: char) -> (FirstPart, Message) {
        Pub::message(name, letter)
    }

    fn members(model: &Model<Self>, name: &str) -> usize {
        model.core.outgoing.lock().subscribers(name.as_bytes())
    }
}

impl FansOut for Radio {
    type Name = Group;

    fn model(send_hwm: usize) -> Model<Self> {
        Model::radio(send_hwm)
    }

    fn message(name: &str, letter: char) -> (Group, Message) {
        (group(name), Message::from([letter as u8]))
    }

    fn members(model: &Model<Self>, name: &str) -> usize {
        model.core.outgoing.lock().members(&group(name)).len()
    }
}

/// The message 'a' is queued for two members, which are the only ones of "y" and of "z" as well.
struct Full<K: FansOut> {
    model: Model<K>,
    members: [Attachment; 2],
}

impl<K: FansOut> Full<K> {
    fn new() -> Self {
        let model = K::model(1);
        let members = [["x", "y"], ["x", "z"]].map(|names| {
            let mut attachment = model.attach();
            attachment.begin(&any_remote());
            for name in names {
                change::<K>(&mut attachment, "+", name);
            }
            attachment
        });
        let (to, message) = K::message("x", 'a');
        assert_eq!(model.core.try_send(&to, &mut Some(message)), Ok(()));
        Self { model, members }
    }

    fn send(&self, messages: &[(&str, char)]) -> Vec<JoinHandle<Sent>> {
        let messages = messages.iter().map(|(name, letter)| K::message(name, *letter));
        messages.map(|(to, message)| self.model.send_message(to, message)).collect()
    }
}

/// Passes on that a remote has joined (`+`) or left a group, or the same with a topic.
pub(super) fn change<K: FansOut>(attachment: &mut Attachment, sign: &str, name: &str) {
    let name = K::Name::named(name.as_bytes());
    let command: Command = if sign == "+" { name.request() } else { name.cancellation() };
    attachment.command(&command).unwrap();
}

async fn members_take<K: FansOut>(messages: &'static [(&str, char)]) {
    let full = Full::<K>::new();
    let senders = full.send(messages);
    let Full { model, members } = full;
    let connections = members.map(connection);
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    model.routing().close();
    for ((connection, written), other) in connections.into_iter().zip(["y", "z"]) {
        assert_eq!(sorted(&written.rest(connection).await), written_to(messages, other));
    }
    assert_eq!(model.undelivered(), 0);
}

async fn a_sender_is_dropped<K: FansOut>(messages: &'static [(&str, char)]) {
    let full = Full::<K>::new();
    let mut senders = full.send(messages).into_iter();
    let dropped = senders.next().unwrap();
    let Full { model, members } = full;
    let connections = members.map(connection);
    dropped.abort();
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    let is_sent = dropped.await.is_ok();
    model.routing().close();
    for ((connection, written), other) in connections.into_iter().zip(["y", "z"]) {
        let written = sorted(&written.rest(connection).await);
        assert_eq!(written, written_to(if is_sent { messages } else { &messages[1..] }, other));
    }
}

/// Whether a member that has left its groups ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goes {
    Away,
    Nowhere,
}

/// Its connection does not take messages.
async fn a_member_goes<K: FansOut>(
    messages: &'static [(&str, char)],
    changes: &'static str,
    goes: Goes,
) {
    let full = Full::<K>::new();
    let senders = full.send(messages);
    let Full { model, members: [mut first, other] } = full;
    let (connection, written) = connection(other);
    let going = shuttle::future::spawn(async move {
        for at in (0..changes.len()).step_by(2) {
            change::<K>(&mut first, &changes[at..=at], &changes[at + 1..at + 2]);
        }
        (goes == Goes::Nowhere).then_some(first)
    });
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    drop(going.await.unwrap());
    model.routing().close();
    assert_eq!(sorted(&written.rest(connection).await), written_to(messages, "z"));
    assert_eq!(model.dropped().missed, 0);
}

/// Its first connection does not take messages, and the second one only if the member `joins`.
async fn a_member_reconnects<K: FansOut>(messages: &'static [(&str, char)], joins: bool) {
    let full = Full::<K>::new();
    let senders = full.send(messages);
    let Full { model, members: [mut first, other] } = full;
    let other = connection(other);
    let reconnecting = shuttle::future::spawn(async move {
        first.put_back(Remainder::default(), VecDeque::new());
        first.begin(&any_remote());
        if !joins {
            return Err(first);
        }
        change::<K>(&mut first, "+", "y");
        change::<K>(&mut first, "+", "x");
        Ok(connection(first))
    });
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    let first = reconnecting.await.unwrap().unwrap_or_else(connection);
    model.routing().close();
    let written = first.1.rest(first.0).await;
    let all = written_to(messages, "y");
    assert!(written.chars().all(|letter| all.contains(letter)), "{written}");
    assert!(written.starts_with('a'), "it was queued for the member");
    assert_eq!(sorted(&other.1.rest(other.0).await), written_to(messages, "z"));
    assert_eq!((model.dropped().missed, model.undelivered()), (0, 0));
}

/// Returns what a member of "x" and another group receives, in the order of the alphabet.
fn written_to(messages: &[(&str, char)], other: &str) -> String {
    let sent = messages.iter().filter(|(name, _)| *name == "x" || *name == other);
    let sent: String = sent.map(|(_, letter)| letter).collect();
    format!("a{sent}")
}

const MANY: &[(&str, char)] = &[("x", 'b'), ("y", 'c'), ("z", 'd'), ("x", 'e'), ("z", 'f')];
