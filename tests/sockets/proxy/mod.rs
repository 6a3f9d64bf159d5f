//! Proxies between two sockets.
//!
//! A server in the *east* is connected to the frontend, and one in the *west* to the backend.

mod capture;
mod channels;
mod control;
mod ending;
mod forwarding;
mod groups;
mod losses;
mod one_way;
mod pairs;
mod subscriptions;

use std::future::poll_fn;
use std::task::Poll;

use tokio::task::{self, JoinHandle};
use tokio_zmtp::proxy::{Proxy, ProxyHandle, ProxyReport};
use tokio_zmtp::{Client, Message, RoutingId, Server, proxy};

use crate::over_transport::OverTransport;
use crate::transports::Transport;

/// Two servers, and the sockets between them.
struct Ends {
    east: Server,
    /// The routing id of the frontend at the server in the east.
    frontend_id: RoutingId,
    frontend: Client,
    backend: Client,
    /// The routing id of the backend at the server in the west.
    backend_id: RoutingId,
    west: Server,
}

impl Ends {
    /// Connects all sockets. All queues have the same high-water mark.
    async fn new(transport: Transport, hwm: usize) -> Self {
        let (east, frontend, frontend_id) = pair(transport, hwm).await;
        let (west, backend, backend_id) = pair(transport, hwm).await;
        Self { east, frontend_id, frontend, backend, backend_id, west }
    }

    fn proxy(&self) -> Proxy {
        proxy(&self.frontend, &self.backend)
    }

    fn start(&self) -> (JoinHandle<ProxyReport>, ProxyHandle) {
        let proxy = self.proxy();
        let handle = proxy.handle();
        (tokio::spawn(proxy), handle)
    }

    async fn send_west(&self, message: impl Into<Message>) {
        self.east.route(self.frontend_id, message).await.unwrap();
    }

    async fn send_east(&self, message: impl Into<Message>) {
        self.west.route(self.backend_id, message).await.unwrap();
    }

    /// Sends numbers from the east until all queues are full. Returns the number of queued
    /// messages.
    async fn fill_west(&self) -> u32 {
        fill(|number| self.east.try_route(self.frontend_id, number.to_be_bytes()).is_ok()).await
    }

    /// Does the same from the west.
    async fn fill_east(&self) -> u32 {
        fill(|number| self.west.try_route(self.backend_id, number.to_be_bytes()).is_ok()).await
    }
}

async fn pair(transport: Transport, hwm: usize) -> (Server, Client, RoutingId) {
    let builder = Server::builder().over(transport).send_hwm(hwm).recv_hwm(hwm);
    let server = builder.bind(transport.any()).await.unwrap();
    let client = Client::builder().over(transport).send_hwm(hwm).recv_hwm(hwm).build();
    transport.connect(&client, &server, server.last_endpoint().unwrap()).await;
    server.remotes().connected().await.unwrap();
    let id = server.remotes().iter().next().unwrap().routing_id().unwrap();
    client.remotes().connected().await.unwrap();
    (server, client, id)
}

async fn fill(send: impl Fn(u32) -> bool) -> u32 {
    let (mut sent, mut refused) = (0, 0);
    while refused < TURNS {
        if send(sent) {
            (sent, refused) = (sent + 1, 0);
        } else {
            refused += 1;
            task::yield_now().await;
        }
    }
    sent
}

/// Lets all other tasks run until they wait.
async fn turns() {
    for _ in 0..TURNS {
        task::yield_now().await;
    }
}

async fn receive_numbers(server: &Server, count: u32) {
    for number in 0..count {
        assert_eq!(server.recv().await.unwrap(), number.to_be_bytes());
    }
}

/// Polls a proxy once.
async fn poll_once(proxy: &mut Proxy) -> Poll<ProxyReport> {
    let mut proxy = Some(proxy);
    poll_fn(|cx| {
        let proxy = proxy.take().map(std::pin::Pin::new);
        Poll::Ready(proxy.map_or(Poll::Pending, |proxy| proxy.poll(cx)))
    })
    .await
}

/// The number of yields after which all tasks wait over `inproc`.
const TURNS: u32 = 100;
