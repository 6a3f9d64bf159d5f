//! Senders of a SERVER, each of which waits for one remote.

use std::task::Poll;
use std::time::Duration;

use super::*;
use crate::routing_id::RoutingId;
use crate::socket::time_limit::TimeLimit;

#[test]
fn a_full_remote_does_not_block_sends_to_other_remotes() {
    all(1, || one_flows_while_one_is_full("b", "c"));
    some(|| one_flows_while_one_is_full("bcd", "efg"));
}

#[test]
fn a_dropped_sender_passes_its_slot_to_the_next() {
    all(2, || a_sender_is_dropped("bc"));
    some(|| a_sender_is_dropped("bcdef"));
}

#[test]
fn a_sink_that_drops_an_overdue_message_passes_its_slot_to_the_next() {
    all(2, || a_sink_drops_overdue_messages("b", "c"));
    some(|| a_sink_drops_overdue_messages("bcd", "efg"));
}

#[test]
fn a_remote_that_leaves_wakes_all_senders_waiting_for_it() {
    all(4, || the_remote_leaves("b"));
    all(3, || the_remote_leaves("bc"));
    some(|| the_remote_leaves("bcdef"));
}

#[test]
fn a_remote_that_is_disconnected_still_gets_queued_messages() {
    all(4, || the_remote_is_disconnected("b"));
    some(|| the_remote_is_disconnected("bcdef"));
}

#[test]
fn a_raised_hwm_serves_waiting_senders() {
    all(5, || the_hwm_is_raised("ab"));
    some(|| the_hwm_is_raised("abcde"));
}

async fn one_flows_while_one_is_full(waiting: &'static str, flowing: &'static str) {
    let model = Model::server(1);
    let (full, free) = (model.attach(), model.attach());
    let (to_full, to_free) = (id(&full), id(&free));
    model.fill(to_full, "a");
    let blocked: Vec<_> = waiting.chars().map(|letter| model.send(to_full, letter)).collect();
    let senders: Vec<_> = flowing.chars().map(|letter| model.send(to_free, letter)).collect();
    let (second, mut second_written) = connection(free);
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    assert_eq!(sorted(&second_written.take(flowing.len()).await), flowing);
    assert_eq!(model.routing().queued(None).outgoing, 1);
    let (first, mut first_written) = connection(full);
    for sender in blocked {
        assert!(sender.await.unwrap().is_ok());
    }
    let written = first_written.take(1 + waiting.len()).await;
    assert_eq!(sorted(&written), "a".to_owned() + waiting);
    model.routing().close();
    assert_eq!(first_written.rest(first).await, "");
    model.end(second, second_written, 0).await;
}

async fn a_sender_is_dropped(letters: &'static str) {
    let model = Model::server(1);
    let attachment = model.attach();
    let to = id(&attachment);
    model.fill(to, "a");
    let mut queued = "a".to_owned();
    let senders: Vec<_> = letters.chars().map(|letter| model.send(to, letter)).collect();
    let (connection, mut written) = connection(attachment);
    senders[0].abort();
    for (sender, letter) in senders.into_iter().zip(letters.chars()) {
        assert_eq!(join(sender, &mut queued, letter).await, None);
    }
    assert_eq!(sorted(&written.take(queued.len()).await), queued);
    model.end(connection, written, 0).await;
}

/// The sink does not wait.
async fn a_sink_drops_overdue_messages(letters: &'static str, others: &'static str) {
    let model = Model::server(1);
    let attachment = model.attach();
    let to = id(&attachment);
    model.fill(to, "a");
    let mut handle = model.handle();
    let sink = shuttle::future::spawn(async move {
        let mut limit = TimeLimit::new(Some(Duration::ZERO));
        let mut dropped = String::new();
        for letter in letters.bytes() {
            let Handle { core, outbox, .. } = &mut handle;
            outbox.start_send(core, to, Message::from([letter])).unwrap();
            let overdue = poll_fn(|cx| match outbox.poll_flush(core, cx) {
                Poll::Ready(sent) => Poll::Ready(sent.map(|()| None)),
                Poll::Pending => {
                    outbox.poll_overdue(core, &mut limit, cx).map(|(_, message)| Ok(Some(message)))
                }
            });
            dropped.extend(overdue.await.unwrap().map(|message| self::letter(&message)));
        }
        dropped
    });
    let senders: Vec<_> = others.chars().map(|letter| model.send(to, letter)).collect();
    let (connection, mut written) = connection(attachment);
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    let dropped = sink.await.unwrap();
    let mut sent = "a".to_owned() + letters + others;
    sent.retain(|letter| !dropped.contains(letter));
    assert_eq!(sorted(&written.take(sent.len()).await), sorted(&sent));
    model.end(connection, written, 0).await;
}

/// Each message is returned or counted.
async fn the_remote_leaves(letters: &'static str) {
    let model = Model::server(1);
    let attachment = model.attach();
    let to = id(&attachment);
    let senders: Vec<_> = letters.chars().map(|letter| model.send(to, letter)).collect();
    let permit = model.reserve_and_send(to, 'a');
    drop(attachment);
    let mut queued = String::new();
    let letters = letters.chars().chain(['a']);
    for (sender, letter) in senders.into_iter().chain([permit]).zip(letters) {
        let refusal = join(sender, &mut queued, letter).await;
        assert!(matches!(refusal, None | Some(Refusal::HostUnreachable)));
    }
    assert!(queued.len() <= 1, "the high-water mark was exceeded");
    assert_eq!(model.undelivered(), queued.len());
}

/// Each message is returned or written.
async fn the_remote_is_disconnected(letters: &'static str) {
    let model = Model::server(1);
    let attachment = model.attach();
    let (to, pipe) = (id(&attachment), attachment.pipe());
    model.fill(to, "a");
    let mut queued = "a".to_owned();
    let senders: Vec<_> = letters.chars().map(|letter| model.send(to, letter)).collect();
    let (connection, written) = connection(attachment);
    model.routing().retire_pipe(pipe);
    for (sender, letter) in senders.into_iter().zip(letters.chars()) {
        let refusal = join(sender, &mut queued, letter).await;
        assert!(matches!(refusal, None | Some(Refusal::HostUnreachable)));
    }
    assert_eq!(sorted(&written.rest(connection).await), queued);
    assert_eq!(model.undelivered(), 0);
}

/// No connection takes messages.
async fn the_hwm_is_raised(letters: &'static str) {
    let model = Model::server(1);
    let attachment = model.attach();
    let to = id(&attachment);
    let senders: Vec<_> = letters.chars().map(|letter| model.send(to, letter)).collect();
    model.routing().change_send_hwm(|hwm| hwm.with_messages(letters.len()));
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    assert_eq!(model.routing().queued(None).outgoing, letters.len());
}

fn id(attachment: &Attachment) -> RoutingId {
    attachment.routing_id().expect("a SERVER assigns a routing id")
}
