//! libzmq 4.3.5: stamped requests from a DEALER to a ROUTER. One thread sends and receives without
//! blocking, and waits with `zmq_poll`.

use std::collections::HashSet;
use std::os::fd::AsFd;

use interop::{ExclusiveSocket, Message, Socket, SocketType, TryError};

use crate::Failure;
use crate::implementation::Place;
use crate::implementation::libzmq::CONTEXT;
use crate::implementation::libzmq_classic::{DealerRouter, LibzmqRequests, exclusive};
use crate::implementation::stamped::{Stamp, Stamped, StampedClient, bound_endpoint, endpoints};
use crate::report::Announce;
use crate::ticks::Ticks;

impl Stamped for LibzmqRequests<DealerRouter> {
    type Client = Asking;

    async fn client(endpoint: &str, connections: usize) -> Result<Asking, Failure> {
        let socket = Socket::new(&CONTEXT, SocketType::Dealer)?;
        for endpoint in endpoints(endpoint, connections) {
            socket.connect(&endpoint)?;
        }
        Ok(Asking { socket: exclusive(socket)?, received: Message::new()? })
    }

    async fn count_remotes(place: &Place, announce: Announce) -> Result<(), Failure> {
        let socket = Socket::new(&CONTEXT, SocketType::Router)?;
        socket.bind(&bound_endpoint(place))?;
        announce.endpoint(&socket.last_endpoint()?);
        let mut socket = exclusive(socket)?;
        let mut identity = Message::new()?;
        let mut request = Message::new()?;
        let mut remotes: HashSet<Vec<u8>> = HashSet::new();
        loop {
            socket.recv_part(&mut identity)?;
            socket.recv_part(&mut request)?;
            if !remotes.contains(identity.body()) {
                remotes.insert(identity.body().to_vec());
            }
            let mut stamp = Stamp::of_body(request.body())?;
            stamp.remotes = remotes.len() as u64;
            // A ROUTER drops a message to a remote that has left.
            socket.send_part(&mut identity, true)?;
            socket.send_part(&mut Message::copied_from(&stamp.to_body())?, false)?;
        }
    }
}

/// A DEALER.
#[derive(Debug)]
pub(crate) struct Asking {
    socket: ExclusiveSocket,
    received: Message,
}

impl StampedClient for Asking {
    async fn send(&mut self, stamp: Stamp) -> Result<(), Failure> {
        Ok(self.socket.send_part(&mut Message::copied_from(&stamp.to_body())?, false)?)
    }

    fn try_send(&mut self, stamp: Stamp) -> Result<bool, Failure> {
        match self.socket.try_send_part(&mut Message::copied_from(&stamp.to_body())?, false) {
            Ok(()) => Ok(true),
            Err(TryError::WouldBlock) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn try_recv(&mut self) -> Result<Option<Stamp>, Failure> {
        match self.socket.try_recv_part(&mut self.received) {
            Ok(()) => Stamp::of_body(self.received.body()).map(Some),
            Err(TryError::WouldBlock) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn recv_or(&mut self, ticks: &mut Ticks) -> Result<Option<Stamp>, Failure> {
        if self.socket.wait_for_message_or(ticks.as_fd())? {
            return self.try_recv();
        }
        ticks.discard()?;
        Ok(None)
    }
}
