//! Forwarding from one CLIENT to another, among other receivers and senders.

use std::task::Poll;

use super::*;
use crate::pipe::arrival_of;
use crate::socket::forwarding::forward;
use crate::socket::receiving::{Receiving, try_receive};
use crate::sync::Lock;

#[test]
fn every_message_is_forwarded() {
    all(1, || messages_are_forwarded(1, 1, "ab"));
    all(0, || messages_are_forwarded(2, 1, "abc"));
    some(|| messages_are_forwarded(1, 1, "abcde"));
    some(|| messages_are_forwarded(2, 3, "abcde"));
}

#[test]
fn a_message_that_cannot_be_forwarded_goes_to_another_receiver() {
    all(1, || the_destination_is_full(false));
    all(1, || the_destination_is_full(true));
    some(|| the_destination_is_full(false));
    some(|| the_destination_is_full(true));
}

#[test]
fn capacity_that_is_not_used_goes_to_another_sender() {
    all(0, || the_message_is_received_elsewhere(false));
    all(0, || the_message_is_received_elsewhere(true));
    some(|| the_message_is_received_elsewhere(false));
    some(|| the_message_is_received_elsewhere(true));
}

#[test]
fn nothing_is_lost_when_forwarding_is_dropped() {
    all(1, || forwarding_is_dropped("ab"));
    some(|| forwarding_is_dropped("abcde"));
}

async fn messages_are_forwarded(most: usize, mark: usize, letters: &'static str) {
    let (source, destination) = (Model::client(0, mark), Model::client(mark, 0));
    let forwarding = forwarding(&source, &destination, most);
    let delivered = deliver(source.attach(), letters);
    let (connection, mut written) = connection(destination.attach());
    assert_eq!(written.take(letters.len()).await, letters);
    drop(delivered.await.unwrap());
    forwarding.abort();
    let _ = forwarding.await;
    destination.end(connection, written, 0).await;
}

/// Another receiver waits for the one message.
async fn the_destination_is_full(is_dropped: bool) {
    let (source, destination) = (Model::client(0, 1), Model::client(1, 0));
    let attachment = destination.attach();
    destination.fill((), "x");
    let forwarding = forwarding(&source, &destination, 1);
    let receiver = receive(&source);
    let delivered = deliver(source.attach(), "a");
    if is_dropped {
        forwarding.abort();
    }
    assert_eq!(receiver.await.unwrap(), 'a');
    forwarding.abort();
    let _ = forwarding.await;
    drop((delivered.await.unwrap(), attachment));
}

/// A receiver and the forwarding compete for one message, and a sender competes for capacity.
async fn the_message_is_received_elsewhere(is_dropped: bool) {
    let (source, destination) = (Model::client(0, 1), Model::client(1, 0));
    let attachment = destination.attach();
    destination.fill((), "x");
    let forwarding = forwarding(&source, &destination, 1);
    let delivered = deliver(source.attach(), "a");
    let core = Arc::clone(&source.core);
    let receiver = shuttle::future::spawn(async move {
        try_receive(&core).map_or(String::new(), |message| letter(&message).into())
    });
    let sender = destination.send((), 'b');
    let (connection, mut written) = connection(attachment);
    if is_dropped {
        forwarding.abort();
    }
    assert!(sender.await.unwrap().is_ok());
    let received = receiver.await.unwrap();
    drop(delivered.await.unwrap());
    if !is_dropped && received.is_empty() {
        assert_eq!(sorted(&written.take(3).await), "abx");
    } else {
        assert!(written.take(2).await.starts_with('x'));
    }
    forwarding.abort();
    let _ = forwarding.await;
    destination.routing().close();
    written.rest(connection).await;
}

async fn forwarding_is_dropped(letters: &'static str) {
    let (source, destination) = (Model::client(0, 1), Model::client(1, 0));
    let (connection, written) = connection(destination.attach());
    let forwarding = forwarding(&source, &destination, 2);
    let delivered = deliver(source.attach(), letters);
    forwarding.abort();
    let _ = forwarding.await;
    destination.routing().close();
    let mut received = written.rest(connection).await;
    let undelivered = destination.undelivered();
    assert_eq!(undelivered, 0, "the connection writes what is queued");
    while received.len() < letters.len() {
        received.push(letter(&Receiving::new(&source.core, None).await.unwrap()));
    }
    assert_eq!(received, letters);
    drop(delivered.await.unwrap());
}

/// Spawns a task that forwards messages, up to `most` under one lock.
fn forwarding(source: &Model<Client>, destination: &Model<Client>, most: usize) -> JoinHandle<()> {
    let mut forward = forward(&Client(source.handle()), &Client(destination.handle()));
    let outer = Lock::new(());
    shuttle::future::spawn(poll_fn(move |cx| {
        loop {
            let forwarded = outer.with(|(), wakes| forward.poll_forward(most, None, cx, wakes));
            match forwarded.state {
                Poll::Ready(None) => {}
                Poll::Ready(Some(_)) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }))
}

fn receive(model: &Model<Client>) -> JoinHandle<char> {
    let core = Arc::clone(&model.core);
    shuttle::future::spawn(async move { letter(&Receiving::new(&core, None).await.unwrap()) })
}

/// Spawns a task that acts as a connection that has read these messages together.
fn deliver(mut attachment: Attachment, letters: &'static str) -> JoinHandle<Attachment> {
    let bodies: Vec<_> = letters.split("").filter(|body| !body.is_empty()).collect();
    let mut arrival = arrival_of(&bodies);
    shuttle::future::spawn(async move {
        poll_fn(|cx| attachment.poll_deliver(cx.waker(), &mut arrival, usize::MAX)).await;
        attachment
    })
}
