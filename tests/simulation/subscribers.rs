//! Subscribers of a publisher that restarts.

use std::time::Duration;

use futures::future;
use tokio::time;
use tokio_zmtp::{Pub, Sub};

use crate::faults;
use crate::network::{Host, Network};
use crate::scenario::{run, seeds};

#[test]
fn a_restarted_publisher_gets_the_subscriptions_of_all_its_subscribers_again() {
    for seed in seeds() {
        run(seed, restarts);
    }
}

async fn restarts(network: Network) {
    let mut rng = fastrand::Rng::with_seed(fastrand::u64(..));
    network.set_latency(Duration::from_millis(1), Duration::from_millis(rng.u64(1..200)));
    let mut there = network.host();
    let mut publisher = listen(&there);
    let mut subscribers = Vec::new();
    for number in 0..SUBSCRIBERS {
        let (here, subscriber) = (network.host(), subscriber());
        subscriber.subscribe("all").unwrap();
        subscriber.subscribe(topic(number)).unwrap();
        here.connect(&subscriber, &there).await;
        subscribers.push((here, subscriber));
    }
    for restart in 0..3 {
        publish(&publisher, &subscribers, restart).await;
        there.crash();
        publisher.set_linger(Some(Duration::ZERO));
        publisher.close().await;
        faults::pause(&mut rng, 10_000).await;
        // Some change their topics meanwhile.
        let (_, changing) = &subscribers[rng.usize(..subscribers.len())];
        changing.subscribe("temporary").unwrap();
        assert!(changing.unsubscribe("temporary"));
        there = there.restart();
        publisher = listen(&there);
    }
    publish(&publisher, &subscribers, 3).await;
}

/// Waits for all subscriptions, and sends a message to each subscriber and one to all.
async fn publish(publisher: &Pub, subscribers: &[(Host, Sub)], round: u32) {
    publisher.remotes().at_least(subscribers.len()).await.unwrap();
    future::join_all((0..SUBSCRIBERS).map(|number| publisher.subscribed(topic(number)))).await;
    // The subscriptions of one connection arrive in any order.
    time::sleep(Duration::from_secs(1)).await;
    publisher.send("temporary").await.unwrap();
    publisher.send(format!("all {round}")).await.unwrap();
    for number in 0..SUBSCRIBERS {
        publisher.send(format!("{} {round}", topic(number))).await.unwrap();
    }
    for (number, (_, subscriber)) in (0..).zip(subscribers) {
        assert_eq!(subscriber.recv().await.unwrap(), [format!("all {round}")]);
        assert_eq!(subscriber.recv().await.unwrap(), [format!("{} {round}", topic(number))]);
    }
}

fn listen(host: &Host) -> Pub {
    let publisher = Pub::builder().heartbeat_interval(HEARTBEAT).build();
    host.listen(&publisher);
    publisher
}

fn subscriber() -> Sub {
    Sub::builder()
        .heartbeat_interval(HEARTBEAT)
        .connect_timeout(Duration::from_secs(2))
        .reconnect_interval(Duration::from_millis(100))
        .reconnect_interval_max(Duration::from_secs(2))
        .build()
}

/// No topic is a prefix of another.
fn topic(number: u32) -> String {
    format!("topic {number:02}")
}

const SUBSCRIBERS: u32 = 10;

const HEARTBEAT: Duration = Duration::from_secs(1);
