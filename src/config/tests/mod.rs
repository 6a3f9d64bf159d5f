// It uses options that not every system has.
#[cfg(target_os = "linux")]
mod every_option;
#[cfg(feature = "tls")]
mod tls;
mod topics;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use proptest::prelude::*;
use serde::de::DeserializeOwned;

use super::*;
use crate::error::{BindError, PropertyError};
use crate::options::ReconnectStop;
use crate::socket::{
    Builder, Client, Dealer, Gather, Pair, Peer, Pull, Push, Rep, Req, Router, Scatter, Server,
    Sub, XPub, XSub,
};

#[test]
fn an_absent_key_has_its_default() {
    assert_eq!(read::<ClientConfig>(""), ClientConfig::default());
    assert_eq!(shown(&ClientConfig::default().builder().unwrap()), shown(&Client::builder()));
    assert_eq!(shown(&ServerConfig::default().builder().unwrap()), shown(&Server::builder()));
    assert_eq!(shown(&PeerConfig::default().builder().unwrap()), shown(&Peer::builder()));
    assert_eq!(shown(&ScatterConfig::default().builder().unwrap()), shown(&Scatter::builder()));
    assert_eq!(shown(&GatherConfig::default().builder().unwrap()), shown(&Gather::builder()));
    assert_eq!(shown(&SubConfig::default().builder().unwrap()), shown(&Sub::builder()));
    assert_eq!(shown(&XPubConfig::default().builder().unwrap()), shown(&XPub::builder()));
    assert_eq!(shown(&XSubConfig::default().builder().unwrap()), shown(&XSub::builder()));
    assert_eq!(shown(&PullConfig::default().builder().unwrap()), shown(&Pull::builder()));
    assert_eq!(shown(&DealerConfig::default().builder().unwrap()), shown(&Dealer::builder()));
    assert_eq!(shown(&PairConfig::default().builder().unwrap()), shown(&Pair::builder()));
    assert_eq!(shown(&ReqConfig::default().builder().unwrap()), shown(&Req::builder()));
    assert_eq!(shown(&RouterConfig::default().builder().unwrap()), shown(&Router::builder()));
    assert_eq!(shown(&PushConfig::default().builder().unwrap()), shown(&Push::builder()));
    assert_eq!(shown(&RepConfig::default().builder().unwrap()), shown(&Rep::builder()));
}

#[test]
fn endpoints_are_one_or_many() {
    let config: ServerConfig = read("bind = 'tcp://*:*'\nconnect = ['tcp://a:1', 'tcp://b:2']");
    assert_eq!(config.bind, ["tcp://*:*".parse().unwrap()]);
    assert_eq!(config.connect, ["tcp://a:1".parse().unwrap(), "tcp://b:2".parse().unwrap()]);
}

#[test]
#[cfg(feature = "ws")]
fn origins_are_one_or_many() {
    let config: ServerConfig = read("websocket_origins = 'https://a.example'");
    assert_eq!(config.websocket_origins, Some(vec!["https://a.example".to_owned()]));
    let config: ServerConfig =
        read("websocket_origins = ['https://a.example', 'https://b.example']");
    assert_eq!(config.websocket_origins.unwrap().len(), 2);
}

#[test]
#[cfg(unix)]
fn a_mode_is_an_octal_number_as_text() {
    let config: ServerConfig = read("ipc_mode = '660'");
    assert_eq!(config.ipc_mode, Some(0o660));
    assert!(toml::to_string(&config).unwrap().contains("ipc_mode = \"0660\""));
    for wrong in ["0o660", "1777", "+660", "rw", ""] {
        let error = toml::from_str::<ServerConfig>(&format!("ipc_mode = '{wrong}'")).unwrap_err();
        assert!(error.to_string().contains("it is not an octal number up to 0777"), "{error}");
    }
    let error = toml::from_str::<ServerConfig>("ipc_mode = 0o660").unwrap_err();
    assert!(error.to_string().contains("a mode such as \"0660\""), "{error}");
}

#[test]
fn infinite_is_a_time_without_limit() {
    let config: ClientConfig = read(
        "connect_timeout = 'infinite'
        handshake_interval = 'infinite'
        heartbeat_interval = 'infinite'
        linger = 'infinite'
        reconnect_interval = 'infinite'
        recv_timeout = 'infinite'
        send_timeout = 'infinite'",
    );
    let expected = Client::builder()
        .connect_timeout(None)
        .handshake_interval(None)
        .heartbeat_interval(None)
        .linger(None)
        .reconnect_interval(None)
        .recv_timeout(None)
        .send_timeout(None);
    assert_eq!(shown(&config.builder().unwrap()), shown(&expected));
}

#[test]
fn an_unlimited_value_is_refused_where_it_has_no_meaning() {
    let error = refuse::<ClientConfig>("heartbeat_timeout = 'infinite'");
    assert!(error.contains("`infinite` is not a time such as"), "{error}");
}

#[test]
fn times_are_written_with_units() {
    for (text, time) in [
        ("30s", Duration::from_secs(30)),
        ("1m 30s", Duration::from_secs(90)),
        ("100ms", Duration::from_millis(100)),
        ("0s", Duration::ZERO),
    ] {
        let config: ClientConfig = read(&format!("linger = '{text}'"));
        assert_eq!(config.linger, Some(time));
        let written = toml::Table::try_from(config).unwrap();
        assert_eq!(written["linger"].as_str(), Some(text));
    }
}

#[test]
fn a_message_is_text_or_a_list_of_bytes() {
    let config: ClientConfig = read("hello_message = 'hello'\nhiccup_message = [0, 255]");
    assert_eq!(config.hello_message.as_deref(), Some(b"hello".as_slice()));
    assert_eq!(config.hiccup_message.as_deref(), Some([0, 255].as_slice()));
    let written = toml::to_string(&config).unwrap();
    assert!(written.contains("hello_message = \"hello\""), "{written}");
    assert!(written.contains("hiccup_message = [0, 255]"), "{written}");
}

#[test]
fn one_file_describes_all_sockets() {
    let text = "
        [frontend]
        type = 'server'
        bind = 'tcp://*:5555'
        disconnect_message = 'gone'

        [backend]
        type = 'client'
        connect = ['tcp://one:5556', 'tcp://two:5556']
        metadata = { X-Color = 'red' }
        send_hwm = 10

        [workers]
        type = 'scatter'
        bind = 'tcp://*:5557'

        [results]
        type = 'gather'
        bind = 'tcp://*:5558'

        [neighbours]
        type = 'peer'
        hiccup_message = 'hiccup'

        [standby]
        type = 'channel'
        linger = '1s'

        [news]
        type = 'radio'
        no_drop = true

        [weather]
        type = 'dish'
        join = ['rain', 'wind']";
    let sockets: BTreeMap<String, SocketConfig> = read(text);

    let mut frontend = ServerConfig::default();
    frontend.bind.push("tcp://*:5555".parse().unwrap());
    frontend.disconnect_message = Some("gone".into());
    let mut backend = ClientConfig::default();
    backend.connect.push("tcp://one:5556".parse().unwrap());
    backend.connect.push("tcp://two:5556".parse().unwrap());
    backend.metadata.insert("X-Color".to_owned(), "red".to_owned());
    backend.send_hwm = 10;
    let mut workers = ScatterConfig::default();
    workers.bind.push("tcp://*:5557".parse().unwrap());
    let mut results = GatherConfig::default();
    results.bind.push("tcp://*:5558".parse().unwrap());
    let hiccup_message = Some("hiccup".into());
    let neighbours = PeerConfig { hiccup_message, ..PeerConfig::default() };
    let linger = Some(Duration::from_secs(1));
    let standby = ChannelConfig { linger, ..ChannelConfig::default() };
    let news = RadioConfig { no_drop: true, ..RadioConfig::default() };
    let join = ["rain", "wind"].map(|name| name.parse().unwrap()).into();
    let weather = DishConfig { join, ..DishConfig::default() };
    let expected = [
        ("frontend", frontend.into()),
        ("backend", backend.into()),
        ("workers", workers.into()),
        ("results", results.into()),
        ("neighbours", neighbours.into()),
        ("standby", standby.into()),
        ("news", news.into()),
        ("weather", weather.into()),
    ];
    assert_eq!(sockets, expected.map(|(name, config)| (name.to_owned(), config)).into());

    assert_eq!(read::<BTreeMap<_, _>>(&toml::to_string(&sockets).unwrap()), sockets);
}

/// The line is as exact in a map of sockets as in a description of one socket.
#[test]
fn an_error_states_the_reason_and_the_line() {
    for (fault, words) in [
        ("lingr = '1s'", "unknown field `lingr`"),
        ("send_hwm = 'many'", "invalid type: string \"many\", expected usize"),
        ("send_hwm = -1", "invalid value: integer `-1`, expected usize"),
        ("recv_buffer_size = 4294967296", "invalid value: integer `4294967296`, expected u32"),
        ("linger = 30", "invalid type: integer `30`, expected a time such as \"1m 30s\", or"),
        ("linger = 'long'", "`long` is not a time such as \"1m 30s\", or \"infinite\""),
        ("linger = '30'", "time unit needed, for example 30sec or 30ms"),
        ("reconnect_interval_max = 'infinite'", "`infinite` is not a time such as \"1m 30s\""),
        ("reconnect_stop = ['refused']", "unknown variant `refused`"),
        ("source_address = 'here'", "invalid socket address syntax"),
        ("metadata = { Color = 'red' }", "`Color`: the name of an application's property must"),
        ("hello_message = 5", "invalid type: integer `5`, expected text or a list of bytes"),
        ("bind = 5", "invalid type: integer `5`, expected a string or a list of strings"),
        ("bind = 'tcp://here'", "`tcp://here`: no port; write `tcp://here:5555`"),
        ("connect = ['tcp://a:1', ':2']", "`:2`: no transport; write `tcp://127.0.0.1:5555`"),
    ] {
        let alone = refuse::<ClientConfig>(&format!("immediate = true\n{fault}\n"));
        let many = format!("[one]\ntype = 'server'\n[two]\n{fault}\ntype = 'client'\n");
        let many = refuse::<BTreeMap<String, SocketConfig>>(&many);
        for (error, line) in [(alone, "2"), (many, "4")] {
            assert!(error.contains(words), "{error}");
            assert!(error.contains(&format!("at line {line},")), "{error}");
            assert!(error.contains(&format!("{line} | {fault}")), "{error}");
        }
    }
}

#[test]
fn an_option_of_another_kind_is_refused() {
    let error = refuse::<ServerConfig>("hiccup_message = 'hiccup'");
    assert!(error.contains("unknown field `hiccup_message`"), "{error}");
    let error = refuse::<SocketConfig>("type = 'server'\nhiccup_message = 'hiccup'");
    let reason = "unknown field `hiccup_message`: it is not an option of a server";
    assert!(error.contains(reason), "{error}");
    let error = refuse::<SocketConfig>("type = 'client'\ndisconnect_message = 'gone'");
    let reason = "unknown field `disconnect_message`: it is not an option of a client";
    assert!(error.contains(reason), "{error}");
}

#[test]
fn an_absent_or_unknown_type_is_refused() {
    let error = refuse::<SocketConfig>("bind = 'tcp://*:*'");
    let reason = "missing field `type`: write one of \"channel\", \"client\", \"";
    assert!(error.contains(reason), "{error}");
    let error = refuse::<SocketConfig>("type = 'broker'");
    assert!(
        error.contains("unknown variant `broker`, expected one of `channel`, `client`, `"),
        "{error}"
    );
}

#[tokio::test]
async fn an_invalid_property_prevents_the_start() {
    let mut config = ClientConfig::default();
    config.metadata.insert("Color".to_owned(), "red".to_owned());
    let error = config.start().await.unwrap_err();
    assert!(matches!(
        error,
        ConfigError::Property { name, source: PropertyError::ReservedPrefix } if name == "Color"
    ));
}

#[tokio::test]
async fn an_endpoint_that_can_only_be_bound_prevents_the_start() {
    let mut config = ClientConfig::default();
    config.connect.push("tcp://*:5555".parse().unwrap());
    let error = config.start().await.unwrap_err();
    assert!(matches!(error, ConfigError::Connect(ConnectError::Endpoint(_))));
}

#[tokio::test]
async fn bound_endpoints_are_released_when_another_is_refused() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let bind = vec![free.into(), free.into()];
    let config = ServerConfig { bind, ..ServerConfig::default() };
    let error = config.start().await.unwrap_err();
    assert!(matches!(error, ConfigError::Bind(BindError::AddrInUse { .. })));
    TcpListener::bind(free).unwrap();
}

proptest! {
    #[test]
    fn a_written_config_is_equal_when_read_back(client in client(), server in server()) {
        let sockets = BTreeMap::from([
            ("client".to_owned(), SocketConfig::Client(client.clone())),
            ("server".to_owned(), SocketConfig::Server(server)),
        ]);
        prop_assert_eq!(&read::<BTreeMap<_, _>>(&toml::to_string(&sockets).unwrap()), &sockets);
        prop_assert_eq!(&read::<ClientConfig>(&toml::to_string(&client).unwrap()), &client);
    }
}

/// Generates options of all forms that are not written as serde writes their types.
fn client() -> impl Strategy<Value = ClientConfig> {
    let limit = || prop::option::of(any::<Duration>());
    let bytes = || prop::option::of(prop::collection::vec(any::<u8>(), 0..4));
    let number = || prop::option::of(0..=u64::MAX >> 1);
    let endpoints = || prop::collection::vec(any::<SocketAddr>(), 0..3);
    (
        (limit(), limit(), bytes(), bytes(), number()),
        (endpoints(), any::<Duration>(), any::<Option<bool>>(), any::<bool>()),
        prop::collection::btree_map("X-[a-zA-Z0-9_.+-]{0,9}", ".{0,9}", 0..3),
    )
        .prop_map(|(options, (connect, longest, tcp_keepalive, immediate), metadata)| {
            let (linger, heartbeat_timeout, hello, hiccup, max_message_size) = options;
            ClientConfig {
                connect: connect.into_iter().map(Endpoint::from).collect(),
                heartbeat_timeout,
                hello_message: hello.map(Into::into),
                hiccup_message: hiccup.map(Into::into),
                immediate,
                linger,
                max_message_size,
                metadata,
                reconnect_interval_max: longest,
                tcp_keepalive,
                ..ClientConfig::default()
            }
        })
}

fn server() -> impl Strategy<Value = ServerConfig> {
    let stops = [
        ReconnectStop::AfterDisconnect,
        ReconnectStop::ConnectionRefused,
        ReconnectStop::HandshakeFailed,
    ];
    (
        prop::collection::vec("tcp://(\\*|[a-z]{1,9}|\\[::1\\]):(\\*|[1-9][0-9]{0,3})", 0..3),
        prop::sample::subsequence(stops.to_vec(), 0..=3),
        ".{0,9}",
    )
        .prop_map(|(bind, reconnect_stop, message)| ServerConfig {
            bind: bind.iter().map(|text| text.parse().unwrap()).collect(),
            disconnect_message: Some(message.into()),
            reconnect_stop,
            ..ServerConfig::default()
        })
}

fn read<T: DeserializeOwned>(text: &str) -> T {
    toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn refuse<T: DeserializeOwned>(text: &str) -> String {
    toml::from_str::<T>(text).err().unwrap().to_string()
}

/// Returns the builder's `Debug` output, which contains all its options.
fn shown<S: Socket>(builder: &Builder<S>) -> String {
    format!("{builder:#?}")
}
