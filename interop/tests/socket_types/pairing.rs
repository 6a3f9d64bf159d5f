//! Two sides, one of either library.

use std::time::Duration;

use interop::TryError;
use support::transports::{self, Transport};
use tokio::time;

use crate::side::Side;

/// Which of the two sides that `join` takes binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binds {
    First,
    Second,
}

impl Binds {
    pub(crate) const EITHER: [Self; 2] = [Self::First, Self::Second];
}

/// Binds one of two sides, connects the other, and returns the endpoint.
pub(crate) async fn join(
    first: &impl Side,
    second: &impl Side,
    binds: Binds,
    transport: Transport,
) -> String {
    match binds {
        Binds::First => connect(second, first, transport).await,
        Binds::Second => connect(first, second, transport).await,
    }
}

/// Binds `bound`, connects `connected` to it, and returns the endpoint.
pub(crate) async fn connect(
    connected: &impl Side,
    bound: &impl Side,
    transport: Transport,
) -> String {
    let endpoint = bound.bind(&own_endpoint(transport)).await;
    connected.connect(&endpoint).await;
    endpoint
}

/// Returns an endpoint to bind that can be bound again later.
pub(crate) fn own_endpoint(transport: Transport) -> String {
    match transport {
        Transport::Tcp => transports::own_address().to_string(),
        _ => transport.any().to_string(),
    }
}

/// Runs `async fn $test::<$one, $other>(transport)` for each given pair of sides, over tcp and ipc.
macro_rules! for_each_pair {
    ($test:ident, $($case:ident: <$one:ty, $other:ty>),+) => {
        mod $test {
            use tokio_zmtp::*;

            use super::*;
            use crate::pairing::over_tcp_and_ipc;
            use crate::side::{Ours, Theirs};

            $(over_tcp_and_ipc!($case = $test::<$one, $other>);)+
        }
    };
}
pub(crate) use for_each_pair;

/// Runs `async fn $test(transport)` over tcp and ipc.
macro_rules! over_tcp_and_ipc {
    ($test:ident) => {
        crate::pairing::over_tcp_and_ipc!($test = $test);
    };
    ($case:ident = $test:expr) => {
        mod $case {
            use support::transports::Transport;

            use super::*;
            use crate::pairing::guarded;

            #[tokio::test]
            async fn over_tcp() {
                guarded($test(Transport::Tcp)).await;
            }

            #[cfg(unix)]
            #[tokio::test]
            async fn over_ipc() {
                guarded($test(Transport::Ipc)).await;
            }
        }
    };
}
pub(crate) use over_tcp_and_ipc;

/// Fails a test that hangs.
pub(crate) async fn guarded<T>(test: impl Future<Output = T>) -> T {
    time::timeout(GUARD, test).await.expect("the test hangs")
}

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

/// A time limit far beyond the duration of a test on a slow machine.
const GUARD: Duration = Duration::from_secs(60);

/// The interval for checking a condition that cannot be awaited.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(1);
