//! The sockets' keys, each stated once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{ConfigError, SocketConfig, form, security};
use crate::auth::Network;
use crate::endpoint::Endpoint;
use crate::error::PropertyError;
#[cfg(feature = "socks")]
use crate::options::SocksProxy;
use crate::options::{Options, ReconnectStop};
use crate::proto::mechanism::Mechanism;
use crate::socket::{Builder, Client, Server};

/// Calls a macro with what it is given, followed by the options that every socket has.
///
/// A line is an option: its key, which is the name of its setter in [`Builder`], the type of its
/// value, and its place in [`Options`].
macro_rules! with_options {
    ($call:ident! { $($given:tt)* }) => {
        $call! {
            $($given)*
            backlog: u32 => tcp.backlog,
            #[cfg(any(target_os = "android", target_os = "linux"))]
            bind_to_device: Option<String> => tcp.device,
            #[serde(with = "form::limit")]
            connect_timeout: Option<Duration> => connect_timeout,
            #[serde(with = "security::domain")]
            domain: Arc<str> => domain,
            ended_hwm_bytes: usize => ended_hwm_bytes,
            #[serde(with = "form::limit")]
            handshake_interval: Option<Duration> => handshake_interval,
            #[serde(with = "form::limit")]
            heartbeat_interval: Option<Duration> => heartbeat.interval,
            #[serde(with = "form::optional_time")]
            heartbeat_timeout: Option<Duration> => heartbeat.timeout,
            #[serde(with = "form::optional_time")]
            heartbeat_ttl: Option<Duration> => heartbeat.ttl,
            #[serde(with = "form::optional_bytes")]
            hello_message: Option<Bytes> => hello_message,
            immediate: bool => immediate,
            #[cfg(unix)]
            ipc_group: Option<u32> => ipc.group,
            #[cfg(unix)]
            #[serde(with = "form::optional_mode")]
            ipc_mode: Option<u32> => ipc.mode,
            #[cfg(unix)]
            ipc_owner: Option<u32> => ipc.owner,
            #[cfg(unix)]
            ipc_proxy_protocol: bool => ipc.proxy_protocol,
            #[serde(with = "form::limit")]
            linger: Option<Duration> => linger,
            max_half_open: usize => max_half_open,
            max_half_open_per_address: usize => max_half_open_per_address,
            max_message_size: Option<u64> => max_message_size,
            #[serde(with = "security::mechanism")]
            mechanism: Mechanism => mechanism,
            #[cfg(any(target_os = "android", target_os = "linux"))]
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
            recv_hwm: usize => recv_hwm,
            recv_hwm_bytes: usize => recv_hwm_bytes,
            #[serde(with = "form::limit")]
            recv_timeout: Option<Duration> => recv_timeout,
            #[serde(with = "form::limit")]
            resolve_interval: Option<Duration> => resolve_interval,
            send_buffer_size: Option<u32> => tcp.send_buffer_size,
            send_hwm: usize => send_hwm,
            send_hwm_bytes: usize => send_hwm_bytes,
            #[serde(with = "form::limit")]
            send_timeout: Option<Duration> => send_timeout,
            #[cfg(feature = "socks")]
            socks_proxy: Option<SocksProxy> => tcp.socks_proxy,
            source_address: Option<SocketAddr> => tcp.source_address,
            tcp_keepalive: Option<bool> => tcp.keepalive,
            #[cfg(any(
                target_os = "android",
                target_os = "dragonfly",
                target_os = "freebsd",
                target_os = "illumos",
                target_os = "linux",
                target_os = "netbsd",
                target_os = "windows",
                target_vendor = "apple"
            ))]
            tcp_keepalive_count: Option<u32> => tcp.keepalive_count,
            #[serde(with = "form::optional_time")]
            tcp_keepalive_idle: Option<Duration> => tcp.keepalive_idle,
            #[cfg(any(
                target_os = "android",
                target_os = "dragonfly",
                target_os = "freebsd",
                target_os = "illumos",
                target_os = "linux",
                target_os = "netbsd",
                target_os = "windows",
                target_vendor = "apple"
            ))]
            #[serde(with = "form::optional_time")]
            tcp_keepalive_interval: Option<Duration> => tcp.keepalive_interval,
            #[cfg(any(target_os = "android", target_os = "linux"))]
            #[serde(with = "form::optional_time")]
            tcp_max_retransmission_time: Option<Duration> => tcp.max_retransmission_time,
            #[cfg(any(
                target_os = "android",
                target_os = "dragonfly",
                target_os = "freebsd",
                target_os = "illumos",
                target_os = "linux",
                target_os = "macos",
                target_os = "netbsd",
                target_os = "openbsd"
            ))]
            type_of_service: Option<u8> => tcp.type_of_service,
        }
    };
}

/// Declares what describes a socket of one type.
macro_rules! config {
    ($(#[$attribute:meta])* $name:ident for $socket:ident; $($line:tt)*) => {
        table! { $(#[$attribute])* #[non_exhaustive] pub struct $name {} $($line)* }
        methods! { $name for $socket; $($line)* }
    };
}

/// Declares a struct whose fields are the keys of a table, and fills in the defaults.
macro_rules! table {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident { $($tag:ident: $tag_type:ty)? }
        $(
            $(#[cfg($($cfg:tt)*)])?
            $(#[serde($($serde:tt)*)])?
            $key:ident: $type:ty => $($place:ident).+,
        )*
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
        #[serde(default, deny_unknown_fields)]
        $visibility struct $name {
            $($visibility $tag: $tag_type,)?
            /// Where the socket is bound.
            #[serde(deserialize_with = "form::one_or_many")]
            $visibility bind: Vec<Endpoint>,
            /// Where the socket is connected to.
            #[serde(deserialize_with = "form::one_or_many")]
            $visibility connect: Vec<Endpoint>,
            /// Where the socket is connected to with all addresses of a name.
            #[serde(deserialize_with = "form::one_or_many")]
            $visibility connect_all: Vec<Endpoint>,
            $(
                $(#[cfg($($cfg)*)])?
                #[doc = concat!("What [`Builder::", stringify!($key), "`] sets.")]
                $(#[serde($($serde)*)])?
                $visibility $key: $type,
            )*
            /// What [`Builder::metadata`] adds: names and values.
            #[serde(deserialize_with = "form::properties")]
            $visibility metadata: BTreeMap<String, String>,
        }

        impl Default for $name {
            fn default() -> Self {
                let options = Options::default();
                Self {
                    $($tag: None,)?
                    bind: Vec::new(),
                    connect: Vec::new(),
                    connect_all: Vec::new(),
                    $($(#[cfg($($cfg)*)])? $key: options.$($place).+,)*
                    metadata: BTreeMap::new(),
                }
            }
        }
    };
}

/// Implements what is done with the description of a socket.
macro_rules! methods {
    (
        $name:ident for $socket:ident;
        $(
            $(#[cfg($($cfg:tt)*)])?
            $(#[serde($($serde:tt)*)])?
            $key:ident: $type:ty => $($place:ident).+,
        )*
    ) => {
        impl $name {
            /// Returns a builder with these options, to go on from. It knows nothing of the endpoints.
            ///
            /// # Errors
            ///
            /// [`ConfigError::Property`] if there is anything in `metadata` that
            /// [`Builder::metadata`] refuses.
            pub fn builder(&self) -> Result<Builder<$socket>, ConfigError> {
                let config = self.clone();
                let mut options = Options::default();
                $($(#[cfg($($cfg)*)])? { options.$($place).+ = config.$key; })*
                announce(Builder::with_options(options), &self.metadata)
                    .map_err(|(name, source)| ConfigError::Property { name, source })
            }

            /// Makes the socket, binds it to all its endpoints and then connects it to all.
            ///
            /// Returns as soon as the latter are registered. Connections are made in the background,
            /// and made again whenever they break.
            ///
            /// # Cancel safety
            ///
            /// Dropping the future leaves nothing bound or connected.
            ///
            /// # Errors
            ///
            /// [`ConfigError`], and nothing is bound or connected, if one of the endpoints or
            /// properties is refused.
            ///
            /// # Panics
            ///
            /// Outside of a Tokio runtime with IO and time enabled.
            pub async fn start(&self) -> Result<$socket, ConfigError> {
                super::start(self.builder()?, &self.bind, &self.connect, &self.connect_all).await
            }

            fn from_table(table: Table) -> Self {
                Self {
                    bind: table.bind,
                    connect: table.connect,
                    connect_all: table.connect_all,
                    $($(#[cfg($($cfg)*)])? $key: table.$key,)*
                    metadata: table.metadata,
                }
            }
        }
    };
}

with_options! { config! {
    /// Describes a [`Client`].
    ClientConfig for Client;
    #[serde(with = "form::optional_bytes")]
    hiccup_message: Option<Bytes> => hiccup_message,
} }

with_options! { config! {
    /// Describes a [`Server`].
    ServerConfig for Server;
    #[serde(with = "form::optional_bytes")]
    disconnect_message: Option<Bytes> => disconnect_message,
} }

with_options! { table! {
    /// Describes a socket of a type that is not known before the last key is read.
    pub(super) struct Table { r#type: Option<Type> }
    #[serde(with = "form::optional_bytes")]
    disconnect_message: Option<Bytes> => disconnect_message,
    #[serde(with = "form::optional_bytes")]
    hiccup_message: Option<Bytes> => hiccup_message,
} }

/// The value of the key `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Type {
    Client,
    Server,
}

impl TryFrom<Table> for SocketConfig {
    type Error = &'static str;

    fn try_from(table: Table) -> Result<Self, Self::Error> {
        match table.r#type {
            Some(Type::Client) if table.disconnect_message.is_some() => {
                Err("unknown field `disconnect_message`: it is an option of servers")
            }
            Some(Type::Client) => Ok(Self::Client(ClientConfig::from_table(table))),
            Some(Type::Server) if table.hiccup_message.is_some() => {
                Err("unknown field `hiccup_message`: it is an option of clients")
            }
            Some(Type::Server) => Ok(Self::Server(ServerConfig::from_table(table))),
            None => Err("missing field `type`: write \"client\" or \"server\""),
        }
    }
}

/// Adds properties to what a socket announces; or returns the one that is refused, and why.
pub(super) fn announce<S>(
    builder: Builder<S>,
    properties: &BTreeMap<String, String>,
) -> Result<Builder<S>, (String, PropertyError)> {
    properties.iter().try_fold(builder, |builder, (name, value)| {
        builder.metadata(name, value).map_err(|error| (name.clone(), error))
    })
}
