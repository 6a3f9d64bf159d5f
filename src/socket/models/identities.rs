//! Remotes of a ROUTER with the same identity.

use zmtp_proto::identity::Identity;

use crate::remote::tests::any_remote;
use crate::routing::{AttachmentError, IdentityClaim};

use super::*;

#[test]
fn one_of_two_remotes_with_the_same_identity_is_admitted() {
    all(2, || two_remotes_arrive("a"));
    some(|| two_remotes_arrive("abc"));
}

#[test]
fn waiting_senders_send_to_the_remote_that_takes_over() {
    for leaves in [true, false] {
        all(2, move || a_newcomer_takes_over(leaves, "b"));
        some(move || a_newcomer_takes_over(leaves, "bcd"));
    }
}

#[test]
fn a_remote_that_leaves_frees_its_identity_and_wakes_its_senders() {
    all(2, || the_first_leaves("b"));
    some(|| the_first_leaves("bcd"));
}

/// Messages are routed when one has been admitted.
async fn two_remotes_arrive(letters: &'static str) {
    let model = Model::router(1, false);
    let mut admitted = Vec::new();
    for arriving in [(); 2].map(|()| shuttle::future::spawn(arrive(model.routing().clone()))) {
        match arriving.await.unwrap() {
            Ok(attachment) => admitted.push(attachment),
            Err(error) => assert_eq!(error, AttachmentError::DuplicateIdentity),
        }
    }
    let attachment = admitted.pop().unwrap();
    assert!(admitted.is_empty());
    let senders: Vec<_> = letters.chars().map(|letter| model.send(same(), letter)).collect();
    let (connection, mut written) = connection(attachment);
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    assert_eq!(sorted(&written.take(letters.len()).await), letters);
    model.end(connection, written, 0).await;
}

/// A message is queued for the first, which is lost with it. The others wait, and are sent even if
/// the connection of the first has not ended yet.
async fn a_newcomer_takes_over(leaves: bool, letters: &'static str) {
    let model = Model::router(1, true);
    let first = arrive(model.routing().clone()).await.unwrap();
    model.fill(same(), "a");
    let senders: Vec<_> = letters.chars().map(|letter| model.send(same(), letter)).collect();
    let arriving = shuttle::future::spawn(arrive(model.routing().clone()));
    let second = arriving.await.unwrap().unwrap();
    let leaving = shuttle::future::spawn(async move { (!leaves).then_some(first) });
    let (connection, mut written) = connection(second);
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    drop(leaving.await.unwrap());
    assert_eq!(sorted(&written.take(letters.len()).await), letters);
    model.end(connection, written, 1).await;
}

/// A message is queued for the first, which is lost with it. Each of the others is returned, or
/// written to the next remote.
async fn the_first_leaves(letters: &'static str) {
    let model = Model::router(1, false);
    let first = arrive(model.routing().clone()).await.unwrap();
    model.fill(same(), "a");
    let senders: Vec<_> = letters.chars().map(|letter| model.send(same(), letter)).collect();
    let leaving = shuttle::future::spawn(async move { drop(first) });
    let arriving = arrive(model.routing().clone()).await;
    leaving.await.unwrap();
    let second = match arriving {
        Ok(attachment) => attachment,
        Err(_) => arrive(model.routing().clone()).await.expect("the identity is free"),
    };
    let (connection, mut written) = connection(second);
    let mut sent = String::new();
    for (sender, letter) in senders.into_iter().zip(letters.chars()) {
        match sender.await.unwrap() {
            Ok(()) => sent.push(letter),
            Err((refusal, _)) => assert_eq!(refusal, Refusal::HostUnreachable),
        }
    }
    assert_eq!(sorted(&written.take(sent.len()).await), sent);
    model.end(connection, written, 1).await;
}

/// Does what a listener does: the connection begins when the handshake is completed.
async fn arrive(routing: Routing) -> Result<Attachment, AttachmentError> {
    let remote = any_remote();
    let claim = IdentityClaim { identity: same(), accepted: Some(remote.connection_id()) };
    let (mut attachment, _) = routing.attach_identified(EndpointId(0), subject(), claim, true)?;
    attachment.begin(&remote);
    Ok(attachment)
}

fn same() -> Identity {
    Identity::try_from("same").unwrap()
}
