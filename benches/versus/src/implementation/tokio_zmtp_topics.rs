//! This crate: PUB and SUB, with default options.

use tokio_zmtp::{Multipart, Pub, SlowSubscriber, Sub, XPub, XSub, proxy};

use crate::Failure;
use crate::implementation::tokio_zmtp_groups::attach;
use crate::implementation::{End, FanOut, GROUP, Mark, Place, Publisher, Subscriber, topics};
use crate::report::Announce;

#[derive(Debug)]
pub(crate) struct TokioZmtpTopics;

impl FanOut for TokioZmtpTopics {
    type Publisher = Sending;
    type Subscriber = Receiving;

    async fn publisher(place: &Place, end: End<'_>) -> Result<Sending, Failure> {
        let socket = Pub::builder().slow_subscriber(policy(place)).build();
        attach(&socket, place, end).await?;
        Ok(Sending { socket })
    }

    async fn subscriber(place: &Place, end: End<'_>) -> Result<Receiving, Failure> {
        let socket = Sub::new();
        for topic in topics(place) {
            socket.subscribe(topic)?;
        }
        attach(&socket, place, end).await?;
        Ok(Receiving { socket, size: place.size })
    }

    async fn forward(place: &Place, publisher: &str, announce: Announce) -> Result<(), Failure> {
        let frontend = XSub::builder().connect(publisher).await?;
        let backend = XPub::builder().slow_subscriber(policy(place)).build();
        attach(&backend, place, End::Bind(announce)).await?;
        proxy(&frontend, &backend).await;
        Ok(())
    }
}

fn policy(place: &Place) -> SlowSubscriber {
    if place.no_drop { SlowSubscriber::Wait } else { SlowSubscriber::DropNewest }
}

/// A PUB.
#[derive(Debug)]
pub(crate) struct Sending {
    socket: Pub,
}

impl Publisher for Sending {
    async fn send(&mut self, body: &[u8], count: u64) -> Result<(), Failure> {
        let message = Multipart::from([GROUP.as_bytes(), body]);
        for _ in 0..count {
            self.socket.send(&message).await?;
        }
        Ok(())
    }
}

/// A SUB.
#[derive(Debug)]
pub(crate) struct Receiving {
    socket: Sub,
    size: usize,
}

impl Subscriber for Receiving {
    async fn recv(&mut self) -> Result<Mark, Failure> {
        Mark::of_body(self.socket.recv().await?.last(), self.size)
    }
}
