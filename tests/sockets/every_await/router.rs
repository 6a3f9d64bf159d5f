//! A router and a dealer in use, with a record of every message, and the async operations of the
//! router.

use std::time::Duration;

use fastrand::Rng;
use futures::{SinkExt, StreamExt};
use tokio::task::JoinSet;
use tokio_zmtp::{Dealer, Identity, InprocEndpoint, Multipart, Router, RouterMessage};

use super::operation::{Operation, limit, operations, ready};
use super::scene::{Connections, EACH, Effect, Lane, Ledger, SENDERS};
use super::{Stage, turns};
use crate::one_way::Numbered;
use crate::over_transport::OverTransport;
use crate::transports::Transport;

/// Two sockets with senders and receivers, whose messages are recorded.
pub(super) struct RouterScene {
    router: Router,
    dealer: Dealer,
    requests: Ledger,
    replies: Ledger,
    senders: JoinSet<()>,
    receivers: JoinSet<()>,
}

/// The handles that an operation uses, and their messages.
pub(super) struct RouterCast {
    router: Router,
    to: Identity,
    requests: Ledger,
    replies: Lane,
    rng: Rng,
}

impl Stage for RouterScene {
    type Cast = RouterCast;

    async fn start(transport: Transport, rng: &mut Rng) -> Self {
        let builder = Router::builder().over(transport).send_timeout(Duration::MAX);
        let router = builder.send_hwm(rng.usize(1..4)).recv_hwm(rng.usize(1..4)).build();
        let builder = Dealer::builder().over(transport).identity(identity());
        let dealer = builder.send_hwm(rng.usize(1..4)).recv_hwm(rng.usize(1..4)).build();
        let endpoint = router.bind(transport.any()).await.unwrap();
        transport.connect(&dealer, &router, endpoint).await;
        while router.remote(&identity()).is_none() {
            turns(1).await;
        }
        dealer.remotes().connected().await.unwrap();
        let (requests, replies) = (Ledger::default(), Ledger::default());
        let (mut senders, mut receivers) = (JoinSet::new(), JoinSet::new());
        for number in 1..=SENDERS {
            let (handle, mut lane, mut random) =
                (dealer.clone(), requests.lane(number), rng.fork());
            senders.spawn(async move {
                for _ in 0..EACH {
                    turns(random.u32(..8)).await;
                    let message: Multipart = lane.offer_as();
                    lane.settle(handle.send(message).await);
                }
            });
            let (handle, mut lane, mut random) = (router.clone(), replies.lane(number), rng.fork());
            senders.spawn(async move {
                for _ in 0..EACH {
                    turns(random.u32(..8)).await;
                    let message: Multipart = lane.offer_as();
                    lane.settle(handle.route(&identity(), message).await);
                }
            });
        }
        let (handle, ledger, mut random) = (router.clone(), requests.clone(), rng.fork());
        receivers.spawn(async move {
            while let Ok(message) = handle.recv().await {
                receive(&ledger, &message);
                turns(random.u32(..6)).await;
            }
        });
        let (handle, ledger, mut random) = (dealer.clone(), replies.clone(), rng.fork());
        receivers.spawn(async move {
            while let Ok(message) = handle.recv().await {
                ledger.receive(&message);
                turns(random.u32(..6)).await;
            }
        });
        Self { router, dealer, requests, replies, senders, receivers }
    }

    fn cast(&self, rng: &mut Rng) -> RouterCast {
        RouterCast {
            router: self.router.clone(),
            to: identity(),
            requests: self.requests.clone(),
            replies: self.replies.lane(SENDERS + 1),
            rng: rng.fork(),
        }
    }

    async fn end(self, effect: Effect, case: &str) {
        let Self { router, dealer, requests, replies, mut senders, mut receivers } = self;
        if effect == Effect::Traffic {
            while senders.join_next().await.is_some() {}
            while !requests.is_settled(&dealer.stats()) || !replies.is_settled(&router.stats()) {
                turns(1).await;
            }
        }
        let router_end = router.close().await;
        dealer.set_linger(Duration::ZERO);
        let dealer_end = dealer.close().await;
        while senders.join_next().await.is_some() {}
        while receivers.join_next().await.is_some() {}
        let (router, dealer) = (router.stats(), dealer.stats());
        let one = Connections::One;
        replies.assert_balanced(router_end, &dealer, one, &format!("replies of {case}"));
        if effect == Effect::Traffic {
            requests.assert_balanced(dealer_end, &router, one, &format!("requests of {case}"));
        }
    }
}

impl RouterCast {
    /// Sends replies until the next one would have to wait.
    fn fill(&mut self) {
        let mut message: Multipart = self.replies.offer_as();
        while self.replies.settle(self.router.try_route(&self.to, message)) {
            message = self.replies.offer_as();
        }
    }

    /// Receives all available requests.
    fn drain(&mut self) {
        while let Ok(message) = self.router.try_recv() {
            receive(&self.requests, &message);
        }
    }

    /// Creates the next reply for the sink.
    fn addressed(&mut self) -> RouterMessage {
        RouterMessage::new(&self.to, self.replies.offer_as::<Multipart>())
    }
}

impl Numbered for RouterMessage {
    fn number(&self) -> u32 {
        (**self).number()
    }
}

/// Records a received message, which has the identity of the dealer.
fn receive(ledger: &Ledger, message: &RouterMessage) {
    assert_eq!(*message.identity(), identity());
    ledger.receive(message);
}

fn identity() -> Identity {
    "dealer".parse().unwrap()
}

pub(super) const ROUTER_OPERATIONS: &[Operation<RouterCast>] = operations! {
    // Sending to a queue that is initially full.
    "Router::route" Traffic |cast| {
        cast.fill();
        let message: Multipart = cast.replies.offer_as();
        cast.replies.settle(cast.router.route(&cast.to, message).await);
    }
    "Router::route_many" Traffic |cast| {
        cast.fill();
        let to = cast.to.clone();
        let offer = |lane: &mut Lane| RouterMessage::new(&to, lane.offer_as::<Multipart>());
        let mut batch = cast.replies.offer_many_with(offer);
        cast.router.route_many(&mut batch.messages).await.unwrap();
    }
    "Router::route_timeout" Traffic |cast| {
        cast.fill();
        let message: Multipart = cast.replies.offer_as();
        let limit = limit(&mut cast.rng);
        cast.replies.settle(cast.router.route_timeout(&cast.to, message, limit).await);
    }
    "Router::reserve_route" Traffic |cast| {
        cast.fill();
        let permit = cast.router.reserve_route(&cast.to).await.unwrap();
        turns(cast.rng.u32(..3)).await;
        let message: Multipart = cast.replies.offer_as();
        cast.replies.settle(permit.send(message));
    }
    "Router::reply" Traffic |cast| {
        cast.fill();
        let request = RouterMessage::new(&cast.to, "request");
        let message: Multipart = cast.replies.offer_as();
        cast.replies.settle(cast.router.reply(&request, message).await);
    }
    "Router::reply_timeout" Traffic |cast| {
        cast.fill();
        let request = RouterMessage::new(&cast.to, "request");
        let message: Multipart = cast.replies.offer_as();
        let limit = limit(&mut cast.rng);
        cast.replies.settle(cast.router.reply_timeout(&request, message, limit).await);
    }
    "Sink for Router::poll_ready" Traffic |cast| {
        cast.fill();
        ready(&mut cast.router).await.unwrap();
        turns(cast.rng.u32(..3)).await;
        let message = cast.addressed();
        cast.replies.settle(cast.router.start_send_unpin(message));
    }
    "Sink for Router::poll_flush" Traffic |cast| {
        cast.fill();
        let message = cast.addressed();
        cast.replies.settle(cast.router.start_send_unpin(message));
        cast.router.flush().await.unwrap();
    }
    "Sink for Router::poll_close" Traffic |cast| {
        cast.fill();
        let message = cast.addressed();
        cast.replies.settle(cast.router.start_send_unpin(message));
        SinkExt::close(&mut cast.router).await.unwrap();
    }
    // Receiving from a queue that is initially empty.
    "Router::recv" Traffic |cast| {
        cast.drain();
        let message = cast.router.recv().await.unwrap();
        receive(&cast.requests, &message);
    }
    "Router::recv_from" Traffic |cast| {
        cast.drain();
        let (message, _) = cast.router.recv_from().await.unwrap();
        receive(&cast.requests, &message);
    }
    "Router::recv_many" Traffic |cast| {
        cast.drain();
        let mut messages = Vec::new();
        let most = cast.rng.usize(1..4);
        cast.router.recv_many(&mut messages, most).await.unwrap();
        messages.iter().for_each(|message| receive(&cast.requests, message));
    }
    "Router::recv_timeout" Traffic |cast| {
        cast.drain();
        let limit = limit(&mut cast.rng);
        if let Ok(message) = cast.router.recv_timeout(limit).await {
            receive(&cast.requests, &message);
        }
    }
    "Stream for Router::poll_next" Traffic |cast| {
        cast.drain();
        let message = cast.router.next().await.unwrap();
        receive(&cast.requests, &message);
    }
    // Endpoints and closing.
    "Router::connect_identity" Traffic |cast| {
        let id: Identity = format!("{}", cast.rng.u64(..)).parse().unwrap();
        let endpoint = InprocEndpoint::unique();
        cast.router.connect_identity(endpoint.clone(), &id).await.unwrap();
        cast.router.disconnect(endpoint).await.unwrap();
    }
    "Router::close" ClosesServer |cast| {
        cast.router.close().await;
    }
    "Router::close_with_undelivered" ClosesServer |cast| {
        let (_, unsent) = cast.router.close_with_undelivered().await;
        assert!(unsent.iter().all(|message| *message.identity() == cast.to));
        cast.replies.ledger().unsent(&unsent);
    }
};
