//! Every option has the builder's name as its key and reaches the socket.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use zmtp_proto::identity::Identity;

use super::topics::{PUB, XPUB};
use super::{read, refuse, shown};
use crate::auth::Mechanism;
use crate::config::{
    ChannelConfig, ClientConfig, DealerConfig, DishConfig, GatherConfig, PairConfig, PeerConfig,
    PullConfig, PushConfig, RadioConfig, RepConfig, ReqConfig, RouterConfig, ScatterConfig,
    ServerConfig, SocketConfig, XPubConfig,
};
#[cfg(feature = "ws")]
use crate::options::RequestHeaders;
use crate::options::{Balance, ReconnectStop, Undelivered, Unroutable};
use crate::socket::{
    Builder, Channel, Client, Dealer, Dish, Gather, Pair, Peer, Pull, Push, Radio, ReceivingSocket,
    Rep, Req, Router, Scatter, SendingSocket, Server, Socket,
};

#[test]
fn every_option_reaches_the_socket() {
    let every_option = every_option();
    let config: ClientConfig = read(&format!("{every_option}hiccup_message = \"hiccup\""));
    let expected =
        with_every_option(Client::builder()).hello_message("hello").hiccup_message("hiccup");
    assert_eq!(shown(&config.builder().unwrap()), shown(&expected));

    let config: ServerConfig = read(&format!("{every_option}disconnect_message = \"gone\""));
    let expected =
        with_every_option(Server::builder()).hello_message("hello").disconnect_message("gone");
    assert_eq!(shown(&config.builder().unwrap()), shown(&expected));

    let config: ChannelConfig = read(&every_option);
    let expected = with_every_option(Channel::builder()).hello_message("hello");
    assert_eq!(shown(&config.builder().unwrap()), shown(&expected));

    let config: PairConfig = read(&format!("{every_option}{PARTS}"));
    let expected = with_every_option(Pair::builder()).hello_message("hello");
    assert_eq!(shown(&config.builder().unwrap()), shown(&expected.max_message_parts(29)));

    let config: PeerConfig =
        read(&format!("{every_option}disconnect_message = \"gone\"\nhiccup_message = \"hiccup\""));
    let expected = with_every_option(Peer::builder()).hello_message("hello");
    let expected = expected.disconnect_message("gone").hiccup_message("hiccup");
    assert_eq!(shown(&config.builder().unwrap()), shown(&expected));

    let config: GatherConfig = read(&format!("{COMMON}{SOCKS_PROXY}{WEBSOCKETS}{RECEIVING}"));
    let expected = with_receiving_options(with_common_options(Gather::builder()));
    assert_eq!(shown(&config.builder().unwrap()), shown(&expected));

    let config: ScatterConfig = read(&format!("{COMMON}{SOCKS_PROXY}{WEBSOCKETS}{SENDING}"));
    let expected =
        with_sending_options(with_common_options(Scatter::builder())).hello_message("hello");
    assert_eq!(shown(&config.builder().unwrap()), shown(&expected));

    let config: PullConfig = read(&format!("{COMMON}{SOCKS_PROXY}{WEBSOCKETS}{RECEIVING}{PARTS}"));
    let expected = with_receiving_options(with_common_options(Pull::builder()));
    assert_eq!(shown(&config.builder().unwrap()), shown(&expected.max_message_parts(29)));

    let config: DealerConfig =
        read(&format!("{every_option}{PARTS}{DISTRIBUTION}{IDENTITY}hiccup_message = \"hiccup\""));
    let expected = with_every_option(Dealer::builder()).max_message_parts(29);
    let expected = expected.identity(identity(b"worker")).probe_router(true);
    let expected = expected.balance(Balance::ShortestQueue).undelivered(Undelivered::Redirect);
    let expected = expected.returned_hwm(30).returned_hwm_bytes(31);
    let expected = expected.hello_message("hello").hiccup_message("hiccup");
    assert_eq!(shown(&config.builder().unwrap()), shown(&expected));

    let every =
        every_option.replace("hello_message = 'hello'", "reply_on_drop = ['error', [0, 255]]");
    let config: RepConfig = read(&format!("{every}{PARTS}"));
    let expected = with_every_option(Rep::builder()).max_message_parts(29);
    let expected = expected.reply_on_drop([&b"error"[..], &[0, 255]]);
    assert_eq!(shown(&config.builder().unwrap()), shown(&expected));

    let config: RouterConfig =
        read(&format!("{every_option}{PARTS}{IDENTITY}{ROUTER}disconnect_message = \"gone\""));
    let expected = with_every_option(Router::builder()).max_message_parts(29);
    let expected = expected.identity(identity(b"worker")).probe_router(true);
    let expected = expected.handover(true).unroutable(Unroutable::Drop);
    let expected = expected.hello_message("hello").disconnect_message("gone");
    assert_eq!(shown(&config.builder().unwrap()), shown(&expected));
    assert_eq!(read::<RouterConfig>(&toml::to_string(&config).unwrap()), config);

    let config: PushConfig =
        read(&format!("{COMMON}{SOCKS_PROXY}{WEBSOCKETS}{SENDING}{DISTRIBUTION}"));
    let expected =
        with_sending_options(with_common_options(Push::builder())).hello_message("hello");
    let expected = expected.balance(Balance::ShortestQueue).undelivered(Undelivered::Redirect);
    let expected = expected.returned_hwm(30).returned_hwm_bytes(31);
    assert_eq!(shown(&config.builder().unwrap()), shown(&expected));
}

#[test]
fn the_options_of_groups_reach_the_socket() {
    let config: RadioConfig = read(RADIO);
    let expected = Radio::builder()
        .max_group_bytes(25)
        .max_group_bytes_per_remote(26)
        .max_groups_per_remote(27)
        .multicast_hops(28)
        .multicast_loop(false)
        .no_drop(true);
    assert_eq!(shown(&config.builder().unwrap()), shown(&expected));
    assert_eq!(read::<RadioConfig>(&toml::to_string(&config).unwrap()), config);

    let [weather, traffic] = ["weather", "traffic"].map(|name| name.parse().unwrap());
    let config: DishConfig = read("join = ['weather', 'traffic']");
    let expected = Dish::builder().join(&weather).join(&traffic);
    assert_eq!(shown(&config.builder().unwrap()), shown(&expected));
    assert_eq!(read::<DishConfig>(&toml::to_string(&config).unwrap()), config);
    assert_eq!(read::<DishConfig>("join = 'weather'").join, [weather]);

    let error = refuse::<DishConfig>("join = [\"a\\u0000b\"]");
    assert!(error.contains("NUL"), "{error}");
    let error = refuse::<SocketConfig>("type = 'radio'\nhello_message = 'x'");
    assert!(error.contains("`hello_message`: it is not an option of a radio"), "{error}");
    let error = refuse::<SocketConfig>("type = 'dish'\nmulticast_loop = false");
    assert!(error.contains("`multicast_loop`: it is not an option of a dish"), "{error}");
    let error = refuse::<RadioConfig>("multicast_hops = 256");
    assert!(error.contains("256"), "{error}");
}

#[test]
fn an_identity_is_text_or_bytes() {
    let config: DealerConfig = read("identity = [0, 255]");
    assert_eq!(config.identity, identity(b"\x00\xFF"));
    assert_eq!(read::<DealerConfig>(&toml::to_string(&config).unwrap()), config);
    let text = toml::to_string(&read::<DealerConfig>("identity = 'worker'")).unwrap();
    assert!(text.contains("identity = \"worker\""), "{text}");
    let error = refuse::<DealerConfig>(&format!("identity = '{}'", "x".repeat(256)));
    assert!(error.contains("an identity of 256 bytes exceeds the limit of 255"), "{error}");
    let error = refuse::<SocketConfig>(&format!("type = 'push'\n{IDENTITY}"));
    assert!(error.contains("`identity`: it is not an option of a push"), "{error}");
}

#[test]
fn the_options_of_requests_reach_the_socket() {
    let sending = SENDING.replace("hello_message = 'hello'", "");
    let config: ReqConfig =
        read(&format!("{COMMON}{SOCKS_PROXY}{WEBSOCKETS}{sending}{IDENTITY}{PARTS}{REQUESTS}"));
    let expected = with_sending_options(with_common_options(Req::builder()));
    let expected = expected
        .identity(identity(b"worker"))
        .probe_router(true)
        .max_message_parts(29)
        .attempt_timeout(Duration::from_secs(30))
        .attempts(31)
        .correlate(false)
        .request_timeout(Duration::from_secs(32));
    assert_eq!(shown(&config.builder().unwrap()), shown(&expected));
    assert_eq!(read::<ReqConfig>(&toml::to_string(&config).unwrap()), config);
    assert_eq!(read::<ReqConfig>("request_timeout = 'infinite'"), ReqConfig::default());
    let error = refuse::<SocketConfig>("type = 'req'\nrecv_hwm = 1");
    assert!(error.contains("`recv_hwm`: it is not an option of a req"), "{error}");
    let error = refuse::<SocketConfig>("type = 'dealer'\nattempts = 2");
    assert!(error.contains("`attempts`: it is not an option of a dealer"), "{error}");
}

#[test]
fn a_type_that_does_not_send_or_receive_refuses_the_options_for_it() {
    for option in RECEIVING.trim().lines() {
        let key = option.split_whitespace().next().unwrap();
        let error = refuse::<SocketConfig>(&format!("type = 'scatter'\n{option}"));
        assert!(error.contains(&format!("`{key}`: it is not an option of a scatter")), "{error}");
        let error = refuse::<SocketConfig>(&format!("type = 'push'\n{option}"));
        assert!(error.contains(&format!("`{key}`: it is not an option of a push")), "{error}");
    }
    for option in SENDING.trim().lines() {
        let key = option.split_whitespace().next().unwrap();
        let error = refuse::<SocketConfig>(&format!("type = 'gather'\n{option}"));
        assert!(error.contains(&format!("`{key}`: it is not an option of a gather")), "{error}");
        let error = refuse::<SocketConfig>(&format!("type = 'pull'\n{option}"));
        assert!(error.contains(&format!("`{key}`: it is not an option of a pull")), "{error}");
        let error = refuse::<SocketConfig>(&format!("type = 'sub'\n{option}"));
        assert!(error.contains(&format!("`{key}`: it is not an option of a sub")), "{error}");
    }
    for kind in ["client", "gather", "push"] {
        let error = refuse::<SocketConfig>(&format!("type = '{kind}'\n{PARTS}"));
        let expected = format!("`max_message_parts`: it is not an option of a {kind}");
        assert!(error.contains(&expected), "{error}");
    }
}

#[test]
fn every_setter_of_the_builder_has_a_key_that_is_tested() {
    let mut setters = setters();
    // A list of groups, which is tested with the groups of a RADIO.
    assert!(setters.remove("join"));
    // A list of topics, which is tested with those of a SUB.
    assert!(setters.remove("subscribe"));
    // Options of one kind of socket, those that data cannot describe, and those of TLS, which are
    // files.
    let others = [
        "audit",
        "authenticator",
        "hiccup_message",
        "disconnect_message",
        "resolver",
        "security_of",
        "tls_client",
        "tls_server",
    ];
    assert!(others.iter().all(|other| setters.remove(*other)));

    if cfg!(not(feature = "socks")) {
        assert!(setters.remove("socks_proxy"));
    }
    if cfg!(not(feature = "ws")) {
        assert!(setters.remove("websocket_headers") && setters.remove("websocket_origins"));
    }

    let given =
        format!("{}{RADIO}{PARTS}{DISTRIBUTION}{IDENTITY}{ROUTER}{REQUESTS}", every_option());
    let mut given: toml::Table = given.parse().unwrap();
    given.extend(PUB.parse::<toml::Table>().unwrap());
    given.extend(XPUB.parse::<toml::Table>().unwrap());
    assert_eq!(given.keys().cloned().collect::<BTreeSet<_>>(), setters);
    let mut default = toml::Table::try_from(ClientConfig::default()).unwrap();
    default.extend(toml::Table::try_from(RadioConfig::default()).unwrap());
    default.extend(toml::Table::try_from(XPubConfig::default()).unwrap());
    default.extend(toml::Table::try_from(DealerConfig::default()).unwrap());
    default.extend(toml::Table::try_from(ReqConfig::default()).unwrap());
    default.extend(toml::Table::try_from(RouterConfig::default()).unwrap());
    for (key, value) in given {
        assert_ne!(Some(&value), default.get(&key), "{key} is given its default");
    }
}

#[test]
fn every_time_is_read_and_written_at_its_limits() {
    let given: toml::Table = every_option().parse().unwrap();
    let is_time = |value: &toml::Value| {
        value.as_str().is_some_and(|text| humantime::parse_duration(text).is_ok())
    };
    let times: Vec<_> = given.iter().filter(|(_, value)| is_time(value)).collect();
    assert!(times.len() > 10, "{times:?}");
    for time in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        let text = humantime::format_duration(time);
        for (key, _) in &times {
            let config: ClientConfig = read(&format!("{key} = '{text}'"));
            let written = toml::Table::try_from(&config).unwrap();
            assert_eq!(written[*key].as_str(), Some(&*text.to_string()), "{key}");
            assert_eq!(read::<ClientConfig>(&written.to_string()), config);
            drop(config.builder().unwrap());
        }
    }
}

#[test]
fn every_mechanism_is_read_and_written() {
    let secret = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";
    let public = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
    let other = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
    for mechanism in [
        "'null'",
        "'plain_server'",
        "{ plain_client = { username = 'alice', password = 'swordfish' } }",
        &format!("{{ curve_server = {{ secret_key = '{secret}' }} }}"),
        &format!("{{ curve_client = {{ server_key = '{public}', secret_key = '{secret}' }} }}"),
        &format!(
            "{{ curve_client = {{ server_key = ['{public}', '{other}'], secret_key = '{secret}' }} }}"
        ),
    ] {
        let text = format!("mechanism = {mechanism}");
        let config: ClientConfig = read(&text);
        let written = toml::Table::try_from(&config).unwrap();
        let expected: toml::Table = text.parse().unwrap();
        assert_eq!(written["mechanism"], expected["mechanism"]);
        assert_eq!(read::<ClientConfig>(&written.to_string()), config);
        assert!(!format!("{config:?}").contains("swordfish"));
        assert!(!format!("{config:?}").contains(secret));
    }
    let made = format!("mechanism = {{ curve_client = {{ server_key = '{public}' }} }}");
    assert_ne!(read::<ClientConfig>(&made), read::<ClientConfig>(&made), "the keys are its own");
}

#[test]
fn an_invalid_key_is_refused() {
    let text = "mechanism = { curve_server = { secret_key = 'short' } }";
    let error = toml::from_str::<ServerConfig>(text).unwrap_err().to_string();
    assert!(error.contains("a key has 40 characters, not 5"), "{error}");
}

/// Returns the names of the public methods of [`Builder`] that take it by value and return it.
fn setters() -> BTreeSet<String> {
    let socket = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/socket");
    // The setters of some types are written with their verbs.
    let directories = ["builder", "publish_subscribe/xpub", "verbs"];
    let directories = directories.map(|name| fs::read_dir(socket.join(name)).unwrap());
    let mut setters = BTreeSet::new();
    for file in directories.into_iter().flatten() {
        let file = file.unwrap().path();
        let text = fs::read_to_string(file).unwrap();
        for function in text.split("pub fn ").skip(1) {
            let head = function.split_once(')').unwrap().0;
            if head.contains("mut self") {
                let end = head.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap();
                setters.insert(head[..end].to_owned());
            }
        }
    }
    setters
}

fn identity(bytes: &[u8]) -> Identity {
    bytes.try_into().unwrap()
}

/// Returns the keys of all options that several kinds have.
fn every_option() -> String {
    format!("{COMMON}{SOCKS_PROXY}{WEBSOCKETS}{RECEIVING}{SENDING}")
}

/// The option of types that receive messages of several parts.
const REQUESTS: &str = "
    attempt_timeout = '30s'
    attempts = 31
    correlate = false
    request_timeout = '32s'
";

const PARTS: &str = "
    max_message_parts = 29
";

/// The options of classic types that distribute messages.
const DISTRIBUTION: &str = "
    balance = 'shortest_queue'
    returned_hwm = 30
    returned_hwm_bytes = 31
    undelivered = 'redirect'
";

/// The options of types that have an identity.
const IDENTITY: &str = "
    identity = 'worker'
    probe_router = true
";

/// The options of a ROUTER.
const ROUTER: &str = "
    handover = true
    unroutable = 'drop'
";

#[cfg(feature = "ws")]
const WEBSOCKETS: &str = "
    websocket_headers = { authorization = 'Bearer token' }
    websocket_origins = ['https://example.org']
";

#[cfg(not(feature = "ws"))]
const WEBSOCKETS: &str = "";

const COMMON: &str = "
    backlog = 10
    bind_to_device = 'lo'
    connect_timeout = '1s'
    domain = 'testing'
    handshake_interval = '2s'
    heartbeat_interval = '3s'
    heartbeat_timeout = '4s'
    heartbeat_ttl = '5s'
    immediate = true
    ipc_group = 24
    ipc_mode = '0660'
    ipc_owner = 25
    ipc_proxy_protocol = true
    linger = '6s'
    max_half_open = 22
    max_half_open_per_address = 23
    max_message_size = 7
    mechanism = 'plain_server'
    metadata = { X-Color = 'red', X-Size = 'large' }
    priority = 1
    proxy_protocol = ['192.0.2.0/24', '2001:db8::1/128']
    reconnect_interval = '8ms'
    reconnect_interval_max = '1m 30s'
    reconnect_stop = ['handshake_failed', 'after_disconnect', 'connection_refused']
    recv_buffer_size = 9
    resolve_interval = '22s'
    send_buffer_size = 13
    source_address = '[::1]:17'
    tcp_keepalive = false
    tcp_keepalive_count = 18
    tcp_keepalive_idle = '19s'
    tcp_keepalive_interval = '20s'
    tcp_max_retransmission_time = '21s'
    type_of_service = 184
";

const RECEIVING: &str = "
    ended_hwm_bytes = 24
    recv_hwm = 10
    recv_hwm_bytes = 11
    recv_timeout = '12s'
";

const SENDING: &str = "
    hello_message = 'hello'
    send_hwm = 14
    send_hwm_bytes = 15
    send_timeout = '16s'
";

const RADIO: &str = "
    max_group_bytes = 25
    max_group_bytes_per_remote = 26
    max_groups_per_remote = 27
    multicast_hops = 28
    multicast_loop = false
    no_drop = true
";

const SOCKS_PROXY: &str =
    if cfg!(feature = "socks") { "socks_proxy = { address = 'localhost:23' }\n" } else { "" };

fn with_every_option<S: ReceivingSocket + SendingSocket>(builder: Builder<S>) -> Builder<S> {
    with_sending_options(with_receiving_options(with_common_options(builder)))
}

fn with_receiving_options<S: ReceivingSocket>(builder: Builder<S>) -> Builder<S> {
    builder
        .ended_hwm_bytes(24)
        .recv_hwm(10)
        .recv_hwm_bytes(11)
        .recv_timeout(Duration::from_secs(12))
}

fn with_sending_options<S: SendingSocket>(builder: Builder<S>) -> Builder<S> {
    builder.send_hwm(14).send_hwm_bytes(15).send_timeout(Duration::from_secs(16))
}

fn with_common_options<S: Socket>(builder: Builder<S>) -> Builder<S> {
    let seconds = Duration::from_secs;
    #[cfg(feature = "socks")]
    let builder = builder.socks_proxy(crate::options::SocksProxy::new("localhost:23").unwrap());
    #[cfg(feature = "ws")]
    let headers = RequestHeaders::new().with("Authorization", "Bearer token").unwrap();
    #[cfg(feature = "ws")]
    let builder = builder.websocket_headers(headers).websocket_origins(["https://example.org"]);
    builder
        .backlog(10)
        .bind_to_device("lo")
        .connect_timeout(seconds(1))
        .domain("testing")
        .handshake_interval(seconds(2))
        .heartbeat_interval(seconds(3))
        .heartbeat_timeout(seconds(4))
        .heartbeat_ttl(seconds(5))
        .immediate(true)
        .ipc_group(24)
        .ipc_mode(0o660)
        .ipc_owner(25)
        .ipc_proxy_protocol(true)
        .linger(seconds(6))
        .max_half_open(22)
        .max_half_open_per_address(23)
        .max_message_size(7)
        .mechanism(Mechanism::PlainServer)
        .priority(1)
        .proxy_protocol(["192.0.2.0/24".parse().unwrap(), "2001:db8::1".parse().unwrap()])
        .reconnect_interval(Duration::from_millis(8))
        .reconnect_interval_max(seconds(90))
        .reconnect_stop([
            ReconnectStop::HandshakeFailed,
            ReconnectStop::AfterDisconnect,
            ReconnectStop::ConnectionRefused,
        ])
        .recv_buffer_size(9)
        .resolve_interval(seconds(22))
        .send_buffer_size(13)
        .source_address(([0, 0, 0, 0, 0, 0, 0, 1], 17))
        .tcp_keepalive(false)
        .tcp_keepalive_count(18)
        .tcp_keepalive_idle(seconds(19))
        .tcp_keepalive_interval(seconds(20))
        .tcp_max_retransmission_time(seconds(21))
        .type_of_service(184)
        .metadata("X-Color", "red")
        .and_then(|builder| builder.metadata("X-Size", "large"))
        .unwrap()
}
