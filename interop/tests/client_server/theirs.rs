//! CLIENT and SERVER of libzmq.

use std::io;

use interop::{
    Context, Message, Received, Socket, SocketOption, SocketType, TryError, number, numbered,
};
use tokio::{task, time};

use crate::pairing::{ClientSide, GUARD, POLL_INTERVAL, Routed, ServerSide, Side};

#[derive(Debug)]
pub(crate) struct TheirClient(pub(crate) Socket);

#[derive(Debug)]
pub(crate) struct TheirServer(pub(crate) Socket);

pub(crate) fn client(hwm: usize) -> TheirClient {
    TheirClient(socket(SocketType::Client, hwm))
}

pub(crate) fn server(hwm: usize) -> TheirServer {
    TheirServer(socket(SocketType::Server, hwm))
}

/// Creates a client that has queues for connected remotes only.
pub(crate) fn immediate_client(hwm: usize) -> TheirClient {
    let client = client(hwm);
    client.0.set(SocketOption::Immediate, 1).unwrap();
    client
}

/// Creates a server that has queues for connected remotes only.
pub(crate) fn immediate_server(hwm: usize) -> TheirServer {
    let server = server(hwm);
    server.0.set(SocketOption::Immediate, 1).unwrap();
    server
}

/// Creates a socket in a separate context, and therefore with a separate I/O thread.
pub(crate) fn socket(socket_type: SocketType, hwm: usize) -> Socket {
    let socket = Socket::new(&Context::new().unwrap(), socket_type).unwrap();
    let guard = GUARD.as_millis().try_into().unwrap();
    let hwm = hwm.try_into().unwrap();
    for (option, value) in [
        (SocketOption::ReconnectInterval, RECONNECT_INTERVAL),
        (SocketOption::RecvHwm, hwm),
        (SocketOption::RecvTimeout, guard),
        (SocketOption::SendHwm, hwm),
        (SocketOption::SendTimeout, guard),
    ] {
        socket.set(option, value).unwrap();
    }
    socket
}

/// Receives a message with its properties.
pub(crate) async fn recv_message(socket: &Socket) -> Message {
    until_some(|| {
        let mut message = Message::new().unwrap();
        would_not_block(socket.try_recv_message(&mut message)).map(|()| message)
    })
    .await
}

impl Side for TheirClient {
    async fn bind(&self, endpoint: &str) -> String {
        bind_patiently(&self.0, endpoint).await
    }

    async fn connect(&self, endpoint: &str) {
        self.0.connect(endpoint).unwrap();
    }
}

impl Side for TheirServer {
    async fn bind(&self, endpoint: &str) -> String {
        bind_patiently(&self.0, endpoint).await
    }

    async fn connect(&self, endpoint: &str) {
        self.0.connect(endpoint).unwrap();
    }
}

impl ClientSide for TheirClient {
    fn try_send(&self, body: &[u8]) -> bool {
        would_not_block(self.0.try_send(body)).is_some()
    }

    async fn send(&self, body: &[u8]) {
        until_some(|| would_not_block(self.0.try_send(body))).await;
    }

    async fn recv(&self) -> Vec<u8> {
        until_some(|| would_not_block(self.0.try_recv())).await.body
    }

    async fn send_numbered(&self, count: u64, size: usize) {
        let socket = self.0.clone();
        on_a_thread(move || {
            for body in (0..count).map(|number| numbered(number, size)) {
                socket.send(&body).unwrap();
            }
        })
        .await;
    }

    async fn recv_numbered(&self, count: u64) {
        recv_numbered(&self.0, count).await;
    }
}

impl ServerSide for TheirServer {
    type Id = u32;

    fn unassigned_id(number: u32) -> u32 {
        number
    }

    fn try_route(&self, id: u32, body: &[u8]) -> Routed {
        match self.0.try_send_to(body, id) {
            Ok(()) => Routed::Sent,
            Err(TryError::WouldBlock) => Routed::Full,
            Err(TryError::Failed(error)) if error.kind() == io::ErrorKind::HostUnreachable => {
                Routed::Unreachable
            }
            Err(error) => panic!("cannot route: {error}"),
        }
    }

    async fn route(&self, id: u32, body: &[u8]) {
        until_some(|| would_not_block(self.0.try_send_to(body, id))).await;
    }

    async fn recv(&self) -> (Vec<u8>, u32) {
        let Received { body, routing_id } = until_some(|| would_not_block(self.0.try_recv())).await;
        assert_ne!(routing_id, 0);
        (body, routing_id)
    }

    async fn route_numbered(&self, count: u64, size: usize, id: u32) {
        let socket = self.0.clone();
        on_a_thread(move || {
            for body in (0..count).map(|number| numbered(number, size)) {
                socket.send_to(&body, id).unwrap();
            }
        })
        .await;
    }

    async fn recv_numbered(&self, count: u64) {
        recv_numbered(&self.0, count).await;
    }
}

async fn bind_patiently(socket: &Socket, endpoint: &str) -> String {
    until_some(|| match socket.bind(endpoint) {
        Ok(()) => Some(socket.last_endpoint().unwrap()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => None,
        Err(error) => panic!("cannot bind {endpoint}: {error}"),
    })
    .await
}

async fn recv_numbered(socket: &Socket, count: u64) {
    let socket = socket.clone();
    on_a_thread(move || {
        for expected in 0..count {
            assert_eq!(number(&socket.recv().unwrap().body), Some(expected));
        }
    })
    .await;
}

/// Runs blocking calls of libzmq on another thread. They have the same timeout as the guard.
async fn on_a_thread(blocking: impl FnOnce() + Send + 'static) {
    task::spawn_blocking(blocking).await.unwrap();
}

/// Polls libzmq, which does not wake tasks. The interval does not matter for a single message, and
/// unlike a blocking call, polling can be cancelled.
async fn until_some<T>(mut poll: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(done) = poll() {
            return done;
        }
        time::sleep(POLL_INTERVAL).await;
    }
}

fn would_not_block<T>(result: Result<T, TryError>) -> Option<T> {
    match result {
        Ok(done) => Some(done),
        Err(TryError::WouldBlock) => None,
        Err(TryError::Failed(error)) => panic!("{error}"),
    }
}

/// A short interval in milliseconds, because tests wait for it.
const RECONNECT_INTERVAL: i32 = 10;
