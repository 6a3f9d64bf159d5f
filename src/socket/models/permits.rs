//! Slots of a CLIENT that were reserved before there was a message.

use super::*;

#[test]
fn a_released_slot_goes_to_the_next_in_line() {
    all(2, || slots_are_used_and_released("a", 1, ""));
    all(1, || slots_are_used_and_released("a", 1, "b"));
    some(|| slots_are_used_and_released("abc", 2, "de"));
}

#[test]
fn whoever_waits_for_a_slot_and_is_dropped_leaves_it_to_the_next() {
    all(2, || a_reservation_is_dropped("b"));
    some(|| a_reservation_is_dropped("bcde"));
}

#[test]
fn a_slot_of_a_remote_that_goes_is_void() {
    all(3, || the_remote_goes("a", ""));
    all(2, || the_remote_goes("a", "b"));
    some(|| the_remote_goes("abc", "de"));
}

/// Some reserve a slot and use it, some give it back, and others send without.
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

/// One remote goes and another one comes. What was queued for the first is counted.
async fn the_remote_goes(reserved: &'static str, others: &'static str) {
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
    assert!(undelivered <= 1, "more than the mark was queued");
    let letters = written.take(queued.len() - undelivered).await;
    assert!(letters.chars().all(|letter| queued.contains(letter)));
    model.end(connection, written, undelivered).await;
}
