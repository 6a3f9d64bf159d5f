//! Senders of a CLIENT when a remote leaves or the socket ends.

use super::*;

#[test]
fn an_endpoint_that_is_unbound_loses_no_messages() {
    all(2, || an_endpoint_is_unbound("b"));
    all(1, || an_endpoint_is_unbound("bc"));
    some(|| an_endpoint_is_unbound("bcdef"));
}

#[test]
fn waiting_for_queue_capacity_ends_with_the_socket() {
    all(2, || the_socket_ends("b"));
    all(1, || the_socket_ends("bc"));
    some(|| the_socket_ends("bcdef"));
}

#[test]
fn messages_that_no_connection_takes_are_counted_and_kept() {
    all(4, || no_connection_takes("ab"));
    some(|| no_connection_takes("abcde"));
}

#[test]
fn messages_are_written_or_counted_when_one_of_two_remotes_leaves() {
    all(2, || one_of_two_leaves("ab"));
    some(|| one_of_two_leaves("abcdef"));
}

/// Its connection writes the queued messages, and waiting senders are served by the next one.
async fn an_endpoint_is_unbound(letters: &'static str) {
    let model = Model::client(1, 0);
    let attachment = model.attach_to(EndpointId(1));
    model.fill((), "a");
    let mut senders: Vec<_> = letters.chars().map(|letter| model.send((), letter)).collect();
    let (first, first_written) = connection(attachment);
    model.routing().retire(EndpointId(1));
    let (second, mut second_written) = connection(model.attach_to(EndpointId(2)));
    for sender in senders.drain(..) {
        assert!(sender.await.unwrap().is_ok());
    }
    let mut written = first_written.rest(first).await;
    written += &second_written.take(1 + letters.len() - written.len()).await;
    assert_eq!(sorted(&written), "a".to_owned() + letters);
    model.end(second, second_written, 0).await;
}

/// Each message is written or returned.
async fn the_socket_ends(letters: &'static str) {
    let model = Model::client(1, 0);
    let attachment = model.attach();
    model.fill((), "a");
    let mut queued = "a".to_owned();
    let senders: Vec<_> = letters.chars().map(|letter| model.send((), letter)).collect();
    let reserving = model.reserve(());
    let (connection, written) = connection(attachment);
    model.routing().close();
    for (sender, letter) in senders.into_iter().zip(letters.chars()) {
        let refusal = join(sender, &mut queued, letter).await;
        assert!(matches!(refusal, None | Some(Refusal::Closed)));
    }
    assert!(matches!(reserving.await.unwrap(), None | Some(Refusal::Closed)));
    assert_eq!(sorted(&written.rest(connection).await), queued);
    assert_eq!(model.undelivered(), 0);
}

/// Each message is returned or kept for `close_with_undelivered`.
async fn no_connection_takes(letters: &'static str) {
    let model = Model::client(1, 0);
    model.routing().losses.keep();
    let attachment = model.attach();
    let senders: Vec<_> = letters.chars().map(|letter| model.send((), letter)).collect();
    model.routing().close();
    drop(attachment);
    let mut queued = String::new();
    for (sender, letter) in senders.into_iter().zip(letters.chars()) {
        let refusal = join(sender, &mut queued, letter).await;
        assert!(matches!(refusal, None | Some(Refusal::Closed)));
    }
    let kept: String =
        model.routing().losses.take_kept().iter().map(|kept| letter(&kept.message)).collect();
    assert_eq!(sorted(&kept), queued);
    assert_eq!(model.undelivered(), queued.len());
}

/// Each message is written or counted.
async fn one_of_two_leaves(letters: &'static str) {
    let model = Model::client(1, 0);
    let first = model.attach();
    let senders: Vec<_> = letters.chars().map(|letter| model.send((), letter)).collect();
    let (connection, mut written) = connection(model.attach());
    drop(first);
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    let undelivered = model.undelivered();
    assert!(undelivered <= 1, "the high-water mark was exceeded");
    let first = written.take(letters.len() - undelivered).await;
    assert!(first.chars().all(|letter| letters.contains(letter)));
    model.end(connection, written, undelivered).await;
}
