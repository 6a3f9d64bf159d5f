use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::{Strategy as _, prop_assert_eq, prop_oneof, proptest};
use slotmap::SlotMap;

use super::*;

#[test]
fn subscribing_twice_is_subscribing_once() {
    let (mut subscriptions, [a, _]) = subscriptions();
    assert_eq!(subscriptions.subscribe(a, b"x"), Ok(true));
    assert_eq!(subscriptions.subscribe(a, b"x"), Ok(false));
    assert!(subscriptions.cancel(a, b"x"));
    assert!(!subscriptions.cancel(a, b"x"));
    assert_eq!(matching(&mut subscriptions, b"x"), []);
    assert_eq!((subscriptions.tree.len(), subscriptions.bytes), (1, 0));
}

#[test]
fn a_remote_with_several_prefixes_of_a_topic_matches_once() {
    let (mut subscriptions, [a, b]) = subscriptions();
    for topic in ["", "new", "news", "news.x", "newt"] {
        subscriptions.subscribe(a, topic.as_bytes()).unwrap();
    }
    subscriptions.subscribe(b, b"news.").unwrap();
    assert_eq!(matching(&mut subscriptions, b"news"), [a]);
    assert_eq!(matching(&mut subscriptions, b"news.y"), [a, b]);
    assert_eq!(matching(&mut subscriptions, b""), [a]);
}

#[test]
fn a_remote_that_has_left_matches_no_more() {
    let (mut subscriptions, [a, b]) = subscriptions();
    for number in 0..1_000_u32 {
        subscriptions.subscribe(a, &number.to_be_bytes()).unwrap();
    }
    subscriptions.subscribe(b, &7_u32.to_be_bytes()).unwrap();
    subscriptions.leave(a);
    assert_eq!(matching(&mut subscriptions, &7_u32.to_be_bytes()), [b]);
    assert_eq!(matching(&mut subscriptions, &8_u32.to_be_bytes()), []);
    let mut portions = 1;
    while subscriptions.release(100) {
        portions += 1;
    }
    assert_eq!(portions, 10);
    assert_eq!(matching(&mut subscriptions, &7_u32.to_be_bytes()), [b]);
    assert_eq!(subscriptions.bytes, topic_bytes(4) + SUBSCRIPTION_BYTES);
    assert_eq!(subscriptions.tree.len(), 2);
    subscriptions.leave(b);
    assert!(!subscriptions.release(100));
    assert_eq!((subscriptions.tree.len(), subscriptions.bytes), (1, 0));
}

#[test]
fn a_remote_that_returns_begins_without_topics() {
    let (mut subscriptions, [a, _]) = subscriptions();
    subscriptions.subscribe(a, b"x").unwrap();
    subscriptions.leave(a);
    assert_eq!(subscriptions.subscribe(a, b"y"), Ok(true));
    assert_eq!(matching(&mut subscriptions, b"x"), []);
    assert_eq!(matching(&mut subscriptions, b"y"), [a]);
}

#[test]
fn new_subscriptions_release_those_of_remotes_that_have_left() {
    let (mut subscriptions, [a, b]) = subscriptions();
    for number in 0..1_000_u32 {
        subscriptions.subscribe(a, &number.to_be_bytes()).unwrap();
    }
    subscriptions.leave(a);
    for number in 0..500_u32 {
        subscriptions.subscribe(b, &(number + 1_000).to_be_bytes()).unwrap();
    }
    assert!(!subscriptions.release(1));
    assert_eq!(subscriptions.bytes, 500 * (topic_bytes(4) + SUBSCRIPTION_BYTES));
}

#[test]
fn a_remote_subscribes_to_no_more_topics_than_it_may() {
    let (mut subscriptions, [a, b]) = subscriptions();
    subscriptions.set_limits(TopicOptions { max_topics_per_remote: 2, ..TopicOptions::default() });
    for topic in ["x", "y", "x"] {
        subscriptions.subscribe(a, topic.as_bytes()).unwrap();
    }
    assert_eq!(subscriptions.subscribe(a, b"z"), Err(ExceededLimit::Topics));
    assert!(subscriptions.cancel(a, b"y"));
    assert_eq!(subscriptions.subscribe(a, b"z"), Ok(true));
    assert_eq!(subscriptions.subscribe(b, b"z"), Ok(true));
}

#[test]
fn the_memory_of_the_topics_of_a_remote_is_limited() {
    let (mut subscriptions, [a, b]) = subscriptions();
    let max_topic_bytes_per_remote = SUBSCRIPTION_BYTES + TOPIC_BYTES + 5;
    subscriptions
        .set_limits(TopicOptions { max_topic_bytes_per_remote, ..TopicOptions::default() });
    assert_eq!(subscriptions.subscribe(a, b"abc"), Ok(true));
    assert_eq!(subscriptions.subscribe(a, b"d"), Err(ExceededLimit::Topics));
    assert!(subscriptions.cancel(a, b"abc"));
    assert_eq!(subscriptions.subscribe(a, b"defgh"), Ok(true));
    assert_eq!(subscriptions.subscribe(b, b"defghi"), Err(ExceededLimit::Topics));
}

#[test]
fn the_memory_of_the_topics_of_all_remotes_is_limited() {
    let (mut subscriptions, [a, b]) = subscriptions();
    let max_topic_bytes = 3 * SUBSCRIPTION_BYTES + 2 * topic_bytes(1);
    subscriptions.set_limits(TopicOptions { max_topic_bytes, ..TopicOptions::default() });
    assert_eq!(subscriptions.subscribe(a, b"x"), Ok(true));
    assert_eq!(subscriptions.subscribe(b, b"x"), Ok(true));
    assert_eq!(subscriptions.subscribe(b, b"y"), Ok(true));
    assert_eq!(subscriptions.subscribe(a, b"y"), Err(ExceededLimit::Topics));
    assert_eq!(subscriptions.subscribe(b, b"y"), Ok(false), "it has this topic");
    subscriptions.leave(b);
    assert_eq!(subscriptions.subscribe(a, b"y"), Ok(true));
    assert_eq!(subscriptions.subscribe(a, b"z"), Err(ExceededLimit::Topics));
}

#[test]
fn a_chain_of_prefixes_takes_memory_like_its_bytes_and_no_stack() {
    let (mut subscriptions, [a, b]) = subscriptions();
    let chain = vec![b'x'; 10_000];
    subscriptions.set_limits(TopicOptions {
        max_topic_bytes: usize::MAX,
        max_topic_bytes_per_remote: usize::MAX,
        max_topics_per_remote: usize::MAX,
        ..TopicOptions::default()
    });
    for len in (0..chain.len()).rev() {
        subscriptions.subscribe(a, &chain[..len]).unwrap();
    }
    assert_eq!(subscriptions.tree.len(), chain.len());
    subscriptions.subscribe(b, b"x").unwrap();
    assert_eq!(matching(&mut subscriptions, &chain), [a, b]);
    // From the shortest to the longest, so that every node is joined with the next one.
    for len in 0..chain.len() / 2 {
        assert!(subscriptions.cancel(a, &chain[..len]));
    }
    subscriptions.leave(b);
    subscriptions.leave(a);
    while subscriptions.release(10) {}
    assert_eq!((subscriptions.tree.len(), subscriptions.bytes), (1, 0));
}

/// A step of a random history.
#[derive(Clone, Debug)]
enum Step {
    Subscribe(usize, Vec<u8>),
    Cancel(usize, Vec<u8>),
    Leave(usize),
    Release(usize),
}

proptest! {
    #[test]
    fn a_message_matches_the_remotes_with_a_prefix_of_its_first_part(
        steps in vec(
            prop_oneof![
                8 => (0..4_usize, topic()).prop_map(|(it, topic)| Step::Subscribe(it, topic)),
                5 => (0..4_usize, topic()).prop_map(|(it, topic)| Step::Cancel(it, topic)),
                1 => (0..4_usize).prop_map(Step::Leave),
                1 => (0..5_usize).prop_map(Step::Release),
            ],
            0..200,
        ),
        first_parts in vec(topic(), 1..20),
    ) {
        let mut pipes = SlotMap::with_key();
        let mut subscriptions = Subscriptions::default();
        let mut keys = [(); 4].map(|()| pipes.insert(()));
        let mut plain = BTreeSet::new();
        for step in steps {
            match step {
                Step::Subscribe(at, topic) => {
                    let is_new = subscriptions.subscribe(keys[at], &topic).unwrap();
                    prop_assert_eq!(is_new, plain.insert((keys[at], topic)));
                }
                Step::Cancel(at, topic) => {
                    let was_subscribed = subscriptions.cancel(keys[at], &topic);
                    prop_assert_eq!(was_subscribed, plain.remove(&(keys[at], topic)));
                }
                Step::Leave(at) => {
                    subscriptions.leave(keys[at]);
                    plain.retain(|(key, _)| *key != keys[at]);
                    // Either the same pipe has another connection, or there is another pipe.
                    if at % 2 == 0 {
                        keys[at] = pipes.insert(());
                    }
                }
                Step::Release(most) => {
                    subscriptions.release(most);
                }
            }
        }
        let check = |subscriptions: &mut Subscriptions| {
            for first_part in &first_parts {
                let mut found = matching(subscriptions, first_part);
                found.sort_unstable();
                let expected = plain.iter().filter(|(_, topic)| first_part.starts_with(topic));
                let expected: BTreeSet<_> = expected.map(|(key, _)| *key).collect();
                prop_assert_eq!(found, Vec::from_iter(expected));
            }
            Ok(())
        };
        check(&mut subscriptions)?;
        subscriptions.release(usize::MAX);
        check(&mut subscriptions)?;
        let topics: BTreeSet<_> = plain.iter().map(|(_, topic)| topic).collect();
        let bytes = topics.iter().map(|topic| topic_bytes(topic.len())).sum::<usize>();
        prop_assert_eq!(subscriptions.bytes, bytes + plain.len() * SUBSCRIPTION_BYTES);
        prop_assert_eq!(subscriptions.tree.len() <= 2 * topics.len() + 1, true);
        for key in keys {
            subscriptions.leave(key);
        }
        subscriptions.release(usize::MAX);
        prop_assert_eq!((subscriptions.tree.len(), subscriptions.bytes), (1, 0));
    }

    #[test]
    fn a_node_with_many_branches_finds_each_of_them(bytes in vec(proptest::num::u8::ANY, 0..600)) {
        let (mut subscriptions, [a, _]) = subscriptions();
        let mut plain = BTreeSet::new();
        for byte in bytes {
            // Every byte that appears again is cancelled.
            if plain.insert(byte) {
                prop_assert_eq!(subscriptions.subscribe(a, &[b'x', byte]), Ok(true));
            } else {
                plain.remove(&byte);
                prop_assert_eq!(subscriptions.cancel(a, &[b'x', byte]), true);
            }
        }
        for byte in 0..=u8::MAX {
            let expected = if plain.contains(&byte) { vec![a] } else { vec![] };
            prop_assert_eq!(matching(&mut subscriptions, &[b'x', byte, b'y']), expected);
        }
    }
}

/// Topics of few different bytes, so that many are prefixes of others.
fn topic() -> impl proptest::prelude::Strategy<Value = Vec<u8>> {
    vec(0..3_u8, 0..7)
}

fn subscriptions() -> (Subscriptions, [PipeKey; 2]) {
    let mut pipes: SlotMap<PipeKey, ()> = SlotMap::with_key();
    (Subscriptions::default(), [(); 2].map(|()| pipes.insert(())))
}

fn matching(subscriptions: &mut Subscriptions, first_part: &[u8]) -> Vec<PipeKey> {
    subscriptions.look_up(first_part);
    subscriptions.found().to_vec()
}
