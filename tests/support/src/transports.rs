//! Tests that run over every transport.

#[cfg(unix)]
use std::cell::RefCell;
use std::net::Ipv4Addr;
#[cfg(unix)]
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
#[cfg(unix)]
use std::{env, fs};

use tokio::io;
use tokio_zmtp::{Endpoint, InprocEndpoint, Socket};

/// The transport between two sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Inproc,
    #[cfg(unix)]
    Ipc,
    /// Streams that the application establishes, between sockets that [`connect`](Self::connect)
    /// joins. Other connections to the endpoint use TCP.
    Stream,
    Tcp,
    /// Its sockets need certificates.
    Tls,
    WebSocket,
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
                let endpoint = format!("ipc://{}", path.display()).parse().unwrap();
                PATHS.with_borrow_mut(|paths| paths.0.push(path));
                endpoint
            }
            Self::Stream | Self::Tcp => own_address(),
            Self::Tls => format!("tls://{}:*", own_loopback()).parse().unwrap(),
            Self::WebSocket => format!("ws://{}:*/path", own_loopback()).parse().unwrap(),
        }
    }

    /// Connects a socket with another, which has bound an endpoint.
    pub async fn connect(
        self,
        socket: &impl Socket,
        to: &impl Socket,
        endpoint: impl Into<Endpoint>,
    ) {
        let endpoint = endpoint.into();
        if self != Self::Stream {
            return socket.connect(endpoint).await.unwrap();
        }
        let to = to.clone();
        let dialer = move |_| {
            let to = to.clone();
            async move {
                let (near, far) = io::duplex(CAPACITY);
                to.attach(far).await.map_err(io::Error::other)?;
                Ok(near)
            }
        };
        socket.connect_with(endpoint, dialer).await.unwrap();
    }
}

#[cfg(unix)]
thread_local! {
    /// The paths of this test, whose thread ends with it.
    static PATHS: RefCell<Paths> = const { RefCell::new(Paths(Vec::new())) };
}

/// Paths of sockets, whose files are removed with this value: libzmq leaves them.
#[cfg(unix)]
struct Paths(Vec<PathBuf>);

#[cfg(unix)]
impl Drop for Paths {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

/// Returns an endpoint to bind, with a port that the system picks and that can be bound again
/// later.
///
/// No other test binds the address, and no connection starts from it, so a released port is not
/// assigned to another socket.
pub fn own_address() -> Endpoint {
    format!("tcp://{}:*", own_loopback()).parse().unwrap()
}

/// Returns a loopback address that no other test uses.
///
/// Systems other than Linux have one loopback address.
pub fn own_loopback() -> Ipv4Addr {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    if !cfg!(target_os = "linux") {
        return Ipv4Addr::LOCALHOST;
    }
    // The factor spreads the ids of processes, which are close to one another.
    let first = process::id().wrapping_mul(0x9E37_79B1);
    let [_, high, middle, low] =
        first.wrapping_add(CALLS.fetch_add(1, Ordering::Relaxed)).to_be_bytes();
    // Excludes 127.0.0.1 and the network and broadcast addresses.
    Ipv4Addr::new(127, high % 254 + 1, middle, low)
}

/// The buffer of each direction of a stream, in bytes: small enough that writers wait for readers.
const CAPACITY: usize = 64;

/// Runs `async fn $test(transport)` over each transport. Further arguments are passed to
/// `tokio::test`. With `@tests`, the tests are functions of the calling module.
#[macro_export]
macro_rules! over_every_transport {
    ($test:ident $(, $($argument:tt)*)?) => {
        mod $test {
            $crate::over_every_transport!(@tests super::$test $(, $($argument)*)?);
        }
    };
    (@tests $test:path $(, $($argument:tt)*)?) => {
        #[tokio::test $(($($argument)*))?]
        async fn inproc() {
            $test($crate::transports::Transport::Inproc).await;
        }

        #[cfg(unix)]
        #[tokio::test $(($($argument)*))?]
        async fn ipc() {
            $test($crate::transports::Transport::Ipc).await;
        }

        #[tokio::test $(($($argument)*))?]
        async fn tcp() {
            $test($crate::transports::Transport::Tcp).await;
        }
    };
}
pub use crate::over_every_transport;

/// Does the same, and with the features for them also over TLS and WebSockets. The test gives its
/// sockets certificates.
#[macro_export]
macro_rules! over_every_transport_and_layer {
    ($test:ident $(, $($argument:tt)*)?) => {
        mod $test {
            $crate::over_every_transport_and_layer!(@tests super::$test $(, $($argument)*)?);
        }
    };
    (@tests $test:path $(, $($argument:tt)*)?) => {
        $crate::over_every_transport!(@tests $test $(, $($argument)*)?);

        #[cfg(feature = "tls")]
        #[tokio::test $(($($argument)*))?]
        async fn tls() {
            $test($crate::transports::Transport::Tls).await;
        }

        #[cfg(feature = "ws")]
        #[tokio::test $(($($argument)*))?]
        async fn websockets() {
            $test($crate::transports::Transport::WebSocket).await;
        }
    };
}
pub use crate::over_every_transport_and_layer;

/// Does the same, and also over streams. The test joins its sockets by
/// [`connect`](Transport::connect).
#[macro_export]
macro_rules! over_every_transport_and_streams {
    ($test:ident $(, $($argument:tt)*)?) => {
        mod $test {
            $crate::over_every_transport_and_streams!(@tests super::$test $(, $($argument)*)?);
        }
    };
    (@tests $test:path $(, $($argument:tt)*)?) => {
        $crate::over_every_transport_and_layer!(@tests $test $(, $($argument)*)?);

        #[tokio::test $(($($argument)*))?]
        async fn streams() {
            $test($crate::transports::Transport::Stream).await;
        }
    };
}
pub use crate::over_every_transport_and_streams;
