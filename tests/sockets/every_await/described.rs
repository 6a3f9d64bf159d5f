//! Operations that start sockets from configuration data, and those of the started sockets.

use tokio_zmtp::auth::Networks;
use tokio_zmtp::config::{
    ChannelConfig, ClientConfig, DealerConfig, DishConfig, GatherConfig, PairConfig, PeerConfig,
    PubConfig, PullConfig, PushConfig, RadioConfig, RepConfig, ReqConfig, RouterConfig,
    ScatterConfig, ServerConfig, SocketConfig, SubConfig, XPubConfig, XSubConfig,
};

use super::operation::Operation;
use super::operations::{ANY, traffic};
use super::scene::Cast;
use crate::over_transport::described;

/// Declares operations that start the sockets of descriptions. Each binds twice and then connects
/// to the server, which admits only clients.
macro_rules! starts {
    ($($name:literal $config:ident $kind:literal,)+) => {
        &[$(traffic($name, |cast| {
            Box::pin(async move {
                let endpoint = cast.endpoint;
                let options = described(cast.transport);
                let text =
                    format!("{}{options}bind = ['{ANY}', '{ANY}']\nconnect = '{endpoint}'", $kind);
                let config: $config = toml::from_str(&text).unwrap();
                config.start().await.unwrap();
            })
        })),+]
    };
}

pub(super) const DESCRIBED_OPERATIONS: &[Operation] = starts! {
    "ChannelConfig::start" ChannelConfig "",
    "ClientConfig::start" ClientConfig "",
    "DealerConfig::start" DealerConfig "",
    "DishConfig::start" DishConfig "",
    "GatherConfig::start" GatherConfig "",
    "PairConfig::start" PairConfig "",
    "PeerConfig::start" PeerConfig "",
    "PubConfig::start" PubConfig "",
    "PullConfig::start" PullConfig "",
    "PushConfig::start" PushConfig "",
    "RadioConfig::start" RadioConfig "",
    "RepConfig::start" RepConfig "",
    "ReqConfig::start" ReqConfig "",
    "RouterConfig::start" RouterConfig "",
    "ScatterConfig::start" ScatterConfig "",
    "ServerConfig::start" ServerConfig "",
    "SocketConfig::start" SocketConfig "type = 'client'\n",
    "SubConfig::start" SubConfig "",
    "XPubConfig::start" XPubConfig "",
    "XSubConfig::start" XSubConfig "",
};

/// The operations of sockets whose type is known when the program runs.
pub(super) const ANY_SOCKET_OPERATIONS: &[Operation] = &[
    traffic("AnySocket::close", |cast| {
        Box::pin(async move {
            client(&cast).start().await.unwrap().close().await;
        })
    }),
    traffic("SocketConfig::start_with_authenticator", |cast| {
        Box::pin(async move {
            let started = client(&cast).start_with_authenticator(Networks::new()).await;
            let (_socket, mut monitor) = started.unwrap();
            monitor.recv().await.unwrap().unwrap();
        })
    }),
    traffic("SocketConfig::start_with_monitor", |cast| {
        Box::pin(async move {
            let (_socket, mut monitor) = client(&cast).start_with_monitor().await.unwrap();
            monitor.recv().await.unwrap().unwrap();
        })
    }),
];

/// Describes a client that binds and connects to the server.
fn client(cast: &Cast) -> SocketConfig {
    let options = described(cast.transport);
    let endpoints = format!("bind = '{ANY}'\nconnect = '{}'", cast.endpoint);
    toml::from_str(&format!("type = 'client'\n{options}{endpoints}")).unwrap()
}
