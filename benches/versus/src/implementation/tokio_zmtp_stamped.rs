//! This crate: stamped requests from a CLIENT to a SERVER, with default options.

use std::collections::HashSet;

use tokio_zmtp::{Client, RouteError, Server, TryRecvError, TrySendError};

use crate::Failure;
use crate::implementation::Place;
use crate::implementation::stamped::{Stamp, Stamped, StampedClient, bound_endpoint, endpoints};
use crate::implementation::tokio_zmtp::TokioZmtp;
use crate::report::Announce;
use crate::ticks::Ticks;

impl Stamped for TokioZmtp {
    type Client = Client;

    async fn client(endpoint: &str, connections: usize) -> Result<Client, Failure> {
        let socket = Client::new();
        for endpoint in endpoints(endpoint, connections) {
            socket.connect(endpoint.as_str()).await?;
        }
        Ok(socket)
    }

    async fn count_remotes(place: &Place, announce: Announce) -> Result<(), Failure> {
        let socket = Server::new();
        announce.endpoint(&socket.bind(bound_endpoint(place).as_str()).await?.to_string());
        let mut remotes = HashSet::new();
        loop {
            let request = socket.recv().await?;
            let mut stamp = Stamp::of_body(&request)?;
            remotes.extend(request.routing_id());
            stamp.remotes = remotes.len() as u64;
            match socket.reply(&request, stamp.to_body()).await {
                // The remote has left.
                Ok(()) | Err(RouteError::HostUnreachable(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl StampedClient for Client {
    async fn send(&mut self, stamp: Stamp) -> Result<(), Failure> {
        Ok(Self::send(self, stamp.to_body()).await?)
    }

    fn try_send(&mut self, stamp: Stamp) -> Result<bool, Failure> {
        match Self::try_send(self, stamp.to_body()) {
            Ok(()) => Ok(true),
            Err(TrySendError::Full(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn try_recv(&mut self) -> Result<Option<Stamp>, Failure> {
        match Self::try_recv(self) {
            Ok(message) => Stamp::of_body(&message).map(Some),
            Err(TryRecvError::Empty) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn recv_or(&mut self, ticks: &mut Ticks) -> Result<Option<Stamp>, Failure> {
        tokio::select! {
            biased;
            message = self.recv() => Stamp::of_body(&message?).map(Some),
            ticked = ticks.next() => ticked.map(|()| None),
        }
    }
}
