//! A req in use, with a remote that returns every message, and its async operations.

use std::time::Duration;

use fastrand::Rng;
use tokio::task::{JoinHandle, JoinSet};
use tokio_zmtp::Req;

use super::operations::{Operation, SEVERAL, limit};
use super::scene::{EACH, Effect, SENDERS};
use super::{Stage, turns};
use crate::remote::{Remote, RemoteListener};
use crate::transports::Transport;

/// A req whose requests all have a reply, with or without correlation ids.
pub(super) struct RequestScene {
    req: Req,
    senders: JoinSet<()>,
    remotes: JoinHandle<()>,
    is_correlated: bool,
}

/// The handle that an operation uses.
pub(super) struct RequestCast {
    req: Req,
    rng: Rng,
}

impl Stage for RequestScene {
    type Cast = RequestCast;

    /// The remotes are scripted, over TCP.
    async fn start(_transport: Transport, rng: &mut Rng) -> Self {
        let listener = RemoteListener::bind();
        let is_correlated = rng.bool();
        let builder = Req::builder().correlate(is_correlated).send_hwm(rng.usize(1..4));
        let builder = builder.reconnect_interval(Duration::from_millis(1));
        let req = builder.connect(listener.endpoint()).await.unwrap();
        let remotes = tokio::spawn(async move {
            loop {
                tokio::spawn(echo(listener.accept_as("ROUTER").await));
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
        Self { req, senders, remotes, is_correlated }
    }

    fn cast(&self, rng: &mut Rng) -> RequestCast {
        RequestCast { req: self.req.clone(), rng: rng.fork() }
    }

    /// All other requests have received their own replies, and no connection was lost if requests
    /// have ids.
    async fn end(self, _effect: Effect, case: &str) {
        let Self { req, mut senders, remotes, is_correlated } = self;
        while let Some(sender) = senders.join_next().await {
            sender.unwrap();
        }
        assert_eq!(req.request("last").await.unwrap(), ["last"], "{case}");
        let stats = req.stats();
        assert!(!is_correlated || stats.reconnects == 0, "{case}");
        assert_eq!(stats.dropped.malformed_replies, 0, "{case}");
        req.close().await;
        remotes.abort();
    }
}

async fn echo(mut remote: Remote) {
    while let Some(requests) = remote.read_some().await {
        remote.write_what_is_taken(&requests).await;
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
