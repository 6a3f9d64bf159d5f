//! A PUSH that redirects the tasks of workers that fail.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use tokio::task::JoinHandle;
use tokio::time;
use tokio_zmtp::{Pull, Push, Undelivered};

use crate::faults;
use crate::network::{Host, Network};
use crate::scenario::{run, seeds};

#[test]
fn every_task_is_received_once_or_accounted_for() {
    for seed in seeds() {
        run(seed, |network| distribute(network, seed));
    }
}

async fn distribute(network: Network, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    network.set_latency(Duration::from_millis(1), Duration::from_millis(rng.u64(1..50)));
    let (here, received) = (network.host(), Received::default());
    let push = Push::builder()
        .undelivered(Undelivered::Redirect)
        .heartbeat_interval(HEARTBEAT)
        .connect_timeout(Duration::from_secs(2))
        .reconnect_interval(Duration::from_millis(100))
        .reconnect_interval_max(Duration::from_secs(2))
        .send_hwm(rng.usize(1..10))
        .linger(None)
        .build();
    let mut workers = Vec::new();
    for _ in 0..3 {
        let worker = Worker::start(network.host(), &received);
        here.connect(&push, &worker.host).await;
        workers.push(worker);
    }
    let (handle, mut random) = (push.clone(), rng.fork());
    let sending = tokio::spawn(async move {
        for number in 0..TASKS {
            let body = vec![7; if random.u8(..5) == 0 { 50_000 } else { 10 }];
            handle.send([number.to_be_bytes().to_vec(), body]).await.unwrap();
            faults::pause(&mut random, 400).await;
        }
    });

    let mut unread = 0;
    for _ in 0..rng.u32(2..8) {
        faults::pause(&mut rng, 3_000).await;
        let index = rng.usize(..workers.len());
        if rng.u8(..3) == 0 {
            let crashed = workers.swap_remove(index);
            crashed.host.crash();
            let host = crashed.host.clone();
            unread += crashed.end().await;
            faults::pause(&mut rng, 10_000).await;
            workers.push(Worker::start(host.restart(), &received));
        } else {
            faults::disturb(&network, &here, &workers[index].host, &mut rng).await;
        }
    }
    sending.await.unwrap();
    // Heartbeats have found all connections that are broken.
    time::sleep(Duration::from_secs(60)).await;
    for number in TASKS..TASKS + 9 {
        push.send([number.to_be_bytes()]).await.unwrap();
    }
    let report = push.close().await;
    assert_eq!(report.written + report.undelivered, u64::from(TASKS) + 9, "{report:?}");
    for worker in workers {
        unread += worker.end().await;
    }
    let received = received.0.lock().unwrap();
    for number in TASKS..TASKS + 9 {
        assert!(received.contains(&number), "{number} was lost without a fault");
    }
    let read = received.len() as u64 + unread;
    assert!(read <= report.written, "{read} of {report:?}");
    assert!(read == report.written || network.has_lost(), "{read} of {report:?}");
}

/// A PULL on a host of its own.
struct Worker {
    host: Host,
    pull: Pull,
    receiving: JoinHandle<u64>,
}

/// The numbers of all tasks that were received.
#[derive(Clone, Debug, Default)]
struct Received(Arc<Mutex<BTreeSet<u32>>>);

impl Worker {
    fn start(host: Host, received: &Received) -> Self {
        let pull = Pull::builder().heartbeat_interval(HEARTBEAT).recv_hwm(3).build();
        host.listen(&pull);
        let (handle, received) = (pull.clone(), received.clone());
        let receiving = tokio::spawn(async move {
            let mut count = 0;
            while let Ok(task) = handle.recv().await {
                count += 1;
                let number = u32::from_be_bytes(task[0][..].try_into().unwrap());
                assert!(received.0.lock().unwrap().insert(number), "{number} was received twice");
            }
            count
        });
        Self { host, pull, receiving }
    }

    /// Returns the number of tasks that were read from connections, and not received.
    async fn end(self) -> u64 {
        self.pull.close().await;
        let (count, stats) = (self.receiving.await.unwrap(), self.pull.stats());
        assert_eq!(count + stats.dropped.unread, stats.received.messages);
        stats.dropped.unread
    }
}

const TASKS: u32 = 60;

const HEARTBEAT: Duration = Duration::from_secs(1);
