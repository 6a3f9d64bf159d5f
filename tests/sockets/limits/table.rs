//! The limits of every option, and what is expected of each.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tokio_zmtp::{Builder, Client, Mechanism, ReconnectStop, Server};

use super::trial::ConnectionPath;
use super::{LEAST, MAX, ZERO};

/// One value of one option.
pub(super) struct Row {
    pub(super) option: &'static str,
    pub(super) value: &'static str,
    pub(super) expected: Expected,
    pub(super) client: fn(Builder<Client>) -> Builder<Client>,
    pub(super) server: fn(Builder<Server>) -> Builder<Server>,
}

/// The expected result of a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expected {
    Works,
    /// The value disables reconnecting.
    WorksOnce,
    /// The system refuses the value when it is applied, and the error contains this name.
    Refused(&'static str),
    /// The value is refused, or works, depending on the system and on the privileges of the
    /// process.
    MayBeRefused(&'static str),
}

impl Row {
    pub(super) fn check(
        &self,
        path: ConnectionPath,
        outcome: Result<(), String>,
    ) -> Result<(), String> {
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
pub(super) fn rows() -> Vec<Row> {
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

/// Longer than the name of any network interface.
const LONG_NAME: &str = "a-name-of-more-than-fifteen-bytes";
