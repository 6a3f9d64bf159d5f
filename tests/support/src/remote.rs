//! A scripted remote, which reads and writes the bytes of a connection.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_zmtp::{Endpoint, RoutingId, Server};

use crate::transports::own_loopback;

/// The other end of one connection.
pub struct Remote {
    stream: TcpStream,
}

impl Remote {
    /// Connects to a bound socket without a greeting.
    pub async fn dial(endpoint: &Endpoint) -> Self {
        let stream = socket().connect(address(endpoint)).await.unwrap();
        Self::new(stream)
    }

    /// Connects to a socket that may be unbound.
    pub async fn dial_if_bound(endpoint: &Endpoint) -> Option<Self> {
        let stream = socket().connect(address(endpoint)).await;
        stream.ok().map(Self::new)
    }

    /// Connects to a bound server, and completes the handshake.
    pub async fn client(endpoint: &Endpoint) -> Self {
        let mut remote = Self::dial(endpoint).await;
        remote.shake_hands("CLIENT").await;
        remote
    }

    /// Connects to a bound server without other remotes. Returns the routing id that the server
    /// assigns.
    pub async fn known_to(server: &Server) -> (Self, RoutingId) {
        let mut remote = Self::client(&server.last_endpoint().unwrap()).await;
        remote.write(&message(b"hello")).await;
        let id = server.recv().await.unwrap().routing_id().unwrap();
        (remote, id)
    }

    /// Creates a remote from an established stream.
    pub fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self { stream }
    }

    /// Returns the address of this end.
    pub fn address(&self) -> SocketAddr {
        self.stream.local_addr().unwrap()
    }

    /// Exchanges greetings and READY commands.
    ///
    /// The socket may have sent its READY before it has read this one. Call [`sync`](Self::sync) to
    /// wait for the end of its handshake.
    pub async fn shake_hands(&mut self, socket_type: &str) {
        self.shake_hands_as(socket_type, 1).await;
    }

    /// Does the same as a remote of ZMTP 3.`minor`.
    pub async fn shake_hands_as(&mut self, socket_type: &str, minor: u8) {
        let mut greeting = GREETING;
        greeting[11] = minor;
        self.write(&greeting).await;
        self.write(&ready(socket_type)).await;
        assert_eq!(self.read(GREETING.len()).await, GREETING);
        let (flags, body) = self.read_frame().await;
        assert_eq!((flags, &body[..6]), (COMMAND, &b"\x05READY"[..]));
    }

    /// Waits until the socket has handled all written bytes. No other bytes may be in flight.
    pub async fn sync(&mut self) {
        self.write(&ping(b"sync")).await;
        assert_eq!(self.read_frame().await, (COMMAND, b"\x04PONGsync".to_vec()));
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    pub async fn read(&mut self, bytes: usize) -> Vec<u8> {
        let mut read = vec![0; bytes];
        self.stream.read_exact(&mut read).await.unwrap();
        read
    }

    /// Reads the flags and the body of a frame.
    pub async fn read_frame(&mut self) -> (u8, Vec<u8>) {
        let (flags, size) = self.read_header().await;
        (flags, self.read(size).await)
    }

    /// Reads the flags of a frame and the size that it announces.
    pub async fn read_header(&mut self) -> (u8, usize) {
        let flags = self.stream.read_u8().await.unwrap();
        let size = if flags & LONG == 0 {
            self.stream.read_u8().await.unwrap().into()
        } else {
            self.stream.read_u64().await.unwrap()
        };
        (flags, size.try_into().unwrap())
    }

    /// Reads a single-part message.
    pub async fn read_message(&mut self) -> Vec<u8> {
        let (flags, body) = self.read_frame().await;
        assert_eq!(flags & !LONG, 0);
        body
    }

    /// Reads the bytes that have arrived, as soon as there are some; `None` when the connection has
    /// ended.
    pub async fn read_some(&mut self) -> Option<Vec<u8>> {
        let mut read = vec![0; 0x1_0000];
        let len = self.stream.read(&mut read).await.ok().filter(|len| *len > 0)?;
        read.truncate(len);
        Some(read)
    }

    /// Waits until bytes are available, without reading them.
    pub async fn peek(&self) {
        self.stream.peek(&mut [0]).await.unwrap();
    }

    /// Reads until the socket closes or resets the connection.
    pub async fn read_to_end(&mut self) -> Vec<u8> {
        let mut read = Vec::new();
        match self.stream.read_to_end(&mut read).await {
            Ok(_) => {}
            Err(error) if is_reset(&error) => {}
            Err(error) => panic!("{error}"),
        }
        read
    }

    /// Writes all bytes, or fewer if the socket closes the connection.
    pub async fn write_what_is_taken(&mut self, bytes: &[u8]) {
        match self.stream.write_all(bytes).await {
            Ok(()) => {}
            Err(error) if is_reset(&error) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// Writes `bytes`, and concurrently reads a given number of bytes.
    pub async fn exchange(&mut self, bytes: &[u8], read: usize) -> Vec<u8> {
        let (mut reader, mut writer) = self.stream.split();
        let mut received = vec![0; read];
        tokio::try_join!(writer.write_all(bytes), reader.read_exact(&mut received)).unwrap();
        received
    }

    /// Resets the connection, so that the system keeps no state of it.
    pub fn reset(self) {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Shuts down the writing direction of the stream.
    pub async fn shut_down(&mut self) {
        self.stream.shutdown().await.unwrap();
    }
}

/// A reserved port without a listener, to which sockets can connect.
///
/// Its address is unique, so other tests cannot use the port.
pub struct ReservedPort {
    socket: TcpSocket,
}

impl ReservedPort {
    pub fn reserve() -> Self {
        let socket = socket();
        socket.bind((own_loopback(), 0).into()).unwrap();
        Self { socket }
    }

    pub fn endpoint(&self) -> Endpoint {
        self.socket.local_addr().unwrap().into()
    }

    /// Releases the port, so that a socket can bind it.
    pub fn release(self) -> Endpoint {
        self.endpoint()
    }

    /// Starts to listen.
    pub fn listen(self) -> RemoteListener {
        RemoteListener { listener: self.socket.listen(16).unwrap() }
    }
}

/// A listener that accepts connections as scripted remotes.
pub struct RemoteListener {
    listener: TcpListener,
}

impl RemoteListener {
    pub fn bind() -> Self {
        ReservedPort::reserve().listen()
    }

    pub fn endpoint(&self) -> Endpoint {
        self.listener.local_addr().unwrap().into()
    }

    /// Accepts the next connection without a greeting.
    pub async fn accept(&self) -> Remote {
        Remote::new(self.listener.accept().await.unwrap().0)
    }

    /// Accepts the next connection, and completes the handshake.
    pub async fn accept_as(&self, socket_type: &str) -> Remote {
        let mut remote = self.accept().await;
        remote.shake_hands(socket_type).await;
        remote
    }

    /// Returns the number of established connections that were not accepted.
    pub fn backlog(self) -> usize {
        let listener = self.listener.into_std().unwrap();
        std::iter::from_fn(|| match listener.accept() {
            Ok(connection) => Some(connection),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("{error}"),
        })
        .count()
    }
}

/// Returns the frame of a single-part message.
pub fn message(body: &[u8]) -> Vec<u8> {
    frame(0, body)
}

/// Returns the frame of a command.
pub fn command(name: &str, data: &[u8]) -> Vec<u8> {
    let name_len = name.len().try_into().unwrap();
    frame(COMMAND, &[&[name_len], name.as_bytes(), data].concat())
}

pub fn ping(context: &[u8]) -> Vec<u8> {
    command("PING", &[b"\0\0", context].concat())
}

pub fn ready(socket_type: &str) -> Vec<u8> {
    command("READY", &property("Socket-Type", socket_type.as_bytes()))
}

/// Encodes a property of a READY command.
pub fn property(name: &str, value: &[u8]) -> Vec<u8> {
    let name_len = name.len().try_into().unwrap();
    let value_len = u32::try_from(value.len()).unwrap().to_be_bytes();
    [&[name_len], name.as_bytes(), &value_len, value].concat()
}

fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    match u8::try_from(body.len()) {
        Ok(size) => [&[flags, size], body].concat(),
        Err(_) => {
            let size = (body.len() as u64).to_be_bytes();
            [&[flags | LONG], &size[..], body].concat()
        }
    }
}

pub fn socket() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(RECV_BUFFER).unwrap();
    socket
}

pub fn address(endpoint: &Endpoint) -> SocketAddr {
    endpoint.to_string().strip_prefix("tcp://").unwrap().parse().unwrap()
}

fn is_reset(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}

/// The greeting of ZMTP 3.1 with the mechanism NULL (RFC 37, Formal Grammar).
pub const GREETING: [u8; 64] =
    *b"\xFF\0\0\0\0\0\0\0\0\x7F\x03\x01NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
       \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

// Flags of a frame (RFC 37, Framing).
pub const MORE: u8 = 0x01;
pub const LONG: u8 = 0x02;
pub const COMMAND: u8 = 0x04;

/// The length of a body that exceeds the system's buffers between a socket and a remote that does
/// not read. On Linux, the send buffer grows to 4 MiB, and the receive buffer is `RECV_BUFFER`.
pub const LONGER_THAN_BUFFERS: usize = 0x100_0000;

/// The size of a receive buffer. It is small, so that a remote that does not read soon blocks its
/// socket, but not smaller than the segments of the loopback interface.
const RECV_BUFFER: u32 = 0x2_0000;
