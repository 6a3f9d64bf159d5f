//! Senders of a RADIO that wait until all members of a group have room.

use zmtp_proto::command::Command;

use super::*;
use crate::remote::tests::any_remote;

#[test]
fn every_sender_gets_room_in_all_members() {
    all(1, || members_take(&[("x", 'b')]));
    all(0, || members_take(&[("x", 'b'), ("y", 'c')]));
    some(|| members_take(&[("x", 'b'), ("y", 'c'), ("z", 'd'), ("x", 'e'), ("z", 'f')]));
}

#[test]
fn a_dropped_sender_passes_its_room_to_the_next() {
    all(0, || a_sender_is_dropped(&[("x", 'b'), ("y", 'c')]));
    some(|| a_sender_is_dropped(&[("x", 'b'), ("y", 'c'), ("z", 'd'), ("x", 'e')]));
}

#[test]
fn a_member_that_goes_holds_up_no_sender() {
    all(0, || a_member_goes(&[("x", 'b'), ("y", 'c')]));
    some(|| a_member_goes(&[("x", 'b'), ("y", 'c'), ("z", 'd'), ("x", 'e')]));
}

/// The message 'a' is queued for two members, which are the only ones of "y" and of "z" as well.
struct Full {
    model: Model<Radio>,
    members: [Attachment; 2],
}

impl Full {
    fn new() -> Self {
        let model = Model::radio(1);
        let members = [["x", "y"], ["x", "z"]].map(|groups| {
            let mut attachment = model.attach();
            attachment.begin(&any_remote());
            for group in groups {
                attachment.command(&Command::Join(self::group(group))).unwrap();
            }
            attachment
        });
        model.fill(group("x"), "a");
        Self { model, members }
    }

    fn send(&self, messages: &[(&str, char)]) -> Vec<JoinHandle<Sent>> {
        let messages = messages.iter();
        messages.map(|(name, letter)| self.model.send(group(name), *letter)).collect()
    }
}

async fn members_take(messages: &'static [(&str, char)]) {
    let full = Full::new();
    let senders = full.send(messages);
    let Full { model, members } = full;
    let connections = members.map(connection);
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    model.routing().close();
    for ((connection, written), other) in connections.into_iter().zip(["y", "z"]) {
        let sent = messages.iter().filter(|(name, _)| *name == "x" || *name == other);
        let sent: String = sent.map(|(_, letter)| letter).collect();
        assert_eq!(sorted(&written.rest(connection).await), format!("a{sent}"));
    }
    assert_eq!(model.undelivered(), 0);
}

async fn a_sender_is_dropped(messages: &'static [(&str, char)]) {
    let full = Full::new();
    let mut senders = full.send(messages).into_iter();
    let dropped = senders.next().unwrap();
    let Full { model, members } = full;
    let connections = members.map(connection);
    dropped.abort();
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    let _ = dropped.await;
    model.routing().close();
    for (connection, written) in connections {
        written.rest(connection).await;
    }
}

/// Its connection does not take messages.
async fn a_member_goes(messages: &'static [(&str, char)]) {
    let full = Full::new();
    let senders = full.send(messages);
    let Full { model, members: [first, other] } = full;
    let (connection, written) = connection(other);
    let going = shuttle::future::spawn(async move {
        let mut first = first;
        first.command(&Command::Leave(group("x"))).unwrap();
        drop(first);
    });
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    going.await.unwrap();
    model.routing().close();
    written.rest(connection).await;
}
