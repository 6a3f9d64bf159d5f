//! omq-tokio: RADIO and DISH, with default options, on the caller's runtime. As in its own
//! `perf_verify`, a prepared message is cloned.

use bytes::Bytes;
use omq_tokio::{Context, Message, Options, Socket, SocketType};

use crate::Failure;
use crate::implementation::omq::{recv, send};
use crate::implementation::{End, FanOut, GROUP, Mark, Place, Publisher, Subscriber};

#[derive(Debug)]
pub(crate) struct OmqGroups;

impl FanOut for OmqGroups {
    type Publisher = Sending;
    type Subscriber = Receiving;

    async fn publisher(place: &Place, end: End<'_>) -> Result<Sending, Failure> {
        let options = Options { xpub_nodrop: place.no_drop, ..Options::default() };
        let socket = Context::current().socket(SocketType::Radio, options);
        attach(&socket, place, end).await?;
        Ok(Sending { socket })
    }

    async fn subscriber(place: &Place, end: End<'_>) -> Result<Receiving, Failure> {
        let socket = Context::current().socket(SocketType::Dish, Options::default());
        socket.join(GROUP).await?;
        attach(&socket, place, end).await?;
        Ok(Receiving { socket, size: place.size })
    }
}

/// Binds or connects a socket.
pub(super) async fn attach(socket: &Socket, place: &Place, end: End<'_>) -> Result<(), Failure> {
    match end {
        End::Bind(announce) => {
            let endpoint = socket.bind(place.endpoint().as_str()).await?;
            announce.endpoint(&endpoint.to_string());
        }
        End::Connect(endpoint) => {
            socket.connect(endpoint).await?;
        }
    }
    Ok(())
}

/// A RADIO or PUB: a message begins with its group or topic.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(super) socket: Socket,
}

impl Publisher for Sending {
    async fn send(&mut self, body: &[u8], count: u64) -> Result<(), Failure> {
        let body = Message::from_slice(body);
        let message = Message::with_prefix(Bytes::from_static(GROUP.as_bytes()), body);
        for _ in 0..count {
            send(&self.socket, message.clone()).await?;
        }
        Ok(())
    }
}

/// A DISH or SUB.
#[derive(Debug)]
pub(crate) struct Receiving {
    pub(super) socket: Socket,
    pub(super) size: usize,
}

impl Subscriber for Receiving {
    async fn recv(&mut self) -> Result<Mark, Failure> {
        let message = recv(&self.socket).await?;
        Mark::of_body(message.part_slice(1).ok_or("the message has no body")?, self.size)
    }
}
