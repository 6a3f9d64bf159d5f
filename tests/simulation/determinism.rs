//! The simulation itself.

use std::time::Duration;

use tokio::time;
use tokio_zmtp::{Client, Server};

use crate::accounting;
use crate::scenario::{run, seeds};

#[test]
fn the_same_seed_leads_to_the_same_trace() {
    for seed in seeds().into_iter().step_by(10) {
        let [first, second] = [(), ()].map(|()| run(seed, |net| accounting::exchange(net, seed)));
        let differs = first.iter().zip(&second).position(|(first, second)| first != second);
        if let Some(at) = differs {
            panic!("SEED={seed}, line {at}: {} / {}", first[at], second[at]);
        }
        assert_eq!(first.len(), second.len());
    }
}

#[test]
fn different_seeds_lead_to_different_traces() {
    let [first, second] = [1, 2].map(|seed| run(seed, |net| accounting::exchange(net, seed)));
    assert_ne!(first, second);
}

#[test]
fn connections_overtake_one_another_but_their_own_messages_keep_their_order() {
    run(1, async |network| {
        let [here, there] = [network.host(), network.host()];
        let server = Server::new();
        there.listen(&server);
        let clients = [(); 3].map(|()| Client::new());
        for client in &clients {
            here.connect(client, &there).await;
        }
        server.remotes().at_least(clients.len()).await.unwrap();
        network.set_latency(Duration::ZERO, Duration::from_millis(500));
        for number in 0..MESSAGES {
            clients[number % clients.len()].send(number.to_string()).await.unwrap();
            time::sleep(Duration::from_millis(20)).await;
        }
        let mut received = Vec::new();
        while received.len() < MESSAGES {
            let number = server.recv().await.unwrap().to_str().unwrap().parse::<usize>().unwrap();
            received.push(number);
        }
        assert!(!received.is_sorted());
        for client in 0..clients.len() {
            let own = received.iter().filter(|number| **number % clients.len() == client);
            assert!(own.is_sorted(), "{received:?}");
        }
    });
}

const MESSAGES: usize = 60;
