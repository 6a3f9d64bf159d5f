//! The table of options: which kinds of socket have them, and how each is read, written and
//! applied.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use zmtp_proto::endpoint::Endpoint;
use zmtp_proto::group::Group;
use zmtp_proto::identity::Identity;
use zmtp_proto::socket_type::SocketType;
use zmtp_proto::topic::Topic;

use super::declare::sockets;
#[cfg(feature = "tls")]
use super::tls::{self, TlsClientConfig, TlsServerConfig};
use super::{ConfigError, form, metadata, open, refuse_others, security};
use crate::auth::{Authenticator, Mechanism, Network, SharedAuthenticator};
use crate::message::Multipart;
use crate::monitor::Monitor;
#[cfg(feature = "ws")]
use crate::options::RequestHeaders;
#[cfg(feature = "socks")]
use crate::options::SocksProxy;
use crate::options::{
    Balance, Options, ReconnectStop, SlowSubscriber, Undelivered, Unroutable, Verbosity,
};
use crate::socket::{
    Builder, Channel, Client, CloseReport, Dealer, Dish, Gather, Pair, Peer, Pub, Pull, Push,
    Radio, Remotes, Rep, Req, Router, Scatter, Server, Socket, Sub, XPub, XSub,
};
use crate::stats::Stats;

// A new kind is a line of `kinds`, which states for each group of `options`, in their order,
// whether the kind has them. A new option is a line of its group: its key, which is the name of its
// setter in `Builder`, the type of its value, the form of the value (unless serde determines it),
// and its field in `Options`.
sockets! {
    kinds {
        //                                    common receiving parts sending distribution identity router hello disconnect hiccup groups topics multicast join subscriptions matching reply requests xpub
        Channel => ChannelConfig, "channel", [yes    yes       no    yes     no           no       no     yes   no         no     no     no     no        no   no            no       no    no       no];
        Client  => ClientConfig,  "client",  [yes    yes       no    yes     no           no       no     yes   no         yes    no     no     no        no   no            no       no    no       no];
        Dealer  => DealerConfig,  "dealer",  [yes    yes       yes   yes     yes          yes      no     yes   no         yes    no     no     no        no   no            no       no    no       no];
        Dish    => DishConfig,    "dish",    [yes    yes       no    no      no           no       no     no    no         no     no     no     no        yes  no            no       no    no       no];
        Gather  => GatherConfig,  "gather",  [yes    yes       no    no      no           no       no     no    no         no     no     no     no        no   no            no       no    no       no];
        Pair    => PairConfig,    "pair",    [yes    yes       yes   yes     no           no       no     yes   no         no     no     no     no        no   no            no       no    no       no];
        Peer    => PeerConfig,    "peer",    [yes    yes       no    yes     no           no       no     yes   yes        yes    no     no     no        no   no            no       no    no       no];
        Pub     => PubConfig,     "pub",     [yes    no        no    yes     no           no       no     no    no         no     no     yes    no        no   no            no       no    no       no];
        Pull    => PullConfig,    "pull",    [yes    yes       yes   no      no           no       no     no    no         no     no     no     no        no   no            no       no    no       no];
        Push    => PushConfig,    "push",    [yes    no        no    yes     yes          no       no     yes   no         no     no     no     no        no   no            no       no    no       no];
        Radio   => RadioConfig,   "radio",   [yes    no        no    yes     no           no       no     no    no         no     yes    no     yes       no   no            no       no    no       no];
        Rep     => RepConfig,     "rep",     [yes    yes       yes   yes     no           no       no     no    no         no     no     no     no        no   no            no       yes   no       no];
        Req     => ReqConfig,     "req",     [yes    no        yes   yes     no           yes      no     no    no         no     no     no     no        no   no            no       no    yes      no];
        Router  => RouterConfig,  "router",  [yes    yes       yes   yes     no           yes      yes    yes   yes        no     no     no     no        no   no            no       no    no       no];
        Scatter => ScatterConfig, "scatter", [yes    no        no    yes     no           no       no     yes   no         no     no     no     no        no   no            no       no    no       no];
        Server  => ServerConfig,  "server",  [yes    yes       no    yes     no           no       no     yes   yes        no     no     no     no        no   no            no       no    no       no];
        Sub     => SubConfig,     "sub",     [yes    yes       yes   no      no           no       no     no    no         no     no     no     no        no   yes           yes      no    no       no];
        XPub    => XPubConfig,    "xpub",    [yes    yes       yes   yes     no           no       no     no    no         no     no     yes    no        no   no            yes      no    no       yes];
        XSub    => XSubConfig,    "xsub",    [yes    yes       yes   yes     no           no       no     no    no         no     no     no     no        no   yes           no       no    no       no];
    }
    options {
        common {
            backlog: u32 => tcp.backlog,
            #[cfg(linux_kernel)]
            bind_to_device: Option<String> => tcp.device,
            #[serde(with = "form::limit")]
            connect_timeout: Option<Duration> => connect_timeout,
            #[serde(with = "security::domain")]
            domain: Arc<str> => domain,
            #[serde(with = "form::limit")]
            handshake_interval: Option<Duration> => handshake_interval,
            #[serde(with = "form::limit")]
            heartbeat_interval: Option<Duration> => heartbeat.interval,
            #[serde(with = "form::optional_time")]
            heartbeat_timeout: Option<Duration> => heartbeat.timeout,
            #[serde(with = "form::optional_time")]
            heartbeat_ttl: Option<Duration> => heartbeat.ttl,
            immediate: bool => immediate,
            #[cfg(unix)]
            ipc_group: Option<u32> => ipc.access.group,
            #[cfg(unix)]
            #[serde(with = "form::optional_mode")]
            ipc_mode: Option<u32> => ipc.access.mode,
            #[cfg(unix)]
            ipc_owner: Option<u32> => ipc.access.owner,
            #[cfg(unix)]
            ipc_proxy_protocol: bool => ipc.proxy_protocol,
            #[serde(with = "form::limit")]
            linger: Option<Duration> => linger,
            max_half_open: usize => max_half_open,
            max_half_open_per_address: usize => max_half_open_per_address,
            max_message_size: Option<u64> => max_message_size,
            #[serde(with = "security::mechanism")]
            mechanism: Mechanism => mechanism,
            #[cfg(linux_kernel)]
            priority: Option<u32> => tcp.priority,
            #[serde(deserialize_with = "form::one_or_many")]
            proxy_protocol: Vec<Network> => proxy_protocol,
            #[serde(with = "form::limit")]
            reconnect_interval: Option<Duration> => reconnect_interval,
            #[serde(with = "form::time")]
            reconnect_interval_max: Duration => reconnect_interval_max,
            #[serde(deserialize_with = "form::one_or_many")]
            reconnect_stop: Vec<ReconnectStop> => reconnect_stop,
            recv_buffer_size: Option<u32> => tcp.recv_buffer_size,
            #[serde(with = "form::limit")]
            resolve_interval: Option<Duration> => resolve_interval,
            send_buffer_size: Option<u32> => tcp.send_buffer_size,
            #[cfg(feature = "socks")]
            socks_proxy: Option<SocksProxy> => tcp.socks_proxy,
            source_address: Option<SocketAddr> => tcp.source_address,
            tcp_keepalive: Option<bool> => tcp.keepalive,
            #[cfg(tcp_keepalive_details)]
            tcp_keepalive_count: Option<u32> => tcp.keepalive_count,
            #[serde(with = "form::optional_time")]
            tcp_keepalive_idle: Option<Duration> => tcp.keepalive_idle,
            #[cfg(tcp_keepalive_details)]
            #[serde(with = "form::optional_time")]
            tcp_keepalive_interval: Option<Duration> => tcp.keepalive_interval,
            #[cfg(linux_kernel)]
            #[serde(with = "form::optional_time")]
            tcp_max_retransmission_time: Option<Duration> => tcp.max_retransmission_time,
            #[cfg(type_of_service)]
            type_of_service: Option<u8> => tcp.type_of_service,
            #[cfg(feature = "ws")]
            websocket_headers: RequestHeaders => websocket.headers,
            #[cfg(feature = "ws")]
            #[serde(deserialize_with = "form::optional_one_or_many")]
            websocket_origins: Option<Vec<String>> => websocket.origins,
        }
        receiving {
            ended_hwm_bytes: usize => ended_hwm_bytes,
            recv_hwm: usize => recv_hwm,
            recv_hwm_bytes: usize => recv_hwm_bytes,
            #[serde(with = "form::limit")]
            recv_timeout: Option<Duration> => recv_timeout,
        }
        parts {
            max_message_parts: usize => max_message_parts,
        }
        sending {
            send_hwm: usize => send_hwm,
            send_hwm_bytes: usize => send_hwm_bytes,
            #[serde(with = "form::limit")]
            send_timeout: Option<Duration> => send_timeout,
        }
        distribution {
            balance: Balance => distribution.balance,
            returned_hwm: usize => distribution.returned_hwm,
            returned_hwm_bytes: usize => distribution.returned_hwm_bytes,
            undelivered: Undelivered => distribution.undelivered,
        }
        identity {
            #[serde(with = "form::identity")]
            identity: Identity => identity,
            probe_router: bool => probe_router,
        }
        router {
            handover: bool => router.handover,
            unroutable: Unroutable => router.unroutable,
        }
        hello {
            #[serde(with = "form::optional_bytes")]
            hello_message: Option<Bytes> => hello_message,
        }
        disconnect {
            #[serde(with = "form::optional_bytes")]
            disconnect_message: Option<Bytes> => disconnect_message,
        }
        hiccup {
            #[serde(with = "form::optional_bytes")]
            hiccup_message: Option<Bytes> => hiccup_message,
        }
        groups {
            max_group_bytes: usize => groups.max_group_bytes,
            max_group_bytes_per_remote: usize => groups.max_group_bytes_per_remote,
            max_groups_per_remote: usize => groups.max_groups_per_remote,
            no_drop: bool => groups.no_drop,
        }
        topics {
            max_topic_bytes: usize => topics.max_topic_bytes,
            max_topic_bytes_per_remote: usize => topics.max_topic_bytes_per_remote,
            max_topics_per_remote: usize => topics.max_topics_per_remote,
            slow_subscriber: SlowSubscriber => topics.slow_subscriber,
            subscription_events: bool => subscription_events,
        }
        multicast {
            multicast_hops: u8 => udp.multicast_hops,
            multicast_loop: bool => udp.multicast_loop,
        }
        join {
            #[serde(with = "form::groups")]
            join: Vec<Group> => groups.join,
        }
        subscriptions {
            #[serde(with = "form::topics")]
            subscribe: Vec<Topic> => subscriptions.subscribe,
        }
        matching {
            invert_matching: bool => subscriptions.invert_matching,
        }
        reply {
            #[serde(with = "form::optional_parts")]
            reply_on_drop: Option<Multipart> => reply_on_drop,
        }
        requests {
            #[serde(with = "form::limit")]
            attempt_timeout: Option<Duration> => requests.attempt_timeout,
            attempts: u32 => requests.attempts,
            correlate: bool => requests.correlate,
            #[serde(with = "form::limit")]
            request_timeout: Option<Duration> => requests.timeout,
        }
        xpub {
            manual: bool => xpub.manual,
            verbosity: Verbosity => xpub.verbosity,
            #[serde(with = "form::optional_bytes")]
            welcome_message: Option<Bytes> => xpub.welcome_message,
        }
    }
}
