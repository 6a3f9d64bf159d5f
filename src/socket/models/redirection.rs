//! Messages that a remote leaves, for the next remote or for the application.

use super::*;
use crate::error::RecvReturnedError;
use crate::options::Undelivered;
use crate::socket::distribution::{Redirector, recv_returned};

#[test]
fn redirected_messages_are_written_by_the_next_remote() {
    all(1, || a_remote_leaves("a", "b"));
    some(|| a_remote_leaves("abcd", "efgh"));
}

#[test]
fn messages_are_redirected_or_counted_when_the_socket_ends() {
    all(2, || the_socket_ends("a"));
    some(|| the_socket_ends("abcd"));
}

#[test]
fn a_returned_message_is_received_although_another_receiver_is_dropped() {
    all(2, || a_receiver_is_dropped("a"));
    some(|| a_receiver_is_dropped("abcd"));
}

#[test]
fn waiting_for_returned_messages_ends_with_the_socket() {
    all(2, || messages_are_received_or_counted("a"));
    some(|| messages_are_received_or_counted("abcd"));
}

/// Other tasks send at the same time, and wait for the same slots.
async fn a_remote_leaves(queued: &'static str, letters: &'static str) {
    let (model, leaving) = leaving(queued);
    let redirector = shuttle::future::spawn(Redirector::new(&model.core).run());
    let senders: Vec<_> = letters.chars().map(|letter| model.send((), letter)).collect();
    let left = shuttle::future::spawn(async move { drop(leaving) });
    model.routing().change_send_hwm(|hwm| hwm.with_messages(1));
    let (connection, mut written) = connection(model.attach_to(EndpointId(2)));
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    left.await.unwrap();
    let all = queued.to_owned() + letters;
    assert_eq!(sorted(&written.take(all.len()).await), all);
    model.end(connection, written, 0).await;
    redirector.await.unwrap();
}

async fn the_socket_ends(queued: &'static str) {
    let (model, leaving) = leaving(queued);
    let redirector = shuttle::future::spawn(Redirector::new(&model.core).run());
    let (connection, written) = connection(model.attach_to(EndpointId(2)));
    let left = shuttle::future::spawn(async move { drop(leaving) });
    model.routing().close();
    left.await.unwrap();
    redirector.await.unwrap();
    let written = written.rest(connection).await;
    assert_eq!(written.len() + model.undelivered(), queued.len());
}

async fn a_receiver_is_dropped(queued: &'static str) {
    let (model, leaving) = leaving(queued);
    let dropped = receive_returned(&model);
    let received = receive_returned(&model);
    let left = shuttle::future::spawn(async move { drop(leaving) });
    dropped.abort();
    left.await.unwrap();
    let mut letters = String::new();
    if let Ok(Ok(message)) = dropped.await {
        letters.push(letter(&message));
    }
    // Without a message for it, it would wait indefinitely.
    if letters.len() < queued.len() {
        letters.push(letter(&received.await.unwrap().unwrap()));
    }
    while let Ok(Some(returned)) = model.routing().returned.take() {
        letters.push(letter(&returned.message));
    }
    assert_eq!(sorted(&letters), queued);
}

async fn messages_are_received_or_counted(queued: &'static str) {
    let (model, leaving) = leaving(queued);
    let received = receive_returned(&model);
    let left = shuttle::future::spawn(async move { drop(leaving) });
    model.routing().close();
    left.await.unwrap();
    let received = received.await.unwrap().is_ok();
    assert_eq!(usize::from(received) + model.undelivered(), queued.len());
}

/// Creates a socket that returns messages, and a remote with queued messages.
fn leaving(queued: &str) -> (Model<Client>, Attachment) {
    let mut options = Options { send_hwm: queued.len(), recv_hwm: 0, ..Options::default() };
    options.distribution.undelivered = Undelivered::Return;
    let model = Model::client_with(options);
    model.core.outgoing.lock().return_undelivered();
    model.routing().returned.limit(HighWaterMark::new(0, 0));
    let leaving = model.attach();
    model.fill((), queued);
    (model, leaving)
}

/// Spawns a task that waits for a returned message.
fn receive_returned(model: &Model<Client>) -> JoinHandle<Result<Message, RecvReturnedError>> {
    let core = Arc::clone(&model.core);
    shuttle::future::spawn(async move { recv_returned(&core).await })
}
