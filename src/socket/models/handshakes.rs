//! Handshakes of remotes of a CHANNEL, of which it admits one.

use crate::remote::tests::any_remote;
use crate::routing::AttachmentError;

use super::*;

#[test]
fn one_of_two_concurrent_handshakes_is_admitted() {
    all(2, || two_remotes_arrive("a"));
    all(1, || two_remotes_arrive("ab"));
    some(|| two_remotes_arrive("abc"));
}

#[test]
fn a_handshake_that_fails_takes_no_messages() {
    all(2, || a_handshake_fails("a"));
    all(1, || a_handshake_fails("ab"));
    some(|| a_handshake_fails("abc"));
}

#[test]
fn the_next_remote_is_admitted_when_the_first_has_left() {
    all(2, || the_first_leaves("b"));
    all(1, || the_first_leaves("bc"));
    some(|| the_first_leaves("bcd"));
}

async fn two_remotes_arrive(letters: &'static str) {
    let model = Model::channel(1);
    let senders: Vec<_> = letters.chars().map(|letter| model.send((), letter)).collect();
    let mut admitted = Vec::new();
    for arriving in [(); 2].map(|()| shuttle::future::spawn(arrive(model.routing().clone()))) {
        match arriving.await.unwrap() {
            Ok(attachment) => admitted.push(attachment),
            Err(error) => assert_eq!(error, AttachmentError::Occupied),
        }
    }
    let attachment = admitted.pop().unwrap();
    assert!(admitted.is_empty());
    finish(model, attachment, senders, letters, 0).await;
}

/// The handshake of one remote fails, and another remote tries again if it is refused meanwhile.
async fn a_handshake_fails(letters: &'static str) {
    let model = Model::channel(1);
    let senders: Vec<_> = letters.chars().map(|letter| model.send((), letter)).collect();
    let routing = model.routing().clone();
    let failing = shuttle::future::spawn(async move {
        let attached = routing.attach_arriving(EndpointId(0), subject());
        drop(attached);
    });
    let other = shuttle::future::spawn(arrive(model.routing().clone()));
    let attachment = admitted_after(&model, failing, other).await;
    finish(model, attachment, senders, letters, 0).await;
}

/// A message is queued for the first, which is lost with it.
async fn the_first_leaves(letters: &'static str) {
    let model = Model::channel(1);
    let first = arrive(model.routing().clone()).await.unwrap();
    model.fill((), "a");
    let senders: Vec<_> = letters.chars().map(|letter| model.send((), letter)).collect();
    let leaving = shuttle::future::spawn(async move { drop(first) });
    let other = shuttle::future::spawn(arrive(model.routing().clone()));
    let attachment = admitted_after(&model, leaving, other).await;
    finish(model, attachment, senders, letters, 1).await;
}

/// Returns the attachment of a remote, which arrives again when another one has gone.
async fn admitted_after(
    model: &Model<Channel>,
    going: JoinHandle<()>,
    arriving: JoinHandle<Result<Attachment, AttachmentError>>,
) -> Attachment {
    let admitted = arriving.await.unwrap();
    going.await.unwrap();
    match admitted {
        Ok(attachment) => attachment,
        Err(_) => arrive(model.routing().clone()).await.expect("there is no other remote"),
    }
}

/// Does what a listener does: the connection begins when the handshake is completed.
async fn arrive(routing: Routing) -> Result<Attachment, AttachmentError> {
    let mut attachment = routing.attach_arriving(EndpointId(0), subject())?;
    attachment.begin(&any_remote());
    Ok(attachment)
}

async fn finish(
    model: Model<Channel>,
    attachment: Attachment,
    senders: Vec<JoinHandle<Sent>>,
    letters: &str,
    undelivered: usize,
) {
    let (connection, mut written) = connection(attachment);
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    assert_eq!(sorted(&written.take(letters.len()).await), letters);
    model.end(connection, written, undelivered).await;
}
