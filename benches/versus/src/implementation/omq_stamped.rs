//! omq-tokio: stamped requests from a CLIENT to a SERVER, with default options and non-blocking
//! calls first.

use std::collections::HashSet;

use omq_tokio::{Context, Message, Options, Socket, SocketType, TrySendError};

use crate::Failure;
use crate::implementation::Place;
use crate::implementation::omq::{Omq, recv, send, try_recv};
use crate::implementation::stamped::{
    CROWD_LIMIT, Stamp, Stamped, StampedClient, bound_endpoint, endpoints,
};
use crate::report::Announce;
use crate::ticks::Ticks;

impl Stamped for Omq {
    type Client = Socket;

    async fn client(endpoint: &str, connections: usize) -> Result<Socket, Failure> {
        let socket = Context::current().socket(SocketType::Client, Options::default());
        for endpoint in endpoints(endpoint, connections) {
            socket.connect(endpoint.as_str()).await?;
        }
        socket.wait_connected(connections, CROWD_LIMIT).await?;
        Ok(socket)
    }

    async fn count_remotes(place: &Place, announce: Announce) -> Result<(), Failure> {
        let socket = Context::current().socket(SocketType::Server, Options::default());
        announce.endpoint(&socket.bind(bound_endpoint(place).as_str()).await?.to_string());
        let mut remotes = HashSet::new();
        loop {
            let request = recv(&socket).await?;
            let mut stamp = read(&request)?;
            let id = request.routing_id().ok_or("the message has no routing id")?;
            remotes.insert(id);
            stamp.remotes = remotes.len() as u64;
            send(&socket, Message::from_slice(&stamp.to_body()).with_routing_id(id)).await?;
        }
    }
}

impl StampedClient for Socket {
    async fn send(&mut self, stamp: Stamp) -> Result<(), Failure> {
        send(self, Message::from_slice(&stamp.to_body())).await
    }

    fn try_send(&mut self, stamp: Stamp) -> Result<bool, Failure> {
        match Self::try_send(self, Message::from_slice(&stamp.to_body())) {
            Ok(()) => Ok(true),
            Err(TrySendError::Full(_)) => Ok(false),
            Err(error) => Err(error.to_string().into()),
        }
    }

    fn try_recv(&mut self) -> Result<Option<Stamp>, Failure> {
        try_recv(self)?.map(|message| read(&message)).transpose()
    }

    async fn recv_or(&mut self, ticks: &mut Ticks) -> Result<Option<Stamp>, Failure> {
        tokio::select! {
            biased;
            message = self.recv() => read(&message?).map(Some),
            ticked = ticks.next() => ticked.map(|()| None),
        }
    }
}

fn read(message: &Message) -> Result<Stamp, Failure> {
    Stamp::of_body(message.part_slice(0).unwrap_or_default())
}
