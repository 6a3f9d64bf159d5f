//! Senders of a CLIENT, and connections that take messages.

use super::*;

#[test]
fn an_idle_connection_is_woken() {
    all(2, || a_connection_takes(1, "", "ab"));
    all(2, || a_connection_takes(2, "", "ab"));
}

#[test]
fn every_sender_gets_a_slot_of_a_full_queue() {
    all(2, || a_connection_takes(1, "a", "bc"));
    some(|| a_connection_takes(1, "a", "bcdef"));
    some(|| a_connection_takes(2, "ab", "cdefg"));
}

#[test]
fn a_dropped_sender_passes_its_slot_to_the_next() {
    all(2, || a_sender_is_dropped(1, "a", "bc"));
    some(|| a_sender_is_dropped(1, "a", "bcdef"));
    some(|| a_sender_is_dropped(2, "ab", "cdefg"));
}

#[test]
fn a_dropped_sink_passes_its_slot_to_the_next() {
    all(4, || a_sink_is_dropped(1, "ab", ""));
    all(2, || a_sink_is_dropped(1, "ab", "c"));
    some(|| a_sink_is_dropped(2, "abcd", "efg"));
}

#[test]
fn the_messages_of_a_sink_keep_their_order() {
    all(2, || a_sink_is_fed(1, "ab", ""));
    all(2, || a_sink_is_fed(2, "ab", "c"));
    some(|| a_sink_is_fed(2, "abcd", "efg"));
    some(|| a_sink_is_fed(3, "abcdef", "gh"));
}

#[test]
fn a_raised_hwm_serves_waiting_senders() {
    all(5, || the_hwm_is_raised("ab"));
    some(|| the_hwm_is_raised("abcde"));
}

#[test]
fn a_lowered_hwm_leaves_no_sender_waiting() {
    all(2, || the_hwm_is_lowered("ab"));
    some(|| the_hwm_is_lowered("abcde"));
}

async fn a_connection_takes(mark: usize, queued: &'static str, letters: &'static str) {
    let model = Model::client(mark, 0);
    let attachment = model.attach();
    model.fill((), queued);
    let senders: Vec<_> = letters.chars().map(|letter| model.send((), letter)).collect();
    let (connection, mut written) = connection(attachment);
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    let first = written.take(queued.len() + letters.len()).await;
    assert_eq!(sorted(&first), queued.to_owned() + letters);
    model.end(connection, written, 0).await;
}

async fn a_sender_is_dropped(mark: usize, queued: &'static str, letters: &'static str) {
    let model = Model::client(mark, 0);
    let attachment = model.attach();
    model.fill((), queued);
    let mut queued = queued.to_owned();
    let senders: Vec<_> = letters.chars().map(|letter| model.send((), letter)).collect();
    let (connection, mut written) = connection(attachment);
    senders[0].abort();
    for (sender, letter) in senders.into_iter().zip(letters.chars()) {
        assert_eq!(join(sender, &mut queued, letter).await, None);
    }
    assert_eq!(sorted(&written.take(queued.len()).await), queued);
    model.end(connection, written, 0).await;
}

/// The sink sends every other message without a slot, so it has to keep some.
async fn a_sink_is_dropped(mark: usize, letters: &'static str, others: &'static str) {
    let model = Model::client(mark, 0);
    let attachment = model.attach();
    let (tx, mut accepted) = mpsc::unbounded_channel();
    let mut handle = model.handle();
    let sink = shuttle::future::spawn(async move {
        for (number, letter) in letters.chars().enumerate() {
            let Handle { core, outbox, .. } = &mut handle;
            if number % 2 == 0 {
                poll_fn(|cx| outbox.poll_reserve(core, (), cx)).await;
            }
            outbox.start_send(core, (), Message::from([letter as u8])).unwrap();
            tx.send(letter).unwrap();
        }
        let Handle { core, outbox, .. } = &mut handle;
        poll_fn(|cx| outbox.poll_flush(core, cx)).await.unwrap();
    });
    let senders: Vec<_> = others.chars().map(|letter| model.send((), letter)).collect();
    let (connection, mut written) = connection(attachment);
    sink.abort();
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    let _ = sink.await;
    let mut sent = others.to_owned();
    while let Some(letter) = accepted.recv().await {
        sent.push(letter);
    }
    let undelivered = model.undelivered();
    let first = written.take(sent.len() - undelivered).await;
    assert!(first.chars().all(|letter| sent.contains(letter)));
    model.end(connection, written, undelivered).await;
}

/// The sink reserves no slot after a message that left capacity, which other senders may use.
async fn a_sink_is_fed(mark: usize, letters: &'static str, others: &'static str) {
    let model = Model::client(mark, 0);
    let attachment = model.attach();
    let mut handle = model.handle();
    let sink = shuttle::future::spawn(async move {
        let Handle { core, outbox, .. } = &mut handle;
        for letter in letters.bytes() {
            poll_fn(|cx| outbox.poll_reserve(core, (), cx)).await;
            outbox.start_send(core, (), Message::from([letter])).unwrap();
        }
        poll_fn(|cx| outbox.poll_flush(core, cx)).await.unwrap();
    });
    let senders: Vec<_> = others.chars().map(|letter| model.send((), letter)).collect();
    let (connection, mut written) = connection(attachment);
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    sink.await.unwrap();
    let mut first = written.take(letters.len() + others.len()).await;
    assert_eq!(sorted(&first), letters.to_owned() + others);
    first.retain(|letter| letters.contains(letter));
    assert_eq!(first, letters);
    model.end(connection, written, 0).await;
}

/// No connection takes messages.
async fn the_hwm_is_raised(letters: &'static str) {
    let model = Model::client(1, 0);
    let attachment = model.attach();
    let senders: Vec<_> = letters.chars().map(|letter| model.send((), letter)).collect();
    model.routing().change_send_hwm(|hwm| hwm.with_messages(letters.len()));
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    assert_eq!(model.routing().queued(None).outgoing, letters.len());
    drop(attachment);
    assert_eq!(model.undelivered(), letters.len());
}

async fn the_hwm_is_lowered(letters: &'static str) {
    let model = Model::client(letters.len(), 0);
    let (connection, mut written) = connection(model.attach());
    let senders: Vec<_> = letters.chars().map(|letter| model.send((), letter)).collect();
    model.routing().change_send_hwm(|hwm| hwm.with_messages(1));
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    assert_eq!(sorted(&written.take(letters.len()).await), letters);
    model.end(connection, written, 0).await;
}
