//! Connections that end with subscriptions.

use super::*;
use crate::options::TopicOptions;

#[test]
fn a_departure_is_announced_as_its_notices_are_read() {
    let mut publisher = Publisher::new(Verbosity::Changes, 4);
    let a = publisher.connect();
    let topics: Vec<_> = (0..20).map(|number| format!("{number:02}")).collect();
    for topic in &topics {
        publisher.subscribe(a, topic);
        publisher.read();
    }
    let b = publisher.connect();
    publisher.subscribe(b, "b");
    publisher.disconnect(a);
    let queued = publisher.queue.queued(None);
    assert_eq!(queued, 5);
    assert_eq!(publisher.pipes.subscribers(b"00"), 0, "it no longer matches");
    let mut cancelled = Vec::new();
    while let Some(notice) = publisher.read() {
        cancelled.push(notice);
        while publisher.announce() {}
        assert!(publisher.queue.queued(None) <= 5);
    }
    cancelled.sort_unstable();
    let mut expected: Vec<_> = topics.iter().map(|topic| format!("-{topic}")).collect();
    expected.insert(0, "+b".to_owned());
    assert_eq!(cancelled, expected);
}

#[test]
fn topics_that_are_subscribed_to_again_before_their_end_is_noticed_do_not_change() {
    let mut publisher = Publisher::new(Verbosity::Changes, 2);
    let a = publisher.connect();
    publisher.subscribe(a, "x");
    publisher.subscribe(a, "y");
    publisher.end_connection(a);
    assert!(!publisher.announce(), "two unread notices leave no room");
    let again = publisher.connect();
    publisher.subscribe(again, "x");
    assert_eq!(publisher.pipes.subscribers(b"y"), 0);
    assert_eq!(publisher.notices(), ["+x", "+y", "-y"]);
    assert_eq!(publisher.pipes.topics(), 1);
}

/// Its connections share the account of its pipe.
#[test]
fn the_departures_of_a_dialed_remote_are_announced_one_after_the_other() {
    let mut publisher = Publisher::new(Verbosity::Changes, 1);
    let mut remote = publisher.connect();
    for topic in ["a", "b", "c"] {
        publisher.subscribe(remote, topic);
        publisher.end_connection(remote);
        remote = publisher.reconnect(remote);
    }
    let mut notices = Vec::new();
    while let Some(notice) = publisher.read() {
        notices.push(notice);
        while publisher.announce() {}
    }
    assert_eq!(notices[..3], ["+a", "+b", "+c"]);
    notices[3..].sort_unstable();
    assert_eq!(notices[3..], ["-a", "-b", "-c"]);
    assert_eq!(publisher.pipes.topics(), 0);
}

/// As for a PUB, but their notices must find room.
#[test]
fn topics_of_remotes_that_have_left_end_before_another_remote_exceeds_the_limit_of_all() {
    for (recv_hwm, expected) in [(3, Ok(CommandEffect::Widened)), (2, Err(ExceededLimit::Topics))] {
        let mut publisher = Publisher::new(Verbosity::Changes, recv_hwm);
        let max_topic_bytes = 2 * (256 + 32 + 1);
        let topics = TopicOptions { max_topic_bytes, ..TopicOptions::default() };
        publisher.pipes.set_options(&Options { topics, ..Options::default() });
        let a = publisher.connect();
        publisher.subscribe(a, "a");
        publisher.subscribe(a, "b");
        publisher.detach(a);
        let b = publisher.connect();
        let subscribe = Command::Subscribe("c".parse().unwrap());
        assert_eq!(publisher.try_command(b, &subscribe), expected);
        let notices = publisher.notices();
        assert_eq!(notices[..2], ["+a", "+b"]);
        match expected {
            Ok(_) => assert_eq!(notices[3], "+c", "one of the others has ended before"),
            Err(_) => assert!(!notices.contains(&"+c".to_owned())),
        }
    }
}

#[test]
fn the_steps_of_a_departure_do_not_grow_with_the_departures_that_wait() {
    let [few, many] = [10, 1_000].map(steps_of_each_departure);
    assert!(many <= few, "{few} steps, then {many}");
}

/// Returns the number of steps for each of many departures, which all wait for room.
fn steps_of_each_departure(remotes: usize) -> usize {
    let mut publisher = Publisher::new(Verbosity::Changes, 1);
    for number in 0..remotes {
        let remote = publisher.connect();
        publisher.subscribe(remote, &format!("{number}"));
        publisher.detach(remote);
    }
    STEPS.set(0);
    while publisher.announce() {}
    for number in 0..remotes {
        assert_eq!(publisher.read(), Some(format!("+{number}")));
        while publisher.announce() {}
    }
    assert_eq!((publisher.notices().len(), publisher.pipes.topics()), (remotes, 0));
    STEPS.get().div_ceil(remotes)
}
