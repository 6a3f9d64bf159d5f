//! Two sockets of one process, and the link between them.

use super::*;
use crate::inproc::LinkSide;
use crate::remote::tests::any_remote;
use crate::socket::receiving::Receiving;

#[test]
fn messages_sent_through_a_link_are_received() {
    all(2, || messages_pass(1, 1, "ab"));
    all(1, || messages_pass(2, 1, "abc"));
    some(|| messages_pass(1, 1, "abcde"));
    some(|| messages_pass(2, 2, "abcde"));
    some(|| messages_pass(4, 2, "abcdefgh"));
}

#[test]
fn messages_pass_a_link_in_both_directions() {
    all(1, || messages_pass_both_ways("a", "c"));
    some(|| messages_pass_both_ways("abc", "def"));
}

#[test]
fn a_link_ends_when_all_messages_are_sent() {
    all(2, || the_sender_is_retired("ab"));
    some(|| the_sender_is_retired("abcd"));
}

#[test]
fn a_side_that_leaves_loses_nothing() {
    all(2, || a_side_leaves("ab"));
    some(|| a_side_leaves("abcd"));
}

/// Two sockets that are joined by a link.
struct Linked {
    near: Model<Client>,
    far: Model<Client>,
    near_side: LinkSide,
    far_side: LinkSide,
}

impl Linked {
    fn new(send_hwm: usize, recv_hwm: usize) -> Self {
        let near = Model::client(send_hwm, recv_hwm);
        let far = Model::client(send_hwm, recv_hwm);
        let (near_side, far_side) = LinkSide::pair();
        near_side.join(near.attach(), any_remote(), VecDeque::new());
        far_side.join(far.attach(), any_remote(), VecDeque::new());
        Self { near, far, near_side, far_side }
    }
}

async fn messages_pass(send_hwm: usize, recv_hwm: usize, letters: &'static str) {
    let Linked { near, far, near_side, far_side } = Linked::new(send_hwm, recv_hwm);
    let sender = send_all(&near, letters);
    assert_eq!(receive(&far, letters.len()).await.unwrap(), letters);
    sender.await.unwrap();
    drop((near_side, far_side));
    assert_eq!(near.undelivered() + far.undelivered(), 0);
}

async fn messages_pass_both_ways(there: &'static str, back: &'static str) {
    let Linked { near, far, near_side, far_side } = Linked::new(1, 1);
    let senders = [send_all(&near, there), send_all(&far, back)];
    let received = receive(&far, there.len());
    assert_eq!(receive(&near, back.len()).await.unwrap(), back);
    assert_eq!(received.await.unwrap(), there);
    for sender in senders {
        sender.await.unwrap();
    }
    drop((near_side, far_side));
}

/// The receiver has queue capacity for one message at a time.
async fn the_sender_is_retired(letters: &'static str) {
    let Linked { near, far, near_side, far_side } = Linked::new(letters.len(), 1);
    near.fill((), letters);
    let received = receive(&far, letters.len());
    near.routing().retire(EndpointId(0));
    near_side.ended().await;
    far_side.ended().await;
    drop((near_side.leave(), far_side.leave()));
    assert_eq!(received.await.unwrap(), letters);
    assert_eq!(near.undelivered(), 0);
}

/// Messages that have not passed the link are still queued at the sender.
async fn a_side_leaves(letters: &'static str) {
    let Linked { near, far, near_side, far_side } = Linked::new(letters.len(), 1);
    let sender = send_all(&near, letters);
    let core = Arc::clone(&far.core);
    let received = shuttle::future::spawn(async move {
        let mut received = String::new();
        while let Ok(message) = Receiving::new(&core, None).await {
            received.push(letter(&message));
        }
        received
    });
    let leaving = shuttle::future::spawn(async move { drop(far_side.leave()) });
    sender.await.unwrap();
    leaving.await.unwrap();
    near_side.ended().await;
    drop(near_side.leave());
    far.routing().close();
    let received = received.await.unwrap();
    assert!(letters.starts_with(&received));
    assert_eq!(received.len() + near.undelivered(), letters.len());
}

/// Spawns a task that sends one message after another.
fn send_all(model: &Model<Client>, letters: &'static str) -> JoinHandle<()> {
    let core = Arc::clone(&model.core);
    shuttle::future::spawn(async move {
        for letter in letters.bytes() {
            let sent = Sending::new(&core, (), Message::from([letter]), None).await;
            assert!(sent.is_ok());
        }
    })
}

/// Spawns a task that receives this number of messages.
fn receive(model: &Model<Client>, messages: usize) -> JoinHandle<String> {
    let core = Arc::clone(&model.core);
    shuttle::future::spawn(async move {
        let mut received = String::new();
        while received.len() < messages {
            received.push(letter(&Receiving::new(&core, None).await.unwrap()));
        }
        received
    })
}
