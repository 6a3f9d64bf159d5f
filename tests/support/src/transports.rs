//! Tests that run over every transport.

#[cfg(unix)]
use std::env;

use tokio_zmtp::{Endpoint, InprocEndpoint};

/// The transport between two sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Inproc,
    #[cfg(unix)]
    Ipc,
    Tcp,
}

impl Transport {
    /// Returns a unique endpoint to bind.
    pub fn any(self) -> Endpoint {
        match self {
            Self::Inproc => InprocEndpoint::unique().into(),
            #[cfg(unix)]
            Self::Ipc => {
                // Not `ipc://*`, so that it can be bound again.
                let path = env::temp_dir().join(InprocEndpoint::unique().name());
                format!("ipc://{}", path.display()).parse().unwrap()
            }
            Self::Tcp => "tcp://127.0.0.1:*".parse().unwrap(),
        }
    }
}

/// Runs `async fn $test(transport)` over each transport. Further arguments are passed to
/// `tokio::test`.
#[macro_export]
macro_rules! over_every_transport {
    ($test:ident $(, $($argument:tt)*)?) => {
        mod $test {
            use $crate::transports::Transport;

            #[tokio::test $(($($argument)*))?]
            async fn inproc() {
                super::$test(Transport::Inproc).await;
            }

            #[cfg(unix)]
            #[tokio::test $(($($argument)*))?]
            async fn ipc() {
                super::$test(Transport::Ipc).await;
            }

            #[tokio::test $(($($argument)*))?]
            async fn tcp() {
                super::$test(Transport::Tcp).await;
            }
        }
    };
}
pub use crate::over_every_transport;
