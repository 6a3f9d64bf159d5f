//! Responders that drain without losing calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use futures::future;
use support::remote::{GREETING, Remote, command, property};
use support::transports::own_address;
use support::watchdog::Watchdog;
use tokio::runtime;
use tokio::sync::{Notify, Semaphore};
use tokio::task::{self, JoinHandle};
use tokio::time::{self, Instant};
use tokio_zmtp::auth::Users;
use tokio_zmtp::rpc::{Failure, Request, Requester, Responder, service_fn};
use tokio_zmtp::{Client, Endpoint, Mechanism, Server};

use crate::wire::{
    Bare, CONNECTION, DRAIN, DRAINED, ERROR, REPLY, REQUEST, body, echo, envelope, opened, unique,
    until_connected, until_shut, until_there,
};

#[tokio::test]
async fn requests_are_served_until_the_notice_is_acknowledged_and_then_refused() {
    for endpoint in ["tcp://127.0.0.1:*", &unique()] {
        let held = Held::start(endpoint).await;
        let client = held.client().await;
        client.send(envelope(REQUEST, 1, "\0before")).await.unwrap();
        until_there(&held.responder, |stats| stats.running == 1).await;
        held.stop.notify_one();
        assert_eq!(client.recv().await.unwrap(), envelope(DRAIN, CONNECTION, ""));
        client.send(envelope(REQUEST, 2, "\0in transit")).await.unwrap();
        client.send(envelope(DRAINED, CONNECTION, "")).await.unwrap();
        client.send(envelope(REQUEST, 3, "\0too late")).await.unwrap();
        let refused = envelope(ERROR, 3, [0x02, 0, 0, 0, 0]);
        assert_eq!(client.recv().await.unwrap(), refused);
        assert_eq!(held.responder.stats().running, 2);
        held.release.add_permits(2);
        let mut replies = [client.recv().await.unwrap(), client.recv().await.unwrap()];
        replies.sort_by_key(|reply| reply.to_vec());
        assert_eq!(replies, [envelope(REPLY, 1, "before"), envelope(REPLY, 2, "in transit")]);
        held.serving.await.unwrap();
        let stats = held.responder.stats();
        assert_eq!((stats.received, stats.answered, stats.shutting_down), (3, 2, 1));
        assert!(stats.is_consistent());
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_acknowledge_is_refused_after_a_second() {
    let held = Held::start(&unique()).await;
    let client = held.client().await;
    client.send(envelope(REQUEST, 1, "\0x")).await.unwrap();
    until_there(&held.responder, |stats| stats.running == 1).await;
    held.stop.notify_one();
    assert_eq!(client.recv().await.unwrap(), envelope(DRAIN, CONNECTION, ""));
    time::sleep(Duration::from_millis(990)).await;
    client.send(envelope(REQUEST, 2, "\0x")).await.unwrap();
    until_there(&held.responder, |stats| stats.running == 2).await;
    time::sleep(Duration::from_millis(20)).await;
    client.send(envelope(REQUEST, 3, "\0x")).await.unwrap();
    assert_eq!(client.recv().await.unwrap(), envelope(ERROR, 3, [0x02, 0, 0, 0, 0]));
    held.release.add_permits(2);
    held.serving.await.unwrap();
    assert_eq!(held.responder.stats().answered, 2);
}

#[tokio::test(start_paused = true)]
async fn a_responder_waits_for_an_idle_client_to_acknowledge_and_no_longer_than_a_second() {
    let held = Held::start(&unique()).await;
    let (client, silent) = (held.client().await, held.client().await);
    let begun = Instant::now();
    held.stop.notify_one();
    for client in [&client, &silent] {
        assert_eq!(client.recv().await.unwrap(), envelope(DRAIN, CONNECTION, ""));
    }
    client.send(envelope(DRAINED, CONNECTION, "")).await.unwrap();
    held.serving.await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1));

    let held = Held::start(&unique()).await;
    let client = held.client().await;
    let begun = Instant::now();
    held.stop.notify_one();
    client.recv().await.unwrap();
    client.send(envelope(DRAINED, CONNECTION, "")).await.unwrap();
    held.serving.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_slowly_loses_no_request_to_a_drain() {
    for capacity in [1, 1_000] {
        let endpoint = unique();
        let server = Server::builder().send_hwm(1).recv_hwm(capacity);
        let server = server.bind(endpoint.as_str()).await.unwrap();
        let responder = Responder::new(server);
        let stop = Arc::new(Notify::new());
        let signal = Arc::clone(&stop).notified_owned();
        let serving = tokio::spawn(responder.serve_with_shutdown(service_fn(echo), signal));
        let client = Client::builder().send_hwm(0).recv_hwm(1);
        let client = client.connect(endpoint.as_str()).await.unwrap();
        // The replies to the first requests fill all queues, and the others wait.
        for id in 0..100 {
            client.send(envelope(REQUEST, id, "\0x")).await.unwrap();
        }
        until_there(&responder, |stats| stats.received > 2).await;
        stop.notify_one();
        time::sleep(Duration::from_secs(60)).await;
        assert!(!serving.is_finished());

        let mut replies = 0;
        while replies < 100 {
            match opened(&client.recv().await.unwrap()) {
                (REPLY, ..) => replies += 1,
                (DRAIN, ..) => client.send(envelope(DRAINED, CONNECTION, "")).await.unwrap(),
                other => panic!("{other:?}"),
            }
        }
        serving.await.unwrap();
        assert_eq!(responder.stats().answered, 100);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_with_messages_waiting_for_it_does_not_delay_the_end() {
    let endpoint = unique();
    let server = Server::builder().send_hwm(1).bind(endpoint.as_str()).await.unwrap();
    let responder = Responder::new(server);
    let stop = Arc::new(Notify::new());
    let signal = Arc::clone(&stop).notified_owned();
    let serving = tokio::spawn(responder.serve_with_shutdown(service_fn(echo), signal));
    let client = Client::builder().recv_hwm(1).connect(endpoint.as_str()).await.unwrap();
    // Messages of an unknown kind, which are answered with errors.
    for id in 0..10 {
        client.send(envelope(0x1f, id, "")).await.unwrap();
    }
    until_there(&responder, |stats| stats.malformed > 2).await;
    stop.notify_one();
    time::sleep(Duration::from_secs(60)).await;
    assert!(!serving.is_finished());
    drop(client);
    serving.await.unwrap();
    assert!(responder.stats().is_consistent());
}

#[tokio::test]
async fn the_address_of_a_draining_responder_is_free() {
    for endpoint in [own_address().to_string(), unique()] {
        let endpoint = endpoint.as_str();
        let held = Held::start(endpoint).await;
        let old = Requester::new(held.client().await);
        let call = tokio::spawn(old.call("old"));
        until_there(&held.responder, |stats| stats.running == 1).await;
        held.stop.notify_one();
        until_shut(&old).await;
        let endpoint = held.responder.server().last_endpoint().unwrap();
        let new = loop {
            match Server::builder().bind(endpoint.clone()).await {
                Ok(server) => break Bare { server },
                Err(_) => task::yield_now().await,
            }
        };
        let requester = Requester::new(Client::builder().connect(endpoint.clone()).await.unwrap());
        let (reply, ()) = tokio::join!(requester.call("new"), new.echo());
        assert_eq!(reply.unwrap(), "new");
        held.release.add_permits(1);
        assert_eq!(call.await.unwrap().unwrap(), "old");
        held.serving.await.unwrap();
        // The first requester reconnects as well.
        let (reply, ()) = tokio::join!(old.call("again"), new.echo());
        assert_eq!(reply.unwrap(), "again");
    }
}

/// It was admitted under the security settings of the former port.
#[tokio::test]
async fn a_connection_that_waits_for_a_resource_is_not_handed_to_a_port_that_is_opened_later() {
    let _watchdog = Watchdog::start();
    let held = Held::start(&format!("{}/calls", own_address())).await;
    let calls = held.responder.server().last_endpoint().unwrap().to_string();
    let requester = Requester::new(held.client().await);
    let call = tokio::spawn(requester.call("held"));
    until_there(&held.responder, |stats| stats.running == 1).await;
    let mut stranger = Remote::dial(&calls.replace("/calls", "").parse().unwrap()).await;
    stranger.write(&GREETING).await;
    assert_eq!(stranger.read(GREETING.len()).await, GREETING);

    held.stop.notify_one();
    let secured = Server::builder().mechanism(Mechanism::PlainServer).authenticator(Users::new());
    let secured = loop {
        match secured.clone().bind(calls.replace("/calls", "/secured")).await {
            Ok(secured) => break secured,
            Err(_) => task::yield_now().await,
        }
    };
    let properties = ["Socket-Type", "CLIENT", "Resource", "secured"];
    let properties = properties.chunks(2).map(|pair| property(pair[0], pair[1].as_bytes()));
    stranger.write(&command("READY", &properties.collect::<Vec<_>>().concat())).await;
    held.release.add_permits(1);
    assert_eq!(call.await.unwrap().unwrap(), "held");
    held.serving.await.unwrap();
    assert_eq!(stranger.read_some().await, None);
    assert_eq!(secured.stats().connected, 0);
}

#[tokio::test]
async fn a_requester_acknowledges_after_its_last_request_and_uses_other_servers() {
    for endpoint in [own_address().to_string(), unique()] {
        let endpoint = endpoint.as_str();
        let draining = Bare::bind(endpoint).await;
        let client = Client::builder().reconnect_interval(Some(Duration::from_millis(1)));
        let client = client.connect(draining.endpoint().as_str()).await.unwrap();
        let requester = Requester::new(client);
        let first = tokio::spawn(requester.call("first"));
        let (from, id, rest) = draining.expect(REQUEST).await;
        for _ in 0..2 {
            draining.send(from, DRAIN, CONNECTION, "").await;
        }
        assert_eq!(draining.expect(DRAINED).await, (from, CONNECTION, Vec::new()));
        until_shut(&requester).await;

        // The next request waits until another server is connected.
        let mut second = tokio_test::task::spawn(requester.call("second"));
        assert!(second.poll().is_pending());
        let other = Bare::bind("tcp://127.0.0.1:*").await;
        requester.client().connect(other.endpoint().as_str()).await.unwrap();
        let (reply, ()) = tokio::join!(second, other.echo());
        assert_eq!(reply.unwrap(), "second");
        for _ in 0..4 {
            let (reply, ()) = tokio::join!(requester.call("elsewhere"), other.echo());
            assert_eq!(reply.unwrap(), "elsewhere");
        }
        // The outstanding call finishes.
        draining.send(from, REPLY, id, body(&rest)).await;
        assert_eq!(first.await.unwrap().unwrap(), "first");

        // After the server has returned, it is selected again.
        let endpoint = draining.server.last_endpoint().unwrap();
        assert!(draining.server.try_recv().is_err(), "the requester acknowledges once");
        draining.server.close().await;
        until_connected(&requester, 1).await;
        let back = Bare { server: Server::builder().bind(endpoint).await.unwrap() };
        until_connected(&requester, 2).await;
        let calls = [requester.call("x"), requester.call("x")].map(tokio::spawn);
        tokio::join!(other.echo(), back.echo());
        assert!(future::join_all(calls).await.into_iter().all(|reply| reply.unwrap().is_ok()));
        assert!(requester.stats().is_consistent());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_three_responders_loses_no_call() {
    for endpoint in [own_address().to_string(), unique()] {
        let endpoint = endpoint.as_str();
        let mut instances: Vec<_> = (0..3)
            .map(|number| {
                let endpoint = match endpoint.strip_suffix('*') {
                    Some(_) => endpoint.to_owned(),
                    None => format!("{endpoint}-{number}"),
                };
                Instance::start(endpoint.parse().unwrap())
            })
            .collect();
        let client = Client::builder().reconnect_interval(Some(Duration::from_millis(1))).build();
        for instance in &instances {
            client.connect(instance.endpoint.clone()).await.unwrap();
        }
        let requester = Requester::new(client);
        until_connected(&requester, 3).await;
        let is_over = Arc::new(AtomicBool::new(false));
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (requester, is_over) = (requester.clone(), Arc::clone(&is_over));
                tokio::spawn(async move {
                    let mut calls = 0;
                    while !is_over.load(Ordering::Relaxed) {
                        let body = format!("{calls} of {caller}");
                        assert_eq!(requester.call(body.clone()).await, Ok(body.into()));
                        calls += 1;
                    }
                    calls
                })
            })
            .collect();
        for _ in 0..3 {
            let old = instances.remove(0);
            old.works().await;
            let endpoint = old.endpoint.clone();
            old.stop().await;
            let new = Instance::start(endpoint);
            new.works().await;
            instances.push(new);
        }
        is_over.store(true, Ordering::Relaxed);
        let mut calls = 0;
        for caller in callers {
            calls += caller.await.unwrap();
        }
        let stats = requester.stats();
        assert_eq!((stats.sent, stats.answered), (calls, calls));
        assert!(stats.is_consistent());
        for instance in instances {
            instance.stop().await;
        }
    }
}

/// A responder whose handlers wait until they are released, and then echo their requests.
struct Held {
    responder: Responder,
    serving: JoinHandle<()>,
    stop: Arc<Notify>,
    release: Arc<Semaphore>,
}

impl Held {
    async fn start(endpoint: &str) -> Self {
        let responder = Responder::new(Server::builder().bind(endpoint).await.unwrap());
        let (stop, release) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
        let released = Arc::clone(&release);
        let service = service_fn(move |request: Request| {
            let released = Arc::clone(&released);
            async move {
                released.acquire().await.unwrap().forget();
                Ok::<_, Failure>(request.into_body())
            }
        });
        let stopped = Arc::clone(&stop);
        let signal = async move { stopped.notified().await };
        let serving = tokio::spawn(responder.serve_with_shutdown(service, signal));
        Self { responder, serving, stop, release }
    }

    async fn client(&self) -> Client {
        let client =
            Client::builder().connect(self.responder.server().last_endpoint().unwrap()).await;
        let client = client.unwrap();
        client.remotes().connected().await.unwrap();
        client
    }
}

/// A responder with its own runtime, whose requests take some time.
struct Instance {
    endpoint: Endpoint,
    responder: Responder,
    stop: Arc<Notify>,
    thread: thread::JoinHandle<()>,
}

impl Instance {
    fn start(endpoint: Endpoint) -> Self {
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        let (tx, rx) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let responder = Responder::new(Server::builder().bind(endpoint).await.unwrap());
                tx.send(responder.clone()).unwrap();
                let service = service_fn(|request: Request| async {
                    time::sleep(Duration::from_millis(1)).await;
                    Ok::<_, Failure>(request.into_body())
                });
                responder.serve_with_shutdown(service, stopped.notified_owned()).await;
            });
        });
        let responder: Responder = rx.recv().unwrap();
        let endpoint = responder.server().last_endpoint().unwrap();
        Self { endpoint, responder, stop, thread }
    }

    /// Waits until the responder has answered some requests.
    async fn works(&self) {
        let answered = self.responder.stats().answered;
        until_there(&self.responder, |stats| stats.answered > answered + 100).await;
    }

    /// Shuts the responder down as an orchestrator does, and waits until it has ended.
    async fn stop(self) {
        self.stop.notify_one();
        let ended = task::spawn_blocking(|| self.thread.join());
        ended.await.unwrap().unwrap();
        let stats = self.responder.stats();
        assert_eq!((stats.answered, stats.shutting_down), (stats.received, 0));
    }
}

const CALLERS: usize = 16;
