//! libzmq 4.3.5: RADIO and DISH, with default options, one I/O thread and blocking calls.

use std::ffi::CString;

use interop::{Message, Socket, SocketOption, SocketType, TryError};

use crate::Failure;
use crate::case::Transport;
use crate::implementation::libzmq::CONTEXT;
use crate::implementation::{End, FanOut, GROUP, Mark, Place, Publisher, Subscriber};

#[derive(Debug)]
pub(crate) struct LibzmqGroups;

impl FanOut for LibzmqGroups {
    const BLOCKS: bool = true;

    type Publisher = Sending;
    type Subscriber = Receiving;

    async fn publisher(place: &Place, end: End<'_>) -> Result<Sending, Failure> {
        let socket = Socket::new(&CONTEXT, SocketType::Radio)?;
        socket.set(SocketOption::XpubNoDrop, place.no_drop.into())?;
        attach(&socket, place, end)?;
        Ok(Sending { socket, group: CString::new(GROUP)? })
    }

    async fn subscriber(place: &Place, end: End<'_>) -> Result<Receiving, Failure> {
        let socket = Socket::new(&CONTEXT, SocketType::Dish)?;
        socket.join(GROUP.as_bytes())?;
        attach(&socket, place, end)?;
        Ok(Receiving { socket, received: Message::new()?, size: place.size })
    }
}

/// Binds or connects a socket.
pub(super) fn attach(socket: &Socket, place: &Place, end: End<'_>) -> Result<(), Failure> {
    match end {
        End::Bind(announce) => {
            socket.bind(&place.endpoint())?;
            // libzmq reports the address of a udp endpoint without the transport.
            let endpoint = match place.transport {
                Transport::Udp => place.endpoint(),
                _ => socket.last_endpoint()?,
            };
            announce.endpoint(&endpoint);
        }
        End::Connect(endpoint) => socket.connect(endpoint)?,
    }
    Ok(())
}

/// A RADIO.
#[derive(Debug)]
pub(crate) struct Sending {
    socket: Socket,
    group: CString,
}

impl Publisher for Sending {
    async fn send(&mut self, body: &[u8], count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            let mut message = Message::copied_from(body)?;
            message.set_group(&self.group)?;
            self.socket.send_message(&mut message)?;
        }
        Ok(())
    }
}

/// A DISH.
#[derive(Debug)]
pub(crate) struct Receiving {
    socket: Socket,
    received: Message,
    size: usize,
}

impl Subscriber for Receiving {
    async fn recv(&mut self) -> Result<Mark, Failure> {
        self.socket.recv_message(&mut self.received)?;
        Mark::of_body(self.received.body(), self.size)
    }

    fn try_recv(&mut self) -> Result<Option<Mark>, Failure> {
        match self.socket.try_recv_message(&mut self.received) {
            Ok(()) => Mark::of_body(self.received.body(), self.size).map(Some),
            Err(TryError::WouldBlock) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
