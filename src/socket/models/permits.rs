//! Slots of a CLIENT that are reserved before their messages exist.

use super::*;

#[test]
fn a_released_slot_goes_to_the_next_sender() {
    all(2, || slots_are_used_and_released("a", 1, ""));
    all(1, || slots_are_used_and_released("a", 1, "b"));
    some(|| slots_are_used_and_released("abc", 2, "de"));
}

#[test]
fn a_dropped_reservation_passes_its_slot_to_the_next_sender() {
    all(2, || a_reservation_is_dropped("b"));
    some(|| a_reservation_is_dropped("bcde"));
}

#[test]
fn a_slot_of_a_remote_that_leaves_is_void() {
    all(3, || the_remote_leaves("a", ""));
    all(2, || the_remote_leaves("a", "b"));
    some(|| the_remote_leaves("abc", "de"));
}

/// Some tasks reserve a slot and use it, some release it, and others send without one.
async fn slots_are_used_and_released(used: &'static str, unused: usize, others: &'static str) {
    let model = Model::client(1, 0);
    let (connection, mut written) = connection(model.attach());
    let idle: Vec<_> = (0..unused).map(|_| model.reserve(())).collect();
    let mut senders: Vec<_> = used.chars().map(|one| model.reserve_and_send((), one)).collect();
    senders.extend(others.chars().map(|letter| model.send((), letter)));
    for reserving in idle {
        assert_eq!(reserving.await.unwrap(), None);
    }
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    let sent = used.to_owned() + others;
    assert_eq!(sorted(&written.take(sent.len()).await), sent);
    model.end(connection, written, 0).await;
}

async fn a_reservation_is_dropped(others: &'static str) {
    let model = Model::client(1, 0);
    let attachment = model.attach();
    model.fill((), "a");
    let reserving = model.reserve(());
    let senders: Vec<_> = others.chars().map(|letter| model.send((), letter)).collect();
    let (connection, mut written) = connection(attachment);
    reserving.abort();
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    assert_eq!(sorted(&written.take(1 + others.len()).await), "a".to_owned() + others);
    let _ = reserving.await;
    model.end(connection, written, 0).await;
}

/// One remote leaves and another one connects. Messages queued for the first are counted.
async fn the_remote_leaves(reserved: &'static str, others: &'static str) {
    let model = Model::client(1, 0);
    let first = model.attach();
    let mut senders: Vec<_> = reserved.chars().map(|one| model.reserve_and_send((), one)).collect();
    senders.extend(others.chars().map(|letter| model.send((), letter)));
    drop(first);
    let (connection, mut written) = connection(model.attach());
    let mut queued = String::new();
    for (sender, letter) in senders.into_iter().zip(reserved.chars().chain(others.chars())) {
        // A sender with a void slot does not wait for another one.
        let refusal = join(sender, &mut queued, letter).await;
        assert!(refusal.is_none() || refusal == Some(Refusal::Full) && reserved.contains(letter));
    }
    let undelivered = model.undelivered();
    assert!(undelivered <= 1, "the high-water mark was exceeded");
    let letters = written.take(queued.len() - undelivered).await;
    assert!(letters.chars().all(|letter| queued.contains(letter)));
    model.end(connection, written, undelivered).await;
}
