//! Sending several messages of a client or a server together.

use futures::SinkExt;
use tokio_zmtp::{Message, SendError};

use super::operation::{Operation, operations, ready};
use super::scene::Lane;
use super::turns;

pub(super) const BATCH_OPERATIONS: &[Operation] = operations! {
    // Sending to a queue that is initially full.
    "Server::route_many" Traffic |cast| {
        cast.fill_replies();
        let id = cast.id;
        let offer = |lane: &mut Lane| lane.offer().with_routing_id(id);
        let mut batch = cast.replies.offer_many_with(offer);
        cast.server.route_many(&mut batch.messages).await.unwrap();
    }
    "Sink for Batched::poll_ready" Traffic |cast| {
        cast.fill_requests();
        let mut sink = cast.client.clone().batched(1);
        for _ in 0..2 {
            ready::<Message, _>(&mut sink).await.unwrap();
            turns(cast.rng.u32(..3)).await;
            let message = cast.requests.offer();
            // An error would return the earlier message.
            sink.start_send_unpin(message).unwrap();
            cast.requests.settle(Ok::<_, SendError<Message>>(()));
        }
    }
    "Sink for Batched::poll_flush" Traffic |cast| {
        cast.fill_requests();
        let mut sink = cast.client.clone().batched(2);
        for _ in 0..2 {
            let message = cast.requests.offer();
            cast.requests.settle(sink.start_send_unpin(message));
        }
        SinkExt::<Message>::flush(&mut sink).await.unwrap();
    }
    "Sink for Batched::poll_close" Traffic |cast| {
        cast.fill_requests();
        let mut sink = cast.client.clone().batched(2);
        for _ in 0..2 {
            let message = cast.requests.offer();
            cast.requests.settle(sink.start_send_unpin(message));
        }
        SinkExt::<Message>::close(&mut sink).await.unwrap();
    }
};
