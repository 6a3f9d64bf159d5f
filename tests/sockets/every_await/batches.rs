//! Sending several messages of a server together.

use super::operation::{Operation, operations};
use super::scene::Lane;

pub(super) const BATCH_OPERATIONS: &[Operation] = operations! {
    // Sending to a queue that is initially full.
    "Server::route_many" Traffic |cast| {
        cast.fill_replies();
        let id = cast.id;
        let offer = |lane: &mut Lane| lane.offer().with_routing_id(id);
        let mut batch = cast.replies.offer_many_with(offer);
        cast.server.route_many(&mut batch.messages).await.unwrap();
    }
};
