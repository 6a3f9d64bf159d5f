//! Receivers, and connections that deliver.

use std::task::Poll;

use super::*;
use crate::error::RecvError;
use crate::pipe::{Delivery, arrival_of};
use crate::routing::Remainder;
use crate::socket::receiving::{Receiving, ReceivingFrom, ReceivingMany, try_receive};

#[test]
fn every_receiver_gets_a_message() {
    all(2, || a_connection_delivers(1, "ab"));
    all(1, || a_connection_delivers(1, "abc"));
    all(1, || a_connection_delivers(2, "abc"));
    some(|| a_connection_delivers(1, "abcde"));
    some(|| a_connection_delivers(2, "abcde"));
}

#[test]
fn every_receiver_gets_a_message_that_is_delivered_in_portions() {
    all(2, || a_connection_delivers_in(1, 3, "ab"));
    all(1, || a_connection_delivers_in(2, 3, "abc"));
    some(|| a_connection_delivers_in(1, 5, "abcde"));
    some(|| a_connection_delivers_in(2, 5, "abcde"));
    some(|| a_connection_delivers_in(3, 2, "abcde"));
}

#[test]
fn a_dropped_receiver_passes_its_wake_up_to_the_next() {
    all(2, || a_receiver_is_dropped(1));
    some(|| a_receiver_is_dropped(4));
}

#[test]
fn every_way_to_receive_gets_messages() {
    all(0, every_way_to_receive);
    some(every_way_to_receive);
}

#[test]
fn messages_that_a_remote_leaves_are_received() {
    all(2, || the_remote_leaves("ab"));
    some(|| the_remote_leaves("abcde"));
}

#[test]
fn waiting_for_a_message_ends_with_the_socket() {
    all(2, || the_socket_ends(1, "ab"));
    all(1, || the_socket_ends(2, "abc"));
    some(|| the_socket_ends(4, "abcde"));
}

#[test]
fn a_raised_hwm_resumes_the_connection() {
    all(5, || the_hwm_is_raised("abc"));
}

#[test]
fn a_connection_reads_and_writes_in_one_task() {
    all(1, || both_directions("a", "c"));
    some(|| both_directions("ab", "cd"));
}

async fn a_connection_delivers(mark: usize, letters: &'static str) {
    a_connection_delivers_in(usize::MAX, mark, letters).await;
}

async fn a_connection_delivers_in(portion: usize, mark: usize, letters: &'static str) {
    let model = Model::client(0, mark);
    let receivers: Vec<_> = letters.chars().map(|_| receive(&model)).collect();
    let connection = deliver_in(portion, model.attach(), letters);
    let mut received = String::new();
    for receiver in receivers {
        received.push(receiver.await.unwrap().unwrap());
    }
    assert_eq!(sorted(&received), letters);
    drop(connection.await.unwrap());
    assert_eq!(left(&model), "");
}

/// There is one message for each receiver that is not dropped.
async fn a_receiver_is_dropped(others: usize) {
    let model = Model::client(0, 1);
    let dropped = receive(&model);
    let receivers: Vec<_> = (0..others).map(|_| receive(&model)).collect();
    let letters = &"abcde"[..others];
    let first = deliver(model.attach(), letters);
    dropped.abort();
    let mut received = String::new();
    let mut sent = letters.to_owned();
    if let Ok(letter) = dropped.await {
        received.push(letter.unwrap());
        sent.push('z');
        drop(deliver(model.attach(), "z").await.unwrap());
    }
    for receiver in receivers {
        received.push(receiver.await.unwrap().unwrap());
    }
    drop(first.await.unwrap());
    assert_eq!(sorted(&received), sent);
    assert_eq!(left(&model), "");
}

async fn every_way_to_receive() {
    let model = Model::client(0, 1);
    let one = receive(&model);
    let core = Arc::clone(&model.core);
    let with_remote = shuttle::future::spawn(async move {
        let (message, _) = ReceivingFrom::new(&core, None).await.unwrap();
        String::from(letter(&message))
    });
    let core = Arc::clone(&model.core);
    let many = shuttle::future::spawn(async move {
        let mut buffer = Vec::new();
        let received = ReceivingMany::new(&core, &mut buffer, 2, None).await.unwrap();
        assert_eq!(received, buffer.len());
        buffer.iter().map(letter).collect::<String>()
    });
    let mut handle = model.handle();
    let stream = shuttle::future::spawn(async move {
        let message = poll_fn(|cx| handle.poll_next(cx)).await.unwrap();
        String::from(letter(&message))
    });
    let connection = deliver(model.attach(), "abcd");
    let mut received = String::from(one.await.unwrap().unwrap());
    for receiver in [with_remote, many, stream] {
        received += &receiver.await.unwrap();
    }
    drop(connection.await.unwrap());
    assert_eq!(sorted(&(received + &left(&model))), "abcd");
}

/// Messages that waited for queue capacity are queued when their connection ends.
async fn the_remote_leaves(letters: &'static str) {
    let model = Model::client(0, 1);
    let receivers: Vec<_> = letters.chars().map(|_| receive(&model)).collect();
    let mut attachment = model.attach();
    let connection = shuttle::future::spawn(async move {
        let mut arrival = arrival(letters);
        let delivered = poll_fn(|cx| {
            Poll::Ready(attachment.poll_deliver(cx.waker(), &mut arrival, usize::MAX))
        })
        .await;
        let rest = delivered.is_pending().then_some(arrival);
        attachment.put_back(Remainder::default(), rest.into_iter().collect());
    });
    let mut received = String::new();
    for receiver in receivers {
        received.push(receiver.await.unwrap().unwrap());
    }
    connection.await.unwrap();
    assert_eq!(sorted(&received), letters);
    assert_eq!(model.dropped().unread, 0);
}

/// Each message is received or counted.
async fn the_socket_ends(receivers: usize, letters: &'static str) {
    let model = Model::client(0, 1);
    let receivers: Vec<_> = (0..receivers).map(|_| receive(&model)).collect();
    let connection = deliver(model.attach(), letters);
    model.routing().close();
    let mut received = String::new();
    for receiver in receivers {
        match receiver.await.unwrap() {
            Ok(letter) => received.push(letter),
            Err(error) => assert!(matches!(error, RecvError::Closed)),
        }
    }
    drop(connection.await.unwrap());
    received += &left(&model);
    let unread = usize::try_from(model.dropped().unread).unwrap();
    // Messages are received in order, by receivers that end in any order.
    assert_eq!(sorted(&received), letters[..letters.len() - unread]);
}

/// No task receives.
async fn the_hwm_is_raised(letters: &'static str) {
    let model = Model::client(0, 1);
    let connection = deliver(model.attach(), letters);
    model.routing().change_recv_hwm(|hwm| hwm.with_messages(letters.len()));
    drop(connection.await.unwrap());
    assert_eq!(left(&model), letters);
}

/// Each half of a pipe parks the same task independently.
async fn both_directions(incoming: &'static str, outgoing: &'static str) {
    let model = Model::client(1, 1);
    let receivers: Vec<_> = incoming.chars().map(|_| receive(&model)).collect();
    let senders: Vec<_> = outgoing.chars().map(|letter| model.send((), letter)).collect();
    let mut attachment = model.attach();
    let connection = shuttle::future::spawn(async move {
        let (mut arrival, mut taken, mut written) =
            (arrival(incoming), VecDeque::new(), String::new());
        poll_fn(|cx| {
            let delivered = arrival.cargo.messages() == 0
                || attachment.poll_deliver(cx.waker(), &mut arrival, usize::MAX).is_ready();
            while written.len() < outgoing.len()
                && attachment.poll_take(Want::Write, cx.waker(), &mut taken).is_ready()
            {
                written.extend(taken.drain(..).map(|message| letter(&message)));
            }
            if delivered && written.len() == outgoing.len() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
        written
    });
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    let mut received = String::new();
    for receiver in receivers {
        received.push(receiver.await.unwrap().unwrap());
    }
    assert_eq!(sorted(&received), incoming);
    assert_eq!(sorted(&connection.await.unwrap()), outgoing);
}

/// Spawns a task that receives one message.
fn receive(model: &Model<Client>) -> JoinHandle<Result<char, RecvError>> {
    let core = Arc::clone(&model.core);
    shuttle::future::spawn(async move {
        Receiving::new(&core, None).await.map(|message| letter(&message))
    })
}

/// Spawns a task that acts as a connection that has read these messages together.
fn deliver(attachment: Attachment, letters: &str) -> JoinHandle<Attachment> {
    deliver_in(usize::MAX, attachment, letters)
}

/// Spawns a task that acts as such a connection and delivers in portions.
fn deliver_in(portion: usize, mut attachment: Attachment, letters: &str) -> JoinHandle<Attachment> {
    let mut arrival = arrival(letters);
    shuttle::future::spawn(async move {
        poll_fn(|cx| attachment.poll_deliver(cx.waker(), &mut arrival, portion)).await;
        attachment
    })
}

fn arrival(letters: &str) -> Delivery {
    let bodies: Vec<_> = letters.split("").filter(|body| !body.is_empty()).collect();
    arrival_of(&bodies)
}

/// The unread messages.
fn left(model: &Model<Client>) -> String {
    std::iter::from_fn(|| try_receive(&model.core).ok()).map(|message| letter(&message)).collect()
}
