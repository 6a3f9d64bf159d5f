//! This crate: RADIO and DISH, with default options.

use tokio_zmtp::{Dish, Group, Radio, Socket};

use crate::Failure;
use crate::implementation::tokio_zmtp::endpoint;
use crate::implementation::{End, FanOut, GROUP, Mark, Place, Publisher, Subscriber};

#[derive(Debug)]
pub(crate) struct TokioZmtpGroups;

impl FanOut for TokioZmtpGroups {
    type Publisher = Sending;
    type Subscriber = Receiving;

    async fn publisher(place: &Place, end: End<'_>) -> Result<Sending, Failure> {
        let socket = Radio::builder().no_drop(place.no_drop).build();
        attach(&socket, place, end).await?;
        Ok(Sending { socket, group: Group::try_from(GROUP)? })
    }

    async fn subscriber(place: &Place, end: End<'_>) -> Result<Receiving, Failure> {
        let socket = Dish::builder().join(&Group::try_from(GROUP)?).build();
        attach(&socket, place, end).await?;
        Ok(Receiving { socket, size: place.size })
    }
}

/// Binds or connects a socket.
pub(super) async fn attach(
    socket: &impl Socket,
    place: &Place,
    end: End<'_>,
) -> Result<(), Failure> {
    match end {
        End::Bind(announce) => {
            announce.endpoint(&socket.bind(endpoint(place).as_str()).await?.to_string());
        }
        End::Connect(endpoint) => socket.connect(endpoint).await?,
    }
    Ok(())
}

/// A RADIO.
#[derive(Debug)]
pub(crate) struct Sending {
    socket: Radio,
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
    socket: Dish,
    size: usize,
}

impl Subscriber for Receiving {
    async fn recv(&mut self) -> Result<Mark, Failure> {
        Mark::of_body(&self.socket.recv().await?, self.size)
    }
}
