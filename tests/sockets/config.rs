//! Sockets that are created from configuration data.

use std::collections::BTreeMap;

use tokio::task;
use tokio_zmtp::config::{
    AnySocket, ChannelConfig, ClientConfig, ConfigError, DealerConfig, PairConfig, PeerConfig,
    ScatterConfig, ServerConfig, SocketConfig,
};
use tokio_zmtp::{ConnectError, Endpoint, Group, GroupMessage, InprocEndpoint};

use crate::remote::{RemoteListener, message};
use crate::transports;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn sockets_that_are_read_from_a_file_exchange_messages() {
    let _watchdog = Watchdog::start();
    let config = "type = 'server'\nbind = ['tcp://127.0.0.1:*', 'tcp://127.0.0.1:*']";
    let config: SocketConfig = toml::from_str(config).unwrap();
    let AnySocket::Server(server) = config.start().await.unwrap() else {
        panic!("the socket is not a server");
    };

    let config = format!("connect = '{}'", server.last_endpoint().unwrap());
    let config: ClientConfig = toml::from_str(&config).unwrap();
    let client = config.start().await.unwrap();

    client.send("request").await.unwrap();
    let request = server.recv().await.unwrap();
    server.reply(&request, "reply").await.unwrap();
    assert_eq!(client.recv().await.unwrap(), "reply");
}

#[tokio::test]
async fn a_socket_is_bound_and_connected_to_all_its_endpoints() {
    let _watchdog = Watchdog::start();
    let mut config = ServerConfig::default();
    config.bind = vec!["tcp://127.0.0.1:*".parse().unwrap()];
    let servers = [config.start().await.unwrap(), config.start().await.unwrap()];

    let mut config = ClientConfig::default();
    config.bind = vec!["tcp://127.0.0.1:*".parse::<Endpoint>().unwrap(); 2];
    config.connect = servers.iter().map(|server| server.last_endpoint().unwrap()).collect();
    let client = config.start().await.unwrap();

    client.send("to one").await.unwrap();
    client.send("to the other").await.unwrap();
    assert_eq!(servers[0].recv().await.unwrap(), "to one");
    assert_eq!(servers[1].recv().await.unwrap(), "to the other");
    assert_eq!(client.last_endpoint(), config.connect.pop());
}

#[tokio::test]
async fn a_peer_from_a_file_addresses_its_remotes_by_their_ids() {
    let _watchdog = Watchdog::start();
    let file = "type = 'peer'\nbind = 'tcp://127.0.0.1:*'\nhello_message = 'hello'";
    let config: SocketConfig = toml::from_str(file).unwrap();
    let AnySocket::Peer(alice) = config.start().await.unwrap() else {
        panic!("the socket is not a peer");
    };
    let file = format!("connect = '{}'", alice.last_endpoint().unwrap());
    let config: PeerConfig = toml::from_str(&file).unwrap();
    let bob = config.start().await.unwrap();

    let hello = bob.recv().await.unwrap();
    let id = hello.routing_id().unwrap();
    assert_eq!(bob.remotes().get(id).unwrap().endpoint(), &config.connect[0]);
    bob.reply(&hello, "hello to you").await.unwrap();
    assert_eq!(alice.recv().await.unwrap(), "hello to you");
}

#[tokio::test]
async fn a_scatter_and_a_gather_are_read_from_a_file() {
    let _watchdog = Watchdog::start();
    let file = "type = 'gather'\nbind = 'tcp://127.0.0.1:*'\nrecv_hwm = 10";
    let config: SocketConfig = toml::from_str(file).unwrap();
    let AnySocket::Gather(gather) = config.start().await.unwrap() else {
        panic!("the socket is not a gather");
    };
    let endpoint = gather.last_endpoint().unwrap();
    let file = format!("connect = '{endpoint}'\nsend_hwm = 20\nhello_message = 'hello'");
    let config: ScatterConfig = toml::from_str(&file).unwrap();
    let scatter = config.start().await.unwrap();

    assert_eq!((gather.recv_hwm(), scatter.send_hwm()), (10, 20));
    scatter.send("task").await.unwrap();
    assert_eq!(gather.recv().await.unwrap(), "hello");
    assert_eq!(gather.recv().await.unwrap(), "task");
}

#[tokio::test]
async fn a_push_and_a_pull_are_read_from_a_file() {
    let _watchdog = Watchdog::start();
    let file = "type = 'pull'\nbind = 'tcp://127.0.0.1:*'\nmax_message_parts = 2";
    let config: SocketConfig = toml::from_str(file).unwrap();
    let AnySocket::Pull(pull) = config.start().await.unwrap() else {
        panic!("the socket is not a pull");
    };
    let endpoint = pull.last_endpoint().unwrap();
    let file = format!("type = 'push'\nconnect = '{endpoint}'\nhello_message = 'hello'");
    let config: SocketConfig = toml::from_str(&file).unwrap();
    let AnySocket::Push(push) = config.start().await.unwrap() else {
        panic!("the socket is not a push");
    };
    push.send(["a", "task"]).await.unwrap();
    assert_eq!(pull.recv().await.unwrap(), ["hello"]);
    assert_eq!(pull.recv().await.unwrap(), ["a", "task"]);
}

#[tokio::test]
async fn a_sub_is_read_from_a_file() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let endpoint = listener.endpoint();
    let file = format!("type = 'sub'\nconnect = '{endpoint}'\nsubscribe = ['', 'weather.']");
    let config: SocketConfig = toml::from_str(&file).unwrap();
    let AnySocket::Sub(sub) = config.start().await.unwrap() else {
        panic!("the socket is not a sub");
    };
    assert_eq!(sub.subscriptions(), ["", "weather."]);
    let mut remote = listener.accept_as("PUB").await;
    assert_eq!(remote.read_frame().await.1, b"\x09SUBSCRIBE");
    remote.write(&message(b"hello")).await;
    assert_eq!(sub.recv().await.unwrap(), ["hello"]);
}

#[tokio::test]
async fn an_xsub_is_read_from_a_file() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let endpoint = listener.endpoint();
    let file = format!("type = 'xsub'\nconnect = '{endpoint}'\nsubscribe = 'a'\nsend_hwm = 7");
    let config: SocketConfig = toml::from_str(&file).unwrap();
    let AnySocket::XSub(xsub) = config.start().await.unwrap() else {
        panic!("the socket is not an xsub");
    };
    assert_eq!((xsub.subscriptions(), xsub.send_hwm()), (vec!["a".parse().unwrap()], 7));
    let mut remote = listener.accept_as("XPUB").await;
    assert_eq!(remote.read_frame().await.1, b"\x09SUBSCRIBEa");
    xsub.send("user").await.unwrap();
    assert_eq!(remote.read_message().await, b"user");
    let file = "type = 'xsub'\ninvert_matching = true";
    let error = toml::from_str::<SocketConfig>(file).unwrap_err().to_string();
    assert!(error.contains("`invert_matching`: it is not an option of a xsub"), "{error}");
}

#[tokio::test]
async fn a_rep_is_read_from_a_file() {
    let _watchdog = Watchdog::start();
    let file = "type = 'rep'\nbind = 'tcp://127.0.0.1:*'\nreply_on_drop = ['error', '?']";
    let config: SocketConfig = toml::from_str(file).unwrap();
    let AnySocket::Rep(rep) = config.start().await.unwrap() else {
        panic!("the socket is not a rep");
    };
    let file = format!("connect = '{}'", rep.last_endpoint().unwrap());
    let config: DealerConfig = toml::from_str(&file).unwrap();
    let dealer = config.start().await.unwrap();
    dealer.send(["", "request"]).await.unwrap();
    drop(rep.recv().await.unwrap());
    assert_eq!(dealer.recv().await.unwrap(), ["", "error", "?"]);
}

#[tokio::test]
async fn dealers_are_read_from_a_file() {
    let _watchdog = Watchdog::start();
    let file = "type = 'dealer'\nbind = 'tcp://127.0.0.1:*'\nmax_message_parts = 2";
    let config: SocketConfig = toml::from_str(file).unwrap();
    let AnySocket::Dealer(bound) = config.start().await.unwrap() else {
        panic!("the socket is not a dealer");
    };
    let file = format!("connect = '{}'\nsend_hwm = 20", bound.last_endpoint().unwrap());
    let config: DealerConfig = toml::from_str(&file).unwrap();
    let connected = config.start().await.unwrap();
    assert_eq!(connected.send_hwm(), 20);
    connected.send(["a", "task"]).await.unwrap();
    assert_eq!(bound.recv().await.unwrap(), ["a", "task"]);
    bound.send("done").await.unwrap();
    assert_eq!(connected.recv().await.unwrap(), ["done"]);
}

#[tokio::test]
async fn pairs_are_read_from_a_file() {
    let _watchdog = Watchdog::start();
    let config: SocketConfig = toml::from_str("type = 'pair'\nbind = 'tcp://127.0.0.1:*'").unwrap();
    let AnySocket::Pair(bound) = config.start().await.unwrap() else {
        panic!("the socket is not a pair");
    };
    let file = format!("connect = '{}'\nrecv_hwm = 20", bound.last_endpoint().unwrap());
    let config: PairConfig = toml::from_str(&file).unwrap();
    let connected = config.start().await.unwrap();
    assert_eq!(connected.recv_hwm(), 20);
    connected.send(["a", "task"]).await.unwrap();
    assert_eq!(bound.recv().await.unwrap(), ["a", "task"]);
}

#[tokio::test]
async fn a_radio_and_a_dish_are_started_from_one_file() {
    let _watchdog = Watchdog::start();
    let endpoint = InprocEndpoint::unique();
    let file = format!(
        "[station]
        type = 'radio'
        bind = '{endpoint}'

        [display]
        type = 'dish'
        connect = '{endpoint}'
        join = ['wind', 'rain']"
    );
    let configs: BTreeMap<String, SocketConfig> = toml::from_str(&file).unwrap();
    let AnySocket::Radio(station) = configs["station"].start().await.unwrap() else {
        panic!("the socket is not a radio");
    };
    let AnySocket::Dish(display) = configs["display"].start().await.unwrap() else {
        panic!("the socket is not a dish");
    };

    let [wind, rain, sun] = ["wind", "rain", "sun"].map(|name| Group::try_from(name).unwrap());
    while station.members(&wind).is_empty() || station.members(&rain).is_empty() {
        task::yield_now().await;
    }
    for group in [&sun, &rain, &wind] {
        station.send(group, "strong").await.unwrap();
    }
    for group in [&rain, &wind] {
        assert_eq!(display.recv().await, Ok(GroupMessage::new(group, "strong")));
    }
}

#[tokio::test]
async fn a_channel_with_two_remotes_is_refused_before_it_binds() {
    let _watchdog = Watchdog::start();
    let mut config = ChannelConfig::default();
    let other = config.start().await.unwrap();
    let endpoint = other.bind(transports::own_address()).await.unwrap();
    other.unbind(&endpoint).await.unwrap();

    config.bind = vec![endpoint];
    config.connect = vec!["inproc://nowhere".parse().unwrap(); 2];
    let error = config.start().await.unwrap_err();
    let ConfigError::Connect(ConnectError::Occupied { endpoint }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(endpoint, config.connect[1]);

    config.connect.pop();
    config.start().await.unwrap();
}

#[tokio::test]
async fn a_builder_can_change_the_options_of_a_file() {
    let _watchdog = Watchdog::start();
    let config: ClientConfig = toml::from_str("send_hwm = 7\nlinger = 'infinite'").unwrap();
    let client = config.builder().unwrap().recv_hwm(8).build();
    assert_eq!((client.send_hwm(), client.recv_hwm(), client.linger()), (7, 8, None));
}
