//! Host names: how and when they are resolved, and the connections to their addresses.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{self, Instant};
use tokio_zmtp::monitor::{DropCause, EventKind};
use tokio_zmtp::{Builder, Client, ConnectError, DisconnectError, Resolver, Server, TrySendError};

use crate::remote::{RemoteListener, ReservedPort};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_resolver_replaces_that_of_the_system() {
    let _watchdog = Watchdog::start();
    let names = Script::default();
    names.answer_with(&["tcp://127.0.0.1:*"]);
    let server = Server::builder().resolver(names.clone()).bind("tcp://Here.test:*").await.unwrap();
    names.answer_with_endpoints_of(&[&server]);
    let builder = Client::builder().resolver(names.clone());
    let client = builder.connect("tcp://there.test:7").await.unwrap();
    client.send("x").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "x");
    assert_eq!(names.questions(), ["here.test:0", "there.test:7"]);
}

#[tokio::test]
async fn a_name_is_resolved_at_every_attempt() {
    let _watchdog = Watchdog::start();
    let names = Script::default();
    let unbound = ReservedPort::reserve();
    names.answer_with(&[&unbound.endpoint().to_string()]);
    let client = quick(&names).connect("tcp://moving.test:7").await.unwrap();
    client.send("x").await.unwrap();
    names.asked(2).await;
    let server = Server::new();
    server.bind("tcp://127.0.0.1:*").await.unwrap();
    names.answer_with_endpoints_of(&[&server]);
    assert_eq!(server.recv().await.unwrap(), "x");
}

#[tokio::test]
async fn every_address_of_a_name_has_a_connection_and_a_queue() {
    let _watchdog = Watchdog::start();
    let names = Script::default();
    let servers = [serve().await, serve().await, serve().await];
    names.answer_with_endpoints_of(&[&servers[0], &servers[1], &servers[2], &servers[0]]);
    let client = quick(&names).connect_all("tcp://all.test:7").await.unwrap();
    assert_eq!(client.last_endpoint(), Some("tcp://all.test:7".parse().unwrap()));
    connected(&client, 3).await;
    for body in ["a", "b", "c"] {
        client.send(body).await.unwrap();
    }
    for server in &servers {
        server.recv().await.unwrap();
    }
    let mut endpoints: Vec<_> =
        client.remotes().list().iter().map(|one| one.endpoint().clone()).collect();
    for server in servers {
        let at = endpoints.iter().position(|one| Some(one) == server.last_endpoint().as_ref());
        endpoints.remove(at.unwrap());
    }
    assert!(endpoints.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_added_address_is_dialed_when_the_interval_ends() {
    let _watchdog = Watchdog::start();
    let names = Script::default();
    let (first, second) = (serve().await, serve().await);
    names.answer_with_endpoints_of(&[&first]);
    let interval = Duration::from_secs(100);
    let start = Instant::now();
    let builder = patient(&names).resolve_interval(interval);
    let client = builder.connect_all("tcp://growing.test:7").await.unwrap();
    connected(&client, 1).await;
    names.answer_with_endpoints_of(&[&first, &second]);
    connected(&client, 2).await;
    assert!(start.elapsed() >= interval);
    assert_eq!(names.questions().len(), 1 + (start.elapsed().as_secs() / 100) as usize);
}

#[tokio::test(start_paused = true)]
async fn a_removed_address_is_disconnected_after_its_queue_is_written() {
    let _watchdog = Watchdog::start();
    let names = Script::default();
    let staying = serve().await;
    let going = RemoteListener::bind();
    let (stays, goes) = (staying.last_endpoint().unwrap(), going.endpoint());
    names.answer_with(&[&stays.to_string(), &goes.to_string()]);
    let client = patient(&names).connect_all("tcp://shrinking.test:7").await.unwrap();
    let mut remote = going.accept_as("SERVER").await;
    connected(&client, 2).await;
    for body in ["a", "b"] {
        client.send(body).await.unwrap();
    }
    names.answer_with_endpoints_of(&[&staying]);
    remote.read_message().await;
    assert_eq!(remote.read_to_end().await, b"");
    staying.recv().await.unwrap();
    connected(&client, 1).await;
    for body in ["c", "d"] {
        client.send(body).await.unwrap();
        assert_eq!(staying.recv().await.unwrap(), body);
    }
    drop(remote);
    client.close().await;
    assert_eq!(going.backlog(), 0);
}

#[tokio::test(start_paused = true)]
async fn messages_that_no_address_accepts_are_undelivered_after_linger() {
    let _watchdog = Watchdog::start();
    let names = Script::default();
    let unbound = ReservedPort::reserve();
    names.answer_with(&[&unbound.endpoint().to_string()]);
    let linger = Duration::from_secs(50);
    let client = patient(&names).linger(linger).connect_all("tcp://dead.test:7").await.unwrap();
    names.asked(1).await;
    client.send("x").await.unwrap();
    let mut monitor = client.monitor();
    let start = Instant::now();
    names.answer_with(&[]);
    loop {
        let event = monitor.recv().await.unwrap().unwrap();
        if let EventKind::MessagesDropped { messages, cause } = event.kind {
            assert_eq!((messages, cause), (1, DropCause::Undelivered));
            break;
        }
    }
    assert!(start.elapsed() >= linger);
}

#[tokio::test]
async fn a_server_follows_a_name_and_reports_removed_addresses() {
    let _watchdog = Watchdog::start();
    let names = Script::default();
    let clients = [
        Client::builder().bind("tcp://127.0.0.1:*").await,
        Client::builder().bind("tcp://127.0.0.1:*").await,
    ];
    let clients = clients.map(Result::unwrap);
    let endpoints = clients.each_ref().map(|client| client.last_endpoint().unwrap().to_string());
    names.answer_with(&[&endpoints[0], &endpoints[1]]);
    let builder = Server::builder().immediate(true).resolver(names.clone());
    let server = builder.connect_all("tcp://clients.test:7").await.unwrap();
    for client in &clients {
        client.send("request").await.unwrap();
        let request = server.recv().await.unwrap();
        server.reply(&request, "reply").await.unwrap();
        assert_eq!(client.recv().await.unwrap(), "reply");
    }

    let mut monitor = server.monitor();
    server.disconnect("tcp://clients.test:7").await.unwrap();
    let mut closed = Vec::new();
    while closed.len() < 3 {
        let event = monitor.recv().await.unwrap().unwrap();
        if matches!(event.kind, EventKind::Closed) {
            closed.push(event.endpoint.to_string());
        }
    }
    closed.sort();
    let mut expected = vec![endpoints[0].clone(), endpoints[1].clone()];
    expected.push("tcp://clients.test:7".to_owned());
    expected.sort();
    assert_eq!(closed, expected);
}

#[tokio::test(start_paused = true)]
async fn a_name_is_resolved_again_when_a_connection_ends() {
    let _watchdog = Watchdog::start();
    let names = Script::default();
    let (old, new) = (serve().await, serve().await);
    names.answer_with_endpoints_of(&[&old]);
    let builder = patient(&names).resolve_interval(None);
    let client = builder.connect_all("tcp://replaced.test:7").await.unwrap();
    connected(&client, 1).await;
    assert_eq!(names.questions().len(), 1);
    names.answer_with_endpoints_of(&[&new]);
    old.close().await;
    names.asked(2).await;
    client.send("x").await.unwrap();
    assert_eq!(new.recv().await.unwrap(), "x");
}

#[tokio::test(start_paused = true)]
async fn a_name_without_addresses_has_no_connections() {
    let _watchdog = Watchdog::start();
    let names = Script::default();
    let server = serve().await;
    names.answer_with_endpoints_of(&[&server]);
    let client = patient(&names).connect_all("tcp://empty.test:7").await.unwrap();
    connected(&client, 1).await;
    names.answer_with(&[]);
    connected(&client, 0).await;
    names.answer_with_endpoints_of(&[&server]);
    connected(&client, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_name_that_cannot_be_resolved_keeps_its_addresses() {
    let _watchdog = Watchdog::start();
    let names = Script::default();
    let server = serve().await;
    names.answer_with_endpoints_of(&[&server]);
    let client = patient(&names).connect_all("tcp://unsure.test:7").await.unwrap();
    connected(&client, 1).await;
    let mut monitor = client.monitor();
    names.fail();
    for _ in 0..2 {
        loop {
            let event = monitor.recv().await.unwrap().unwrap();
            if matches!(event.kind, EventKind::ConnectFailed { .. }) {
                assert_eq!(event.endpoint.to_string(), "tcp://unsure.test:7");
                break;
            }
        }
    }
    client.send("x").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "x");
    assert_eq!(client.remotes().list().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn disconnecting_a_name_disconnects_all_its_addresses() {
    let _watchdog = Watchdog::start();
    let names = Script::default();
    let (first, second) = (serve().await, serve().await);
    names.answer_with_endpoints_of(&[&first, &second]);
    let client = patient(&names).connect_all("tcp://left.test:7").await.unwrap();
    connected(&client, 2).await;

    client.disconnect("tcp://left.test:7").await.unwrap();

    assert!(matches!(client.try_send("x"), Err(TrySendError::Full(_))));
    connected(&client, 0).await;
    let error = client.disconnect("tcp://left.test:7").await.unwrap_err();
    assert!(matches!(error, DisconnectError::NotConnected { .. }));
    let questions = names.questions().len();
    time::sleep(Duration::from_secs(1_000)).await;
    assert_eq!(names.questions().len(), questions);
}

#[tokio::test]
async fn a_name_can_be_disconnected_before_it_resolves() {
    let _watchdog = Watchdog::start();
    let names = Script::default();
    names.fail();
    let client = quick(&names).connect_all("tcp://unknown.test:7").await.unwrap();
    names.asked(2).await;
    client.disconnect("tcp://unknown.test:7").await.unwrap();
}

#[tokio::test]
async fn an_address_is_not_resolved() {
    let _watchdog = Watchdog::start();
    let names = Script::default();
    let server = serve().await;
    let endpoint = server.last_endpoint().unwrap();
    let client = quick(&names).connect_all(endpoint.clone()).await.unwrap();
    client.send("x").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "x");
    assert!(names.questions().is_empty());
    client.disconnect(endpoint).await.unwrap();
    let error = client.connect_all("tcp://*:7").await.unwrap_err();
    assert!(matches!(error, ConnectError::Endpoint(_)));
}

#[cfg(feature = "serde")]
#[tokio::test]
async fn a_config_file_can_connect_to_all_addresses_of_a_name() {
    use tokio_zmtp::Endpoint;
    use tokio_zmtp::config::ClientConfig;

    let _watchdog = Watchdog::start();
    let server = Server::new();
    let Endpoint::Tcp(tcp) = server.bind("tcp://127.0.0.1:*").await.unwrap() else {
        panic!("not a tcp endpoint")
    };
    let config = format!("connect_all = 'tcp://localhost:{}'", tcp.port());
    let config: ClientConfig = toml::from_str(&config).unwrap();
    let client = config.start().await.unwrap();
    client.remotes().connected().await.unwrap();
    client.send("x").await.unwrap();
    assert_eq!(client.remotes().list()[0].endpoint(), &Endpoint::Tcp(tcp));
}

/// A resolver that returns the same answer for every name.
#[derive(Clone)]
struct Script {
    answer: Arc<Mutex<Option<Vec<SocketAddr>>>>,
    questions: watch::Sender<Vec<String>>,
}

impl Default for Script {
    fn default() -> Self {
        Self { answer: Arc::default(), questions: watch::Sender::new(Vec::new()) }
    }
}

impl Script {
    fn answer_with(&self, endpoints: &[&str]) {
        let address = |endpoint: &&str| {
            let address = endpoint.strip_prefix("tcp://").unwrap().replace('*', "0");
            address.parse().unwrap()
        };
        *self.answer.lock().unwrap() = Some(endpoints.iter().map(address).collect());
    }

    fn answer_with_endpoints_of(&self, servers: &[&Server]) {
        let endpoints: Vec<_> =
            servers.iter().map(|server| server.last_endpoint().unwrap().to_string()).collect();
        self.answer_with(&endpoints.iter().map(String::as_str).collect::<Vec<_>>());
    }

    fn fail(&self) {
        *self.answer.lock().unwrap() = None;
    }

    fn questions(&self) -> Vec<String> {
        self.questions.borrow().clone()
    }

    /// Waits until the resolver was called `questions` times.
    async fn asked(&self, questions: usize) {
        let mut asked = self.questions.subscribe();
        asked.wait_for(|asked| asked.len() >= questions).await.unwrap();
    }
}

impl Resolver for Script {
    fn resolve<'a>(
        &'a self,
        name: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        Box::pin(async move {
            self.questions.send_modify(|questions| questions.push(format!("{name}:{port}")));
            let answer = self.answer.lock().unwrap().clone();
            answer.ok_or_else(|| io::Error::other("the name cannot be resolved"))
        })
    }
}

async fn serve() -> Server {
    let builder = Server::builder().handshake_interval(None).linger(None);
    builder.bind("tcp://127.0.0.1:*").await.unwrap()
}

fn quick(names: &Script) -> Builder<Client> {
    Client::builder().resolver(names.clone()).reconnect_interval(Duration::from_millis(1))
}

/// Returns options without time limits: a paused clock advances while the system still works, and
/// would exceed them.
fn patient(names: &Script) -> Builder<Client> {
    let builder = Client::builder().resolver(names.clone());
    builder.connect_timeout(None).handshake_interval(None).linger(None)
}

/// Waits until `remotes` remotes are connected.
async fn connected(client: &Client, remotes: usize) {
    let mut monitor = client.monitor();
    while client.remotes().list().len() != remotes {
        monitor.recv().await.unwrap().unwrap();
    }
}
