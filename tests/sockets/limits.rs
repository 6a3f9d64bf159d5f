//! Every option at its limits, over every transport: it works, or an error names the option.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use futures::future::join_all;
use tokio_zmtp::monitor::{DisconnectReason, EventKind, Monitor};
use tokio_zmtp::{
    Builder, Client, ConnectError, Endpoint, Mechanism, Message, ReconnectStop, Resolver, Server,
};

#[cfg(feature = "socks")]
use crate::socks::Proxy;
use crate::transports::Transport;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn every_option_works_at_its_limits_or_an_error_names_it() {
    let _watchdog = Watchdog::start();
    let mut failures = String::new();
    for row in rows() {
        let cases = PATHS.iter().flat_map(|path| [(*path, Side::Client), (*path, Side::Server)]);
        let row = &row;
        let outcomes = cases.map(|(path, side)| async move {
            (path, side, row.check(path, try_out(row, path, side).await))
        });
        for (path, side, outcome) in join_all(outcomes).await {
            if let Err(error) = outcome {
                let Row { option, value, .. } = row;
                writeln!(failures, "{option}({value}) of the {side:?} over {path:?}: {error}")
                    .unwrap();
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

#[test]
fn every_option_is_in_the_table() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/socket");
    let files = fs::read_dir(source.join("builder")).unwrap().map(|entry| entry.unwrap().path());
    let mut setters = BTreeSet::new();
    // The setters of notices belong to some types only.
    for file in files.chain([source.join("verbs/notices.rs")]) {
        let text = fs::read_to_string(file).unwrap();
        for function in text.split("pub fn ").skip(1) {
            let head = function.split_once(')').unwrap().0;
            if head.contains("mut self") {
                let end = head.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap();
                setters.insert(head[..end].to_owned());
            }
        }
    }
    // These options have no limits. The setter of `metadata` checks its own.
    for other in ["authenticator", "metadata", "resolver", "socks_proxy"] {
        assert!(setters.remove(other), "{other}");
    }
    let table: BTreeSet<_> = rows().iter().map(|row| row.option.to_owned()).collect();
    assert_eq!(table, setters);
}

#[tokio::test]
async fn every_setter_of_a_live_socket_works_at_its_limits() {
    let _watchdog = Watchdog::start();
    type Setters = &'static [(&'static str, fn(&Client), fn(&Server))];
    macro_rules! setters {
        ($($setter:ident: $($value:expr),+;)+) => {
            &[$($((
                stringify!($setter),
                |client| client.$setter($value),
                |server| server.$setter($value),
            ),)+)+]
        };
    }
    let setters: Setters = setters! {
        set_ended_hwm_bytes: 0, 1, usize::MAX;
        set_linger: None, ZERO, LEAST, MAX;
        set_recv_hwm: 0, 1, usize::MAX;
        set_recv_hwm_bytes: 0, 1, usize::MAX;
        set_send_hwm: 0, 1, usize::MAX;
        set_send_hwm_bytes: 0, 1, usize::MAX;
    };
    let table: BTreeSet<_> = setters.iter().map(|(name, ..)| (*name).to_owned()).collect();
    let is_setter = |name: &str, _: &str| name.starts_with("set_");
    assert_eq!(table, functions("src/socket/bounds.rs", is_setter));

    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let client = Client::new();
    client.connect(endpoint).await.unwrap();
    for (_, of_client, of_server) in setters {
        of_client(&client);
        of_server(&server);
        for _ in 0..3 {
            client.send("request").await.unwrap();
            let request = server.recv().await.unwrap();
            server.reply(&request, "reply").await.unwrap();
            client.recv().await.unwrap();
        }
    }
    futures::join!(client.close(), server.close());
}

#[tokio::test]
async fn every_limit_of_one_call_works_at_its_limits() {
    let _watchdog = Watchdog::start();
    let takes_limit = |_: &str, head: &str| {
        head.contains("timeout: ") && head.contains("Duration") || head.contains("limit: usize")
    };
    let mut methods = functions("src/socket/verbs/receive.rs", takes_limit);
    methods.extend(functions("src/socket/verbs/route.rs", takes_limit));
    methods.extend(functions("src/socket/verbs/send.rs", takes_limit));
    methods.extend(functions("src/socket/remotes.rs", takes_limit));
    let tried = [
        "connected_timeout",
        "recv_many",
        "recv_timeout",
        "reply_timeout",
        "route_timeout",
        "send_timeout",
    ];
    assert_eq!(methods, tried.map(str::to_owned).into());

    for timeout in [ZERO, LEAST, MAX] {
        let server = Server::builder().send_hwm(1).bind("tcp://127.0.0.1:*").await.unwrap();
        let client = Client::builder().build();
        if timeout < MAX {
            client.remotes().connected_timeout(timeout).await.unwrap_err();
            client.send_timeout("x", timeout).await.unwrap_err();
            client.recv_timeout(timeout).await.unwrap_err();
        }
        client.connect(server.last_endpoint().unwrap()).await.unwrap();
        client.remotes().connected_timeout(MAX).await.unwrap();
        client.remotes().connected_timeout(timeout).await.unwrap();
        client.send_timeout("request", timeout).await.unwrap();
        let id = server.recv_timeout(MAX).await.unwrap().routing_id().unwrap();
        {
            let _slot = server.reserve_route(id).await.unwrap();
            if timeout < MAX {
                server.route_timeout(id, "reply", timeout).await.unwrap_err();
                let request = Message::from("x").with_routing_id(id);
                server.reply_timeout(&request, "reply", timeout).await.unwrap_err();
            }
        }
        server.route_timeout(id, "reply", timeout).await.unwrap();
        client.recv_timeout(MAX).await.unwrap();

        let mut buffer = Vec::new();
        assert_eq!(client.recv_many(&mut buffer, 0).await, Ok(0));
        for limit in [1, usize::MAX] {
            server.route_timeout(id, "reply", MAX).await.unwrap();
            assert_eq!(client.recv_many(&mut buffer, limit).await, Ok(1));
        }
    }
}

/// One value of one option.
struct Row {
    option: &'static str,
    value: &'static str,
    expected: Expected,
    client: fn(Builder<Client>) -> Builder<Client>,
    server: fn(Builder<Server>) -> Builder<Server>,
}

/// The expected result of a value.
#[derive(Clone, Copy, Debug)]
enum Expected {
    Works,
    /// The value disables reconnecting.
    WorksOnce,
    /// The system refuses the value when it is applied, and the error contains this name.
    Refused(&'static str),
    /// The value is refused, or works, depending on the system and on the privileges of the
    /// process.
    MayBeRefused(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// The path between the sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConnectionPath {
    Plain(Transport),
    /// A port at which another socket also serves a resource.
    Resource,
    /// A name whose addresses are monitored.
    Name,
    /// A proxy.
    #[cfg(feature = "socks")]
    Proxy,
}

const PATHS: &[ConnectionPath] = &[
    ConnectionPath::Plain(Transport::Inproc),
    #[cfg(unix)]
    ConnectionPath::Plain(Transport::Ipc),
    ConnectionPath::Plain(Transport::Tcp),
    ConnectionPath::Resource,
    ConnectionPath::Name,
    #[cfg(feature = "socks")]
    ConnectionPath::Proxy,
];

impl ConnectionPath {
    const fn is_tcp(self) -> bool {
        !matches!(self, Self::Plain(Transport::Inproc)) && !self.is_ipc()
    }

    const fn is_ipc(self) -> bool {
        #[cfg(unix)]
        return matches!(self, Self::Plain(Transport::Ipc));
        #[cfg(not(unix))]
        return false;
    }
}

impl Row {
    fn check(&self, path: ConnectionPath, outcome: Result<(), String>) -> Result<(), String> {
        let is_named = |name: &str, error: &str| error.contains(name);
        match (self.expected, outcome) {
            (Expected::Works | Expected::WorksOnce | Expected::MayBeRefused(_), Ok(())) => Ok(()),
            (Expected::Refused(_), Ok(())) if !path.is_tcp() => Ok(()),
            (Expected::Refused(_), Ok(())) => Err("the value was not refused".to_owned()),
            (Expected::Refused(name) | Expected::MayBeRefused(name), Err(error))
                if is_named(name, &error) =>
            {
                Ok(())
            }
            (_, Err(error)) => Err(error),
        }
    }
}

/// Runs sockets with a value. Returns the error that they report, if any.
async fn try_out(row: &Row, path: ConnectionPath, side: Side) -> Result<(), String> {
    let resolver = Fixed(Ipv4Addr::LOCALHOST);
    let quick = Duration::from_millis(1);
    let mut server = Server::builder();
    let mut client = Client::builder().reconnect_interval(quick).resolver(resolver);
    match side {
        Side::Client => client = (row.client)(client),
        Side::Server => server = (row.server)(server),
    }
    let endpoint = match path {
        ConnectionPath::Plain(transport) => transport.any(),
        ConnectionPath::Resource => "tcp://127.0.0.1:*/limits".parse().unwrap(),
        // The resolver returns this address.
        _ => "tcp://127.0.0.1:*".parse().unwrap(),
    };
    let server = server.bind(endpoint).await.map_err(|error| chain(&error))?;
    let mut seen_by_server = server.monitor();
    let endpoint = server.last_endpoint().unwrap();
    #[cfg(feature = "socks")]
    let proxy = Proxy::start(None).await;
    #[cfg(feature = "socks")]
    if path == ConnectionPath::Proxy {
        client = client.socks_proxy(proxy.open());
    }
    let client = client.build();
    let mut monitor = client.monitor();
    let connected = connect(&client, path, endpoint).await;
    connected.map_err(|error| chain(&error))?;
    let outcome = exchange(row, &client, &server, &mut monitor).await;
    match row.expected {
        // The client sees at most the end of the connection, and not the error of the server.
        Expected::MayBeRefused(name)
            if side == Side::Server
                && outcome.as_ref().is_err_and(|error| !error.contains(name)) =>
        {
            loop {
                let reported = match seen_by_server.recv().await.unwrap().map(|event| event.kind) {
                    Ok(EventKind::Disconnected { reason }) => chain(&reason),
                    Ok(EventKind::HandshakeFailed { reason }) => chain(&reason),
                    _ => continue,
                };
                if reported.contains(name) {
                    return Err(reported);
                }
            }
        }
        _ => outcome,
    }
}

/// Exchanges messages, ends the connection, and exchanges messages again.
async fn exchange(
    row: &Row,
    client: &Client,
    server: &Server,
    monitor: &mut Monitor,
) -> Result<(), String> {
    round_trip(client, server, monitor).await?;
    if matches!(row.expected, Expected::Works | Expected::MayBeRefused(_)) {
        for remote in server.remotes().list() {
            server.remotes().disconnect(remote.connection_id());
        }
        until_disconnected(monitor).await?;
        round_trip(client, server, monitor).await?;
    }
    // The other end limits the time of closing, regardless of the value.
    futures::join!(client.close(), server.close());
    Ok(())
}

async fn connect(
    client: &Client,
    path: ConnectionPath,
    endpoint: Endpoint,
) -> Result<(), ConnectError> {
    match (path, endpoint) {
        (ConnectionPath::Name, Endpoint::Tcp(tcp)) => {
            client.connect_all(format!("tcp://name.test:{}", tcp.port())).await
        }
        (_, endpoint) => client.connect(endpoint).await,
    }
}

/// Waits for a connection, and sends an empty message each way: others may exceed the value.
async fn round_trip(client: &Client, server: &Server, monitor: &mut Monitor) -> Result<(), String> {
    loop {
        match monitor.recv().await.unwrap().unwrap().kind {
            EventKind::HandshakeSucceeded => break,
            EventKind::ConnectFailed { reason } => return Err(chain(&reason)),
            EventKind::HandshakeFailed { reason } => return Err(chain(&reason)),
            _ => {}
        }
    }
    let exchange = async {
        client.send_timeout("", LONG).await.unwrap();
        let request = server.recv_timeout(LONG).await.unwrap();
        // The notice may concern a remote that has disconnected.
        if server.route_timeout(request.routing_id().unwrap(), "", LONG).await.is_err() {
            let request = server.recv_timeout(LONG).await.unwrap();
            server.route_timeout(request.routing_id().unwrap(), "", LONG).await.unwrap();
        }
        client.recv_timeout(LONG).await.unwrap();
    };
    tokio::select! {
        () = exchange => Ok(()),
        failure = failure(monitor) => Err(failure),
    }
}

/// Waits until the other end has closed the connection.
async fn until_disconnected(monitor: &mut Monitor) -> Result<(), String> {
    loop {
        match monitor.recv().await.unwrap().unwrap().kind {
            EventKind::Disconnected { reason: DisconnectReason::ClosedByRemote } => return Ok(()),
            EventKind::Disconnected { reason } => return Err(chain(&reason)),
            _ => {}
        }
    }
}

/// Waits until the connection has ended.
async fn failure(monitor: &mut Monitor) -> String {
    loop {
        if let EventKind::Disconnected { reason } = monitor.recv().await.unwrap().unwrap().kind {
            return chain(&reason);
        }
    }
}

/// Formats an error with all its sources.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        write!(text, ": {error}").unwrap();
        source = error.source();
    }
    text
}

macro_rules! rows {
    ($($option:ident: $($expected:ident $(($name:literal))?: $value:expr),+;)+) => {
        vec![$($(Row {
            option: stringify!($option),
            value: stringify!($value),
            expected: Expected::$expected$(($name))?,
            client: |builder| builder.$option($value),
            server: |builder| builder.$option($value),
        },)+)+]
    };
}

/// Returns the rows of all options, including those of a single socket type.
fn rows() -> Vec<Row> {
    let mut rows = rows_of_both();
    rows.push(Row {
        option: "disconnect_message",
        value: "\"\"",
        expected: Expected::Works,
        client: |builder| builder,
        server: |builder| builder.disconnect_message(""),
    });
    rows.push(Row {
        option: "hiccup_message",
        value: "\"\"",
        expected: Expected::Works,
        client: |builder| builder.hiccup_message(""),
        server: |builder| builder,
    });
    rows
}

#[rustfmt::skip]
fn rows_of_both() -> Vec<Row> {
    rows! {
        backlog: Works: 0, Works: 1, Works: u32::MAX;
        bind_to_device: Works: None, Works: "", Refused("SO_BINDTODEVICE"): LONG_NAME;
        connect_timeout: Works: None, Works: ZERO, MayBeRefused("no answer within 1ns"): LEAST, Works: MAX;
        domain: Works: "", Works: LONG_NAME;
        ended_hwm_bytes: Works: 0, Works: 1, Works: usize::MAX;
        handshake_interval: Works: None, Works: ZERO, MayBeRefused("handshake"): LEAST, Works: MAX;
        heartbeat_interval: Works: None, Works: ZERO, MayBeRefused("no sign of life"): LEAST, Works: MAX;
        heartbeat_timeout: Works: None, Works: ZERO, Works: LEAST, Works: MAX;
        heartbeat_ttl: Works: None, Works: ZERO, Works: LEAST, Works: MAX;
        hello_message: Works: "";
        immediate: Works: false, Works: true;
        ipc_group: Works: None, MayBeRefused("ipc_group"): 0, MayBeRefused("ipc_group"): u32::MAX;
        ipc_mode: Works: None, MayBeRefused("ermission"): 0, Works: 0o777, MayBeRefused("ipc_mode"): u32::MAX;
        ipc_proxy_protocol: Works: false;
        ipc_owner: Works: None, MayBeRefused("ipc_owner"): 0, MayBeRefused("ipc_owner"): u32::MAX;
        linger: Works: None, Works: ZERO, Works: LEAST, Works: MAX;
        max_half_open: Works: 0, Works: 1, Works: usize::MAX;
        max_half_open_per_address: Works: 0, Works: 1, Works: usize::MAX;
        max_message_size: Works: None, Works: 0, Works: 1, Works: u64::MAX;
        mechanism: Works: Mechanism::Null;
        priority: Works: None, Works: 0, MayBeRefused("SO_PRIORITY"): u32::MAX;
        proxy_protocol: Works: [], Works: [Ipv4Addr::BROADCAST].map(|address| IpAddr::from(address).into());
        reconnect_interval: WorksOnce: None, Works: ZERO, Works: LEAST, WorksOnce: MAX;
        reconnect_interval_max: Works: ZERO, Works: LEAST, Works: MAX;
        reconnect_stop: Works: [], WorksOnce: [ReconnectStop::AfterDisconnect];
        recv_buffer_size: Works: None, Works: 0, Works: 1, Works: u32::MAX;
        recv_hwm: Works: 0, Works: 1, Works: usize::MAX;
        recv_hwm_bytes: Works: 0, Works: 1, Works: usize::MAX;
        recv_timeout: Works: None, Works: ZERO, Works: LEAST, Works: MAX;
        resolve_interval: Works: None, Works: ZERO, Works: LEAST, Works: MAX;
        send_buffer_size: Works: None, Works: 0, Works: 1, Works: u32::MAX;
        send_hwm: Works: 0, Works: 1, Works: usize::MAX;
        send_hwm_bytes: Works: 0, Works: 1, Works: usize::MAX;
        send_timeout: Works: None, Works: ZERO, Works: LEAST, Works: MAX;
        source_address: Works: ([0, 0, 0, 0], 0), MayBeRefused("source"): ([255, 255, 255, 255], u16::MAX);
        tcp_keepalive: Works: None, Works: false, Works: true;
        tcp_keepalive_count: Works: None, Refused("SO_KEEPALIVE"): 0, Works: 1, Refused("SO_KEEPALIVE"): u32::MAX;
        tcp_keepalive_idle: Works: None, Refused("SO_KEEPALIVE"): ZERO, Works: LEAST, Refused("SO_KEEPALIVE"): MAX;
        tcp_keepalive_interval: Works: None, Refused("SO_KEEPALIVE"): ZERO, Works: LEAST, Refused("SO_KEEPALIVE"): MAX;
        tcp_max_retransmission_time: Works: None, Works: ZERO, Works: Duration::from_secs(1), Refused("TCP_USER_TIMEOUT"): MAX;
        type_of_service: Works: None, Works: 0, Works: u8::MAX;
    }
}

/// Returns the names of the functions of a file that match a predicate on name and arguments.
fn functions(file: &str, is_wanted: impl Fn(&str, &str) -> bool) -> BTreeSet<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let heads = code.split(" fn ").skip(1).filter_map(|function| {
        let (head, _) = function.split_once(')')?;
        let (name, arguments) = head.split_once(['<', '('])?;
        is_wanted(name, arguments).then(|| name.to_owned())
    });
    heads.collect()
}

/// A resolver with one address.
struct Fixed(Ipv4Addr);

impl Resolver for Fixed {
    fn resolve<'a>(
        &'a self,
        _name: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        Box::pin(async move { Ok(vec![(self.0, port).into()]) })
    }
}

const ZERO: Duration = Duration::ZERO;

const LEAST: Duration = Duration::from_nanos(1);

const MAX: Duration = Duration::MAX;

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(3_600);

/// Longer than the name of any network interface.
const LONG_NAME: &str = "a-name-of-more-than-fifteen-bytes";
