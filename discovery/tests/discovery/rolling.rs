//! Servers that are replaced one by one under load.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use support::watchdog::Watchdog;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_zmtp::rpc::{Failure, Request, Requester, Responder, service_fn};
use tokio_zmtp::{Client, Endpoint, Server};
use tokio_zmtp_discovery::connect_all;

use crate::dns::frequent;
use crate::name_server::NameServer;

const SERVERS: usize = 10;
const CALLERS: usize = 8;

#[tokio::test]
async fn no_call_is_lost_while_ten_servers_are_replaced_one_by_one() {
    let _watchdog = Watchdog::start();
    let mut old = Vec::new();
    for _ in 0..SERVERS {
        old.push(Instance::start().await);
    }
    let mut new: Vec<Instance> = Vec::new();
    let records = records(&old, &new);
    let Some(mut name_server) = NameServer::start("rolling", &records).await else { return };
    let client = Client::builder().resolver(name_server.dns()).build();
    let services = frequent(name_server.dns().srv("_calls._tcp.example.test"));
    let discovery = connect_all(&client, services);
    let requester = Requester::new(client.clone());

    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| tokio::spawn(call(requester.clone(), caller, Arc::clone(&stop))))
        .collect();
    for instance in &mut old {
        instance.until_called().await;
    }

    let mut answered = 0;
    for step in 0..SERVERS {
        let mut added = Instance::start().await;
        let endpoint = added.endpoint();
        new.push(added);
        name_server.replace(&self::records(&old, &new)).await;
        // A lookup that has begun before, and the next one: a lookup follows another after at most a
        // second, if `interval` or the TTL is a second.
        let before = discovery.state().updates;
        let found = |state: &tokio_zmtp_discovery::State| {
            state.endpoints.contains(&endpoint) || state.updates > before + 2
        };
        let state = discovery.wait_for(found).await.unwrap();
        assert!(state.endpoints.contains(&endpoint), "{state:?}");
        added = new.pop().unwrap();
        added.until_called().await;
        new.push(added);

        let removed = old.remove(0);
        // The server ends before its record does, or after it.
        if step % 2 == 0 {
            name_server.replace(&self::records(&old, &new)).await;
            answered += removed.end().await;
        } else {
            answered += removed.end().await;
            name_server.replace(&self::records(&old, &new)).await;
        }
    }
    discovery
        .wait_for(|state| state.leaving.is_empty() && state.endpoints.len() == SERVERS)
        .await
        .unwrap();
    stop.store(true, Ordering::Relaxed);
    let mut calls = 0;
    for caller in callers {
        calls += caller.await.unwrap();
    }
    for instance in new {
        answered += instance.end().await;
    }
    assert!(calls > 0);
    assert_eq!(answered, calls);
}

/// Makes calls until it is stopped, and returns their number. Each must be answered.
async fn call(requester: Requester, caller: usize, stop: Arc<AtomicBool>) -> u64 {
    let mut calls = 0;
    while !stop.load(Ordering::Relaxed) {
        let body = format!("{caller}:{calls}");
        let reply = requester.call(body.clone()).await;
        assert_eq!(reply.unwrap(), body.as_str());
        calls += 1;
    }
    calls
}

/// A server that echoes requests.
struct Instance {
    port: u16,
    calls: watch::Receiver<u64>,
    answered: Arc<AtomicU64>,
    end: Arc<Notify>,
    serving: JoinHandle<()>,
}

impl Instance {
    async fn start() -> Self {
        let server = Server::new();
        let Endpoint::Tcp(bound) = server.bind("tcp://127.0.0.1:*").await.unwrap() else {
            panic!("the endpoint is not TCP")
        };
        let (called, calls) = watch::channel(0);
        let end = Arc::new(Notify::new());
        let answered = Arc::<AtomicU64>::default();
        let ended = Arc::clone(&end).notified_owned();
        let responder = Responder::new(server.clone());
        let counted = Arc::clone(&answered);
        let serving = tokio::spawn(async move {
            let echo = service_fn(move |request: Request| {
                called.send_modify(|calls| *calls += 1);
                let body = request.into_body();
                async move {
                    // Other requests arrive meanwhile.
                    tokio::task::yield_now().await;
                    Ok::<_, Failure>(body)
                }
            });
            responder.serve_with_shutdown(echo, ended).await;
            counted.store(responder.stats().answered, Ordering::Relaxed);
            assert_eq!(server.close().await.undelivered, 0);
        });
        Self { port: bound.port(), calls, answered, end, serving }
    }

    /// Returns the endpoint that its record names.
    fn endpoint(&self) -> Endpoint {
        format!("tcp://host.example.test:{}", self.port).parse().unwrap()
    }

    async fn until_called(&mut self) {
        self.calls.wait_for(|calls| *calls > 0).await.unwrap();
    }

    /// Drains and ends the server. Returns the number of requests that it has answered.
    async fn end(self) -> u64 {
        self.end.notify_one();
        self.serving.await.unwrap();
        self.answered.load(Ordering::Relaxed)
    }
}

fn records(old: &[Instance], new: &[Instance]) -> String {
    let mut records = "host A 127.0.0.1\n".to_owned();
    for instance in old.iter().chain(new) {
        writeln!(records, "_calls._tcp SRV 0 0 {} host", instance.port).unwrap();
    }
    records
}
