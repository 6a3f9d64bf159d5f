//! Operations on sockets of both libraries, for all socket types.

use std::io;
use std::time::Duration;

use interop::{Context, EventKind, Monitor, Socket, SocketOption, SocketType, TryError};
use support::transports::{self, Transport};
use tokio::time;
use tokio_zmtp::monitor::{EventKind as OurEventKind, HandshakeFailure};
use tokio_zmtp::{BindError, Builder, SocketType as OurSocketType};

/// Binds a socket of ours as soon as the address is free, and returns the endpoint with its actual
/// port.
pub(crate) async fn bind_ours(socket: &impl tokio_zmtp::Socket, endpoint: &str) -> String {
    loop {
        match socket.bind(endpoint).await {
            Ok(endpoint) => return endpoint.to_string(),
            Err(BindError::AddrInUse { .. }) => time::sleep(POLL_INTERVAL).await,
            Err(error) => panic!("cannot bind {endpoint}: {error}"),
        }
    }
}

/// Binds a socket of theirs in the same way.
pub(crate) async fn bind_theirs(socket: &Socket, endpoint: &str) -> String {
    until_some(|| match socket.bind(endpoint) {
        Ok(()) => Some(socket.last_endpoint().unwrap()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => None,
        Err(error) => panic!("cannot bind {endpoint}: {error}"),
    })
    .await
}

/// Shortens the reconnect interval, because tests wait for it.
pub(crate) fn reconnecting<S: tokio_zmtp::Socket>(builder: Builder<S>) -> Builder<S> {
    builder.reconnect_interval(RECONNECT_INTERVAL).reconnect_interval_max(RECONNECT_INTERVAL)
}

/// Creates a libzmq socket with the high-water mark `hwm` in both directions.
pub(crate) fn socket_with_hwm(socket_type: SocketType, hwm: usize) -> Socket {
    let socket = socket(socket_type);
    let hwm = hwm.try_into().unwrap();
    socket.set(SocketOption::RecvHwm, hwm).unwrap();
    socket.set(SocketOption::SendHwm, hwm).unwrap();
    socket
}

/// Creates a libzmq socket in a separate context, and therefore with a separate I/O thread.
pub(crate) fn socket(socket_type: SocketType) -> Socket {
    let socket = Socket::new(&Context::new().unwrap(), socket_type).unwrap();
    let interval = RECONNECT_INTERVAL.as_millis().try_into().unwrap();
    socket.set(SocketOption::ReconnectInterval, interval).unwrap();
    socket
}

/// Returns an endpoint to bind that can be bound again later.
pub(crate) fn own_endpoint(transport: Transport) -> String {
    match transport {
        Transport::Tcp => transports::own_address().to_string(),
        _ => transport.any().to_string(),
    }
}

/// Fails a test that hangs.
pub(crate) async fn guarded<T>(test: impl Future<Output = T>) -> T {
    time::timeout(GUARD, test).await.expect("the test hangs")
}

/// Connects their socket to ours, and expects both to report the failed handshake.
pub(crate) async fn refuse_each_other<S: tokio_zmtp::Socket>(
    ours: &S,
    theirs: &Socket,
    their_type: OurSocketType,
) {
    let mut of_ours = ours.monitor();
    let of_theirs = theirs.monitor().unwrap();
    let endpoint = ours.bind(ANY_PORT).await.unwrap();
    theirs.connect(&endpoint.to_string()).unwrap();

    let failure = loop {
        let event = of_ours.recv().await.unwrap().unwrap();
        if let OurEventKind::HandshakeFailed { reason } = event.kind {
            break reason;
        }
    };
    let HandshakeFailure::IncompatibleSocketType { local, remote } = failure else {
        panic!("{failure:?}");
    };
    assert_eq!((local, remote), (S::SOCKET_TYPE, their_type));
    until_refused(&of_theirs).await;
}

/// Waits until the handshake of a socket of theirs has failed.
pub(crate) async fn until_refused(monitor: &Monitor) {
    loop {
        match monitor.try_next().unwrap() {
            Some(event) => match event.kind {
                EventKind::Disconnected => return,
                kind if kind.is_handshake_failure() => return,
                kind => assert_ne!(kind, EventKind::HandshakeSucceeded),
            },
            None => time::sleep(POLL_INTERVAL).await,
        }
    }
}

/// Runs `async fn $test::<$one, $other>(transport)` for each given pair of sides, over tcp and ipc.
macro_rules! both_ways {
    ($test:ident, $($case:ident: <$one:ty, $other:ty>),+) => {
        mod $test {
            $(
                mod $case {
                    use support::transports::Transport;

                    use crate::pairing::guarded;

                    #[tokio::test]
                    async fn over_tcp() {
                        guarded(super::super::$test::<$one, $other>(Transport::Tcp)).await;
                    }

                    #[cfg(unix)]
                    #[tokio::test]
                    async fn over_ipc() {
                        guarded(super::super::$test::<$one, $other>(Transport::Ipc)).await;
                    }
                }
            )+
        }
    };
}
pub(crate) use both_ways;

/// Polls libzmq, which does not wake tasks.
pub(crate) async fn until_some<T>(mut poll: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(done) = poll() {
            return done;
        }
        time::sleep(POLL_INTERVAL).await;
    }
}

pub(crate) fn would_not_block<T>(result: Result<T, TryError>) -> Option<T> {
    match result {
        Ok(done) => Some(done),
        Err(TryError::WouldBlock) => None,
        Err(TryError::Failed(error)) => panic!("{error}"),
    }
}

pub(crate) const ANY_PORT: &str = "tcp://127.0.0.1:*";

/// The default of both libraries.
pub(crate) const DEFAULT_HWM: usize = 1_000;

/// A short interval, because tests wait for it.
pub(crate) const RECONNECT_INTERVAL: Duration = Duration::from_millis(10);

/// A time limit far beyond the duration of a test on a slow machine.
const GUARD: Duration = Duration::from_secs(60);

/// The interval for checking a condition that cannot be awaited.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(1);
