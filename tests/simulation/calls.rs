//! Requests and calls during random faults: each ends with its reply or an error.

use std::time::Duration;

use fastrand::Rng;
use tokio::task::JoinSet;
use tokio::time;
use tokio_zmtp::{Builder, Rep, Req, RequestError};

use crate::faults;
use crate::network::{Host, Network};
use crate::scenario::{run, seeds};

#[test]
fn every_request_ends_with_its_reply_or_an_error() {
    for seed in seeds() {
        run(seed, |network| requests(network, seed));
    }
}

async fn requests(network: Network, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let [here, mut there] = [network.host(), network.host()];
    let req = with_heartbeats(Req::builder()).build();
    here.connect(&req, &there).await;
    let mut rep = serve(&there);
    let mut requests = JoinSet::new();
    for number in 0..rng.u32(5..30) {
        let (req, mut rng) = (req.clone(), rng.fork());
        requests.spawn(async move {
            faults::pause(&mut rng, 20_000).await;
            match req.request(number.to_string()).await {
                Ok(reply) => assert_eq!(reply, [number.to_string()]),
                Err(error) => assert!(
                    matches!(error, RequestError::ConnectionLost | RequestError::Refused(_)),
                    "{error:?}"
                ),
            }
        });
    }
    for _ in 0..rng.u32(1..5) {
        faults::pause(&mut rng, 5_000).await;
        if rng.bool() {
            there.crash();
            rep.close().await;
            faults::pause(&mut rng, 5_000).await;
            there = there.restart();
            rep = serve(&there);
        } else {
            faults::disturb(&network, &here, &there, &mut rng).await;
        }
    }
    // Requests have no time limit of their own.
    while let Some(ended) = time::timeout(PATIENCE, requests.join_next()).await.unwrap() {
        ended.unwrap();
    }
    time::sleep(PATIENCE).await;
    assert_eq!(req.request("last").await.unwrap(), ["last"]);
}

fn serve(host: &Host) -> Rep {
    let rep = with_heartbeats(Rep::builder()).linger(Duration::ZERO).build();
    host.listen(&rep);
    let handle = rep.clone();
    tokio::spawn(async move {
        while let Ok((request, mut replier)) = handle.recv().await {
            let _ = replier.reply(request).await;
        }
    });
    rep
}

#[cfg(feature = "rpc")]
mod rpc {
    use tokio_zmtp::rpc::{CallError, Failure, Request, Requester, Responder, service_fn};
    use tokio_zmtp::{Client, Server};

    use super::*;

    #[test]
    fn every_call_ends_with_its_reply_or_an_error() {
        for seed in seeds() {
            run(seed, |network| calls(network, seed));
        }
    }

    async fn calls(network: Network, seed: u64) {
        let mut rng = Rng::with_seed(seed);
        let [here, mut there] = [network.host(), network.host()];
        let client = with_heartbeats(Client::builder()).build();
        here.connect(&client, &there).await;
        let requester = Requester::new(client);
        let mut responder = respond(&there);
        let mut calls = JoinSet::new();
        for number in 0..rng.u32(5..30) {
            let (requester, mut rng) = (requester.clone(), rng.fork());
            calls.spawn(async move {
                faults::pause(&mut rng, 20_000).await;
                let mut call = Request::from(number.to_string());
                let has_limit = rng.bool();
                if has_limit {
                    call = call.with_timeout(Duration::from_millis(rng.u64(1..10_000)));
                }
                match requester.call(call).await {
                    Ok(reply) => assert_eq!(reply, number.to_string()),
                    Err(CallError::ConnectionLost | CallError::Refused) => {}
                    Err(CallError::DeadlineExceeded | CallError::NotSent) if has_limit => {}
                    Err(error) => panic!("{error:?}"),
                }
            });
        }
        for _ in 0..rng.u32(1..5) {
            faults::pause(&mut rng, 5_000).await;
            if rng.bool() {
                there.crash();
                responder.server().close().await;
                faults::pause(&mut rng, 5_000).await;
                there = there.restart();
                responder = respond(&there);
            } else {
                faults::disturb(&network, &here, &there, &mut rng).await;
            }
        }
        while let Some(ended) = time::timeout(PATIENCE, calls.join_next()).await.unwrap() {
            ended.unwrap();
        }
        time::sleep(PATIENCE).await;
        assert_eq!(requester.call("last").await.unwrap(), "last");
        let stats = requester.stats();
        assert!(stats.is_consistent() && stats.outstanding == 0, "{stats:?}");
    }

    fn respond(host: &Host) -> Responder {
        let server = with_heartbeats(Server::builder()).linger(Duration::ZERO).build();
        host.listen(&server);
        let responder = Responder::new(server);
        let echo = |request: Request| async move { Ok::<_, Failure>(request.into_body()) };
        tokio::spawn(responder.serve(service_fn(echo)));
        responder
    }
}

fn with_heartbeats<S>(builder: Builder<S>) -> Builder<S> {
    builder
        .heartbeat_interval(Duration::from_secs(1))
        .connect_timeout(Duration::from_secs(2))
        .reconnect_interval(Duration::from_millis(100))
        .reconnect_interval_max(Duration::from_secs(2))
}

/// Longer than any fault, and the time until it is detected.
const PATIENCE: Duration = Duration::from_secs(60);
