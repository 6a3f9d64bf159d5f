//! Clients and servers on hosts of their own, which are network namespaces of Linux.

mod network;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_zmtp::monitor::{DisconnectReason, EventKind};
use tokio_zmtp::rpc::{CallError, Failure, Request, Requester, Responder, service_fn};
use tokio_zmtp::{Client, Server};
use tokio_zmtp_discovery::connect_all;

use self::network::{Host, Network, PORT, in_a_network, is_inside};

const CALLERS: usize = 8;

#[test]
fn hosts_are_replaced_one_by_one_without_a_lost_call() {
    in_a_network("namespaces::hosts_are_replaced_one_by_one_without_a_lost_call", replace);
}

/// The TTL of the records is one second.
async fn replace(mut network: Network) {
    let (mut hosts, mut successors) = (Vec::new(), Vec::new());
    for _ in 0..10 {
        hosts.push(network.server().await);
        successors.push(network.server().await);
    }
    let mut name_server = network.name_server("namespaces-replace", &records(&hosts)).await;
    let client = Client::builder().resolver(name_server.dns()).build();
    let discovery = connect_all(&client, name_server.dns().srv("_calls._tcp.example.test"));
    let callers = Callers::start(&Requester::new(client.clone()));
    for host in &mut hosts {
        host.until_called().await;
    }

    let (mut answered, mut delays) = (0, Vec::new());
    for (step, successor) in successors.into_iter().enumerate() {
        hosts.push(successor);
        name_server.replace(&records(&hosts)).await;
        let (begun, added) = (Instant::now(), hosts.last_mut().unwrap());
        // The next update may be of a lookup that began before, but not the one after it, which
        // follows within a second.
        let (endpoint, before) = (added.endpoint(), discovery.state().updates);
        let found = |state: &tokio_zmtp_discovery::State| {
            state.endpoints.contains(&endpoint) || state.updates >= before + 2
        };
        let state = discovery.wait_for(found).await.unwrap();
        assert!(state.endpoints.contains(&endpoint), "{state:?}");
        added.until_called().await;
        delays.push(begun.elapsed());

        let removed = hosts.remove(0);
        // The server ends after its record does, or before it.
        if step % 2 == 0 {
            name_server.replace(&records(&hosts)).await;
            answered += removed.end().await;
        } else {
            answered += removed.end().await;
            name_server.replace(&records(&hosts)).await;
        }
    }
    let Outcome { replies, lost } = callers.stop().await;
    answered += end(hosts).await;
    assert_eq!((lost, answered), (0, replies));
    let mean = delays.iter().sum::<Duration>() / 10;
    let most = delays.iter().max().unwrap();
    eprintln!(
        "{replies} calls; a new server was called after {mean:?} on average, {most:?} at most"
    );
}

#[test]
fn heartbeats_end_the_connection_to_a_host_that_vanishes() {
    in_a_network("namespaces::heartbeats_end_the_connection_to_a_host_that_vanishes", vanish);
}

async fn vanish(mut network: Network) {
    let mut hosts = Vec::new();
    for _ in 0..3 {
        hosts.push(network.server().await);
    }
    let name_server = network.name_server("namespaces-vanish", &records(&hosts)).await;
    let client = Client::builder()
        .resolver(name_server.dns())
        .heartbeat_interval(Duration::from_secs(1))
        .heartbeat_timeout(Duration::from_secs(2))
        .build();
    let discovery = connect_all(&client, name_server.dns().srv("_calls._tcp.example.test"));
    let mut callers = Callers::start(&Requester::new(client.clone()));
    for host in &mut hosts {
        host.until_called().await;
    }

    let vanished = hosts.remove(0);
    let mut monitor = client.monitor();
    let begun = Instant::now();
    network.cut(&vanished).await;
    loop {
        let event = monitor.recv().await.unwrap().unwrap();
        if let EventKind::Disconnected { reason, .. } = event.kind {
            assert_eq!(event.endpoint, vanished.endpoint());
            assert!(matches!(reason, DisconnectReason::HeartbeatTimedOut), "{reason:?}");
            break;
        }
    }
    eprintln!("heartbeats ended the connection after {:?}", begun.elapsed());
    // Its record still exists.
    assert!(discovery.state().endpoints.contains(&vanished.endpoint()));
    callers.until_replied().await;

    let Outcome { replies, lost } = callers.stop().await;
    // Each caller waits for one reply at a time.
    assert!((1..=CALLERS as u64).contains(&lost), "{lost}");
    let answered = end(hosts).await;
    assert!(answered <= replies, "{answered} of {replies}");
}

/// A server on a host. It is commanded over its input, and reports to its output.
#[test]
#[ignore = "a program, which the other tests of this file start"]
fn serve() {
    if !is_inside() {
        return;
    }
    let (sender, mut commands) = mpsc::unbounded_channel();
    thread::spawn(move || {
        for command in io::stdin().lines() {
            let _ = sender.send(command.unwrap());
        }
    });
    println!("started");
    Runtime::new().unwrap().block_on(async {
        assert_eq!(commands.recv().await.unwrap(), "bind");
        let server = Server::builder().bind(format!("tcp://*:{PORT}")).await.unwrap();
        println!("listening");
        let responder = Responder::new(server.clone());
        let is_called = AtomicBool::new(false);
        let echo = service_fn(move |request: Request| {
            if !is_called.swap(true, Ordering::Relaxed) {
                println!("called");
            }
            let body = request.into_body();
            async move { Ok::<_, Failure>(body) }
        });
        // Also ends with the process of the test.
        let ended = async { drop(commands.recv().await) };
        responder.serve_with_shutdown(echo, ended).await;
        assert_eq!(server.close().await.undelivered, 0);
        println!("answered {}", responder.stats().answered);
    });
}

/// Tasks that call until they are stopped, one call at a time each.
struct Callers {
    stop: Arc<AtomicBool>,
    callers: Vec<(watch::Receiver<u64>, JoinHandle<Outcome>)>,
}

/// The numbers of calls that were answered, and of those that were lost with a connection.
#[derive(Default)]
struct Outcome {
    replies: u64,
    lost: u64,
}

impl Callers {
    fn start(requester: &Requester) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let callers = (0..CALLERS).map(|caller| {
            let (progress, replies) = watch::channel(0);
            let calling = call(requester.clone(), caller, progress, Arc::clone(&stop));
            (replies, tokio::spawn(calling))
        });
        Self { callers: callers.collect(), stop }
    }

    /// Waits until each caller has received a reply to a call that it makes after now.
    async fn until_replied(&mut self) {
        for (replies, _) in &mut self.callers {
            let now = *replies.borrow();
            // The first may be to a call that is outstanding now.
            replies.wait_for(|replies| *replies >= now + 2).await.unwrap();
        }
    }

    async fn stop(self) -> Outcome {
        self.stop.store(true, Ordering::Relaxed);
        let mut sum = Outcome::default();
        for (_, caller) in self.callers {
            let Outcome { replies, lost } = caller.await.unwrap();
            sum.replies += replies;
            sum.lost += lost;
        }
        sum
    }
}

async fn call(
    requester: Requester,
    caller: usize,
    progress: watch::Sender<u64>,
    stop: Arc<AtomicBool>,
) -> Outcome {
    let mut outcome = Outcome::default();
    while !stop.load(Ordering::Relaxed) {
        let body = format!("{caller}:{}", outcome.replies);
        match requester.call(body.clone()).await {
            Ok(reply) => {
                assert_eq!(reply, body.as_str());
                outcome.replies += 1;
                progress.send_replace(outcome.replies);
            }
            Err(CallError::ConnectionLost) => outcome.lost += 1,
            Err(error) => panic!("{error}"),
        }
    }
    outcome
}

fn records(hosts: &[Host]) -> String {
    hosts.iter().map(Host::records).collect()
}

/// Ends the servers concurrently. Returns the number of requests that they have answered.
async fn end(hosts: Vec<Host>) -> u64 {
    let ending: Vec<_> = hosts.into_iter().map(|host| tokio::spawn(host.end())).collect();
    let mut answered = 0;
    for host in ending {
        answered += host.await.unwrap();
    }
    answered
}
