//! omq-tokio: PUB and SUB, with default options, on the caller's runtime. As in its own
//! `perf_verify`, a prepared message is cloned.

use omq_tokio::{Context, Options, SocketType};

use crate::Failure;
use crate::implementation::omq_groups::{Receiving, Sending, attach};
use crate::implementation::{End, FanOut, Place, topics};

#[derive(Debug)]
pub(crate) struct OmqTopics;

impl FanOut for OmqTopics {
    type Publisher = Sending;
    type Subscriber = Receiving;

    async fn publisher(place: &Place, end: End<'_>) -> Result<Sending, Failure> {
        let options = Options { xpub_nodrop: place.no_drop, ..Options::default() };
        let socket = Context::current().socket(SocketType::Pub, options);
        attach(&socket, place, end).await?;
        Ok(Sending { socket })
    }

    async fn subscriber(place: &Place, end: End<'_>) -> Result<Receiving, Failure> {
        let socket = Context::current().socket(SocketType::Sub, Options::default());
        for topic in topics(place) {
            socket.subscribe(topic).await?;
        }
        attach(&socket, place, end).await?;
        Ok(Receiving { socket, size: place.size })
    }
}
