//! Proxies between an XSUB and an XPUB, which pass on subscriptions.

mod chain;
mod directions;
mod python;
mod verbosity;

use std::time::Duration;

use tokio::task::{self, JoinHandle};
use tokio_zmtp::proxy::{ProxyHandle, ProxyReport};
use tokio_zmtp::{Endpoint, Upstream, XPub, XSub, proxy};

use crate::transports::Transport;

/// A proxy of a chain. Its frontend is connected to the next hop towards the publisher.
struct Hop {
    frontend: XSub,
    backend: XPub,
    /// The endpoint of the backend.
    endpoint: Endpoint,
    running: JoinHandle<ProxyReport>,
    handle: ProxyHandle,
}

impl Hop {
    async fn new(transport: Transport, publisher: &Endpoint) -> Self {
        Self::with_backend(publisher, XPub::builder().bind(transport.any()).await.unwrap()).await
    }

    async fn with_backend(publisher: &Endpoint, backend: XPub) -> Self {
        let builder = XSub::builder().reconnect_interval(Duration::from_millis(1));
        let frontend = builder.connect(publisher).await.unwrap();
        let endpoint = backend.last_endpoint().unwrap();
        let running = proxy(&frontend, &backend);
        let (handle, running) = (running.handle(), tokio::spawn(running));
        Self { frontend, backend, endpoint, running, handle }
    }

    /// Waits until exactly these topics are subscribed to here.
    async fn until_subscribed(&self, topics: &[&str]) {
        while self.frontend.subscriptions() != topics || self.backend.topics() != topics.len() {
            task::yield_now().await;
        }
    }

    /// Ends the proxy like a process that ends.
    async fn end(self) {
        self.backend.close().await;
        self.frontend.close().await;
        self.running.await.unwrap();
    }
}

/// Creates proxies in a row. The first is connected to the publisher.
async fn chain<const HOPS: usize>(transport: Transport, publisher: &Endpoint) -> [Hop; HOPS] {
    let mut hops = Vec::new();
    for _ in 0..HOPS {
        let publisher = hops.last().map_or(publisher, |hop: &Hop| &hop.endpoint);
        hops.push(Hop::new(transport, publisher).await);
    }
    hops.try_into().ok().unwrap()
}

/// Receives the next request, and returns it as a sign and a topic.
async fn request(publisher: &XPub) -> String {
    shown(publisher.recv().await.unwrap())
}

fn shown(upstream: Upstream) -> String {
    match upstream {
        Upstream::Subscribe(request) => format!("+{}", request.topic()),
        Upstream::Cancel(request) => format!("-{}", request.topic()),
        other => panic!("{other:?}"),
    }
}
