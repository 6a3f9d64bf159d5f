//! A req in use, with a rep that returns every request, and the async operations of the req.

use std::time::Duration;

use fastrand::Rng;
use tokio::task::{JoinHandle, JoinSet};
use tokio_zmtp::{Rep, Req};

use super::operation::{Operation, SEVERAL, limit};
use super::scene::{EACH, Effect, SENDERS};
use super::{Stage, turns};
use crate::over_transport::OverTransport;
use crate::transports::Transport;

/// A req whose requests all have a reply, with or without correlation ids.
pub(super) struct RequestScene {
    req: Req,
    senders: JoinSet<()>,
    service: JoinHandle<()>,
    is_correlated: bool,
}

/// The handle that an operation uses.
pub(super) struct RequestCast {
    req: Req,
    rng: Rng,
}

impl Stage for RequestScene {
    type Cast = RequestCast;

    async fn start(transport: Transport, rng: &mut Rng) -> Self {
        let rep = Rep::builder().over(transport).build();
        let endpoint = rep.bind(transport.any()).await.unwrap();
        let is_correlated = rng.bool();
        let builder = Req::builder().correlate(is_correlated).send_hwm(rng.usize(1..4));
        let builder = builder.reconnect_interval(Duration::from_millis(1));
        let req = builder.over(transport).build();
        transport.connect(&req, &rep, endpoint).await;
        let mut random = rng.fork();
        let service = tokio::spawn(async move {
            while let Ok((request, mut replier)) = rep.recv().await {
                turns(random.u32(..4)).await;
                // The connection of an abandoned request without an id has ended.
                let _ = replier.reply(request).await;
            }
        });
        let mut senders = JoinSet::new();
        for sender in 1..=SENDERS {
            let (req, mut random) = (req.clone(), rng.fork());
            senders.spawn(async move {
                for number in 0..EACH {
                    turns(random.u32(..8)).await;
                    let request = [sender.to_be_bytes(), number.to_be_bytes()];
                    assert_eq!(req.request(request).await.unwrap(), request);
                }
            });
        }
        Self { req, senders, service, is_correlated }
    }

    fn cast(&self, rng: &mut Rng) -> RequestCast {
        RequestCast { req: self.req.clone(), rng: rng.fork() }
    }

    /// All other requests have received their own replies, and no connection was lost if requests
    /// have ids.
    async fn end(self, _effect: Effect, case: &str) {
        let Self { req, mut senders, service, is_correlated } = self;
        while let Some(sender) = senders.join_next().await {
            sender.unwrap();
        }
        assert_eq!(req.request("last").await.unwrap(), ["last"], "{case}");
        let stats = req.stats();
        assert!(!is_correlated || stats.reconnects == 0, "{case}");
        assert_eq!(stats.dropped.malformed_replies, 0, "{case}");
        req.close().await;
        service.abort();
    }
}

pub(super) const REQUEST_OPERATIONS: &[Operation<RequestCast>] = &[
    Operation {
        name: "Req::request",
        effect: Effect::Traffic,
        start: |cast| {
            Box::pin(async move {
                for number in 0..SEVERAL {
                    let request = format!("request {number}");
                    assert_eq!(cast.req.request(&request).await.unwrap(), [request]);
                }
            })
        },
    },
    Operation {
        name: "LockStep<Req>::send",
        effect: Effect::Traffic,
        start: |cast| {
            Box::pin(async move {
                let mut client = cast.req.lock_step();
                for number in 0..SEVERAL {
                    let request = format!("request {number}");
                    client.send(&request).await.unwrap();
                    assert_eq!(client.recv().await.unwrap(), [request]);
                }
            })
        },
    },
    Operation {
        name: "LockStep<Req>::recv",
        effect: Effect::Traffic,
        start: |cast| {
            Box::pin(async move {
                let mut client = cast.req.lock_step();
                for number in 0..SEVERAL {
                    let request = format!("request {number}");
                    client.send(&request).await.unwrap();
                    drop(futures::poll!(Box::pin(client.recv())));
                    assert_eq!(client.recv().await.unwrap(), [request]);
                }
            })
        },
    },
    Operation {
        name: "Req::request_timeout",
        effect: Effect::Traffic,
        start: |mut cast| {
            Box::pin(async move {
                for number in 0..SEVERAL {
                    let request = format!("request {number}");
                    let limit = limit(&mut cast.rng);
                    if let Ok(reply) = cast.req.request_timeout(&request, limit).await {
                        assert_eq!(reply, [request]);
                    }
                }
            })
        },
    },
];
