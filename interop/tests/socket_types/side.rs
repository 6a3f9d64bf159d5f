//! A socket of either library, of any type.

use std::io;
use std::marker::PhantomData;
use std::time::Duration;

use interop::{Context, Socket, SocketOption, ZapHandler};
use tokio::time;
use tokio_zmtp::{
    BindError, Builder, Channel, Client, Dealer, Dish, Gather, GroupMessage, Message, Multipart,
    Pair, Peer, Pub, Pull, Push, Radio, Rep, Req, Scatter, Server, Sub, XPub, XSub,
};

use crate::credentials::Credentials;
use crate::pairing::{POLL_INTERVAL, until_some};

/// One end of a connection.
pub(crate) trait Side: Sized {
    /// Creates a socket with the high-water mark `hwm` in each direction that its type has.
    fn with_hwm(hwm: usize) -> Self;

    /// Creates a socket that uses PLAIN or CURVE.
    fn secured_by(credentials: &Credentials) -> Self;

    fn new() -> Self {
        Self::with_hwm(DEFAULT_HWM)
    }

    /// Binds as soon as the address is free, and returns the endpoint with its actual port.
    async fn bind(&self, endpoint: &str) -> String;
    async fn connect(&self, endpoint: &str);
}

/// A socket of `tokio-zmtp`.
#[derive(Debug)]
pub(crate) struct Ours<S>(pub(crate) S);

/// A socket of libzmq, of the type that `S` has in `tokio-zmtp`.
///
/// Each has a separate context, and therefore a separate I/O thread.
#[derive(Debug)]
pub(crate) struct Theirs<S> {
    pub(crate) socket: Socket,
    /// Admits remotes if the socket is the server of a security mechanism, until it is dropped.
    _zap_handler: Option<ZapHandler>,
    socket_type: PhantomData<S>,
}

/// A socket type of `tokio-zmtp` that libzmq has as well.
pub(crate) trait SocketType: tokio_zmtp::Socket {
    const IN_LIBZMQ: interop::SocketType;
    type Message;

    /// Prepares a socket with the high-water mark `hwm` in each direction that the type has.
    fn builder_with_hwm(hwm: usize) -> Builder<Self>;
}

/// Implements `SocketType` by the message of a type and the options for its high-water marks.
macro_rules! socket_types {
    ($($name:ident: $message:ty, $($hwm:ident),+;)+) => {
        $(
            impl SocketType for $name {
                const IN_LIBZMQ: interop::SocketType = interop::SocketType::$name;
                type Message = $message;

                fn builder_with_hwm(hwm: usize) -> Builder<Self> {
                    Self::builder()$(.$hwm(hwm))+
                }
            }
        )+
    };
}

socket_types! {
    Channel: Message, send_hwm, recv_hwm;
    Client: Message, send_hwm, recv_hwm;
    Dealer: Multipart, send_hwm, recv_hwm;
    Dish: GroupMessage, recv_hwm;
    Gather: Message, recv_hwm;
    Pair: Multipart, send_hwm, recv_hwm;
    Peer: Message, send_hwm, recv_hwm;
    Pub: Multipart, send_hwm;
    Pull: Multipart, recv_hwm;
    Push: Multipart, send_hwm;
    Radio: GroupMessage, send_hwm;
    Rep: Multipart, send_hwm, recv_hwm;
    Req: Multipart, send_hwm;
    Scatter: Message, send_hwm;
    Server: Message, send_hwm, recv_hwm;
    Sub: Multipart, recv_hwm;
    XPub: Multipart, send_hwm, recv_hwm;
    XSub: Multipart, send_hwm, recv_hwm;
}

impl<S: SocketType> Side for Ours<S> {
    fn with_hwm(hwm: usize) -> Self {
        Self(reconnecting(S::builder_with_hwm(hwm)).build())
    }

    fn secured_by(credentials: &Credentials) -> Self {
        Self(credentials.secure_ours(S::builder_with_hwm(DEFAULT_HWM)).build())
    }

    async fn bind(&self, endpoint: &str) -> String {
        loop {
            match self.0.bind(endpoint).await {
                Ok(endpoint) => return endpoint.to_string(),
                Err(BindError::AddrInUse { .. }) => time::sleep(POLL_INTERVAL).await,
                Err(error) => panic!("cannot bind {endpoint}: {error}"),
            }
        }
    }

    async fn connect(&self, endpoint: &str) {
        self.0.connect(endpoint).await.unwrap();
    }
}

impl<S: SocketType> Side for Theirs<S> {
    fn with_hwm(hwm: usize) -> Self {
        let socket = Socket::new(&Context::new().unwrap(), S::IN_LIBZMQ).unwrap();
        let hwm = hwm.try_into().unwrap();
        for (option, value) in [
            (SocketOption::ReconnectInterval, RECONNECT_INTERVAL.as_millis().try_into().unwrap()),
            (SocketOption::RecvHwm, hwm),
            (SocketOption::SendHwm, hwm),
        ] {
            socket.set(option, value).unwrap();
        }
        Self { socket, _zap_handler: None, socket_type: PhantomData }
    }

    fn secured_by(credentials: &Credentials) -> Self {
        let theirs = Self::new();
        let zap_handler = credentials.secure_theirs(&theirs.socket);
        Self { _zap_handler: zap_handler, ..theirs }
    }

    async fn bind(&self, endpoint: &str) -> String {
        until_some(|| match self.socket.bind(endpoint) {
            Ok(()) => Some(self.socket.last_endpoint().unwrap()),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => None,
            Err(error) => panic!("cannot bind {endpoint}: {error}"),
        })
        .await
    }

    async fn connect(&self, endpoint: &str) {
        self.socket.connect(endpoint).unwrap();
    }
}

/// Shortens the reconnect interval, because tests wait for it.
pub(crate) fn reconnecting<S: tokio_zmtp::Socket>(builder: Builder<S>) -> Builder<S> {
    builder.reconnect_interval(RECONNECT_INTERVAL).reconnect_interval_max(RECONNECT_INTERVAL)
}

/// The default of both libraries.
pub(crate) const DEFAULT_HWM: usize = 1_000;

/// A short interval, because tests wait for it.
const RECONNECT_INTERVAL: Duration = Duration::from_millis(10);
