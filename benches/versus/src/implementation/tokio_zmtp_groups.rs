//! This crate: RADIO and DISH, with default options.

use tokio_zmtp::{Dish as DishSocket, Group, Radio as RadioSocket};

use crate::Failure;
use crate::implementation::tokio_zmtp::endpoint;
use crate::implementation::{End, FanOut, GROUP, Mark, Place, Publisher, Subscriber};

#[derive(Debug)]
pub(crate) struct TokioZmtpGroups;

impl FanOut for TokioZmtpGroups {
    type Publisher = Sending;
    type Subscriber = Receiving;

    async fn publisher(place: &Place, end: End<'_>) -> Result<Sending, Failure> {
        let socket = RadioSocket::builder().no_drop(place.no_drop).build();
        match end {
            End::Bind(announce) => {
                announce.endpoint(&socket.bind(endpoint(place).as_str()).await?.to_string());
            }
            End::Connect(endpoint) => {
                socket.connect(endpoint).await?;
            }
        }
        Ok(Sending { socket, group: Group::try_from(GROUP)? })
    }

    async fn subscriber(place: &Place, end: End<'_>) -> Result<Receiving, Failure> {
        let socket = DishSocket::builder().join(&Group::try_from(GROUP)?).build();
        match end {
            End::Bind(announce) => {
                announce.endpoint(&socket.bind(endpoint(place).as_str()).await?.to_string());
            }
            End::Connect(endpoint) => {
                socket.connect(endpoint).await?;
            }
        }
        Ok(Receiving { socket, size: place.size })
    }
}

/// A RADIO.
#[derive(Debug)]
pub(crate) struct Sending {
    socket: RadioSocket,
    group: Group,
}

impl Publisher for Sending {
    async fn send(&mut self, body: &[u8], count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            self.socket.send(&self.group, body).await?;
        }
        Ok(())
    }
}

/// A DISH.
#[derive(Debug)]
pub(crate) struct Receiving {
    socket: DishSocket,
    size: usize,
}

impl Subscriber for Receiving {
    async fn recv(&mut self) -> Result<Mark, Failure> {
        Mark::of_body(&self.socket.recv().await?, self.size)
    }
}
