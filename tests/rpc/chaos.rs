//! Ten thousand concurrent calls, with and without failures of every kind.

use std::time::Duration;

use futures::future::Either;
use futures::{future, pin_mut};
use tokio_zmtp::rpc::{CallError, Request, Requester, Responder, service_fn};
use tokio_zmtp::{Client, Message, RoutingId, Server};

use crate::wire::{CANCEL, ERROR, REPLY, REQUEST, body, echo, envelope, opened, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_concurrent_calls_get_their_own_replies() {
    let responder = Responder::new(Server::builder().bind("tcp://127.0.0.1:*").await.unwrap());
    tokio::spawn(responder.serve(service_fn(echo)));
    let endpoint = responder.server().last_endpoint().unwrap();
    let requester = Requester::new(Client::builder().connect(endpoint).await.unwrap());
    let calls: Vec<_> = (0..CALLS)
        .map(|number| {
            let requester = requester.clone();
            tokio::spawn(async move {
                let body = number.to_string();
                assert_eq!(requester.call(body.clone()).await.unwrap(), body);
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    let stats = requester.stats();
    assert_eq!((stats.sent, stats.answered), (CALLS, CALLS));
    assert!(stats.is_consistent());
    assert!(responder.stats().is_consistent());
}

/// The servers treat requests in different ways, according to their numbers, and connections are
/// cut meanwhile. At the end, every caller has an outcome, and the statistics agree with the
/// callers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_is_accounted_for_despite_all_failures() {
    let seed =
        std::env::var("SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    eprintln!("SEED={seed}");
    let client = Client::builder()
        .reconnect_interval(Some(Duration::from_millis(1)))
        .reconnect_interval_max(Duration::from_millis(10))
        .build();
    let mut tasks = Vec::new();
    for number in 0..3 {
        let server = Server::builder().recv_hwm(100 << number).build();
        let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
        client.connect(endpoint).await.unwrap();
        tasks.push(tokio::spawn(misbehave(server.clone(), fastrand::Rng::with_seed(seed))));
    }
    let requester = Requester::builder(client).timeout(Duration::from_secs(3)).build();
    let mut random = fastrand::Rng::with_seed(seed);
    let calls: Vec<_> = (0..CALLS)
        .map(|number| {
            let call = requester.call(Request::from(number.to_string()));
            tokio::spawn(make(call, number, random.u64(0..40)))
        })
        .collect();
    let mut seen = Seen::default();
    for call in calls {
        seen.count(&call.await.unwrap());
    }
    let stats = requester.stats();
    assert!(stats.is_consistent(), "{stats:#?}");
    assert_eq!(stats.outstanding, 0);
    let ended = stats.answered + stats.failed + stats.connection_lost + stats.deadline_exceeded;
    assert_eq!(stats.sent, ended + stats.cancelled, "{stats:#?}");
    // The callers and the statistics may disagree about calls that were not sent, and about calls
    // that were dropped when they had just ended. The difference never exceeds the number of
    // dropped or late calls.
    let seen_to_end = seen.answered + seen.failed + seen.lost + seen.late;
    assert_eq!(seen_to_end + seen.dropped, CALLS);
    assert!(seen.answered <= stats.answered && seen.failed <= stats.failed, "{seen:?} {stats:#?}");
    assert!(seen.lost <= stats.connection_lost && stats.cancelled <= seen.dropped);
    let ended_unseen = stats.answered - seen.answered + stats.failed - seen.failed
        + stats.connection_lost
        - seen.lost;
    assert!(stats.cancelled + ended_unseen <= seen.dropped, "{seen:?} {stats:#?}");
    assert_eq!(stats.sent + stats.never_sent, CALLS);
    assert_eq!(
        stats.cancelled + ended_unseen + stats.deadline_exceeded + stats.never_sent,
        seen.dropped + seen.late,
        "{seen:?} {stats:#?}"
    );
    for happened in [
        seen.answered,
        seen.failed,
        seen.lost,
        seen.late,
        seen.dropped,
        stats.duplicate + stats.late,
        stats.unknown,
        stats.malformed,
    ] {
        assert!(happened > 0, "{seen:?} {stats:#?}");
    }
    // Later calls succeed despite the failures.
    let last = requester.call(Request::from("9").with_timeout(Duration::from_secs(60)));
    assert!(matches!(last.await, Ok(_) | Err(CallError::ConnectionLost)));
    until(&requester, |stats| stats.outstanding == 0).await;
    for task in tasks {
        task.abort();
    }
}

/// The outcome of a call for its caller.
#[derive(Debug)]
enum End {
    Dropped,
    Ended(Result<(), CallError>),
}

#[derive(Debug, Default)]
struct Seen {
    answered: u64,
    failed: u64,
    lost: u64,
    late: u64,
    dropped: u64,
}

impl Seen {
    fn count(&mut self, end: &End) {
        let count = match end {
            End::Dropped => &mut self.dropped,
            End::Ended(Ok(())) => &mut self.answered,
            End::Ended(Err(CallError::Failed(_))) => &mut self.failed,
            End::Ended(Err(CallError::ConnectionLost)) => &mut self.lost,
            End::Ended(Err(CallError::DeadlineExceeded | CallError::NotSent)) => &mut self.late,
            End::Ended(Err(error)) => panic!("unexpected error: {error}"),
        };
        *count += 1;
    }
}

/// Makes a call. Every seventh call is dropped after some time.
async fn make(call: tokio_zmtp::rpc::Call, number: u64, patience: u64) -> End {
    let outcome = if number % 7 == 3 {
        let patience = tokio::time::sleep(Duration::from_millis(patience));
        pin_mut!(call, patience);
        match future::select(call, patience).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => return End::Dropped,
        }
    } else {
        call.await
    };
    End::Ended(outcome.map(|reply| assert_eq!(reply, number.to_string())))
}

/// Answers each request in a way that its number selects.
async fn misbehave(server: Server, mut random: fastrand::Rng) {
    while let Ok(message) = server.recv().await {
        let (kind, id, rest) = opened(&message);
        if kind != REQUEST {
            continue;
        }
        let to = message.routing_id().unwrap();
        let body = Message::from(body(rest));
        let reply = envelope(REPLY, id, &body);
        let number: u64 = body.to_str().unwrap().parse().unwrap();
        if CUT.contains(&number) {
            for remote in server.remotes().list() {
                server.remotes().disconnect(remote.connection_id());
            }
            continue;
        }
        match number % 10 {
            0 => {}
            1 => later(&server, to, reply, random.u64(0..50)),
            2 => {
                send(&server, to, reply.clone()).await;
                send(&server, to, reply).await;
            }
            3 => {
                send(&server, to, envelope(REPLY, id ^ (1 << 60), "not yours")).await;
                send(&server, to, reply).await;
            }
            4 => send(&server, to, envelope(ERROR, id, b"\x10\0\0\0\x01no")).await,
            5 => {
                send(&server, to, envelope(CANCEL, id, "")).await;
                later(&server, to, reply, 0);
            }
            6 if number % 100 == 6 => later(&server, to, reply, 3_500),
            _ => send(&server, to, reply).await,
        }
    }
}

fn later(server: &Server, to: RoutingId, reply: Vec<u8>, millis: u64) {
    let server = server.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        send(&server, to, reply).await;
    });
}

/// Sends a message to a client, which may be disconnected.
async fn send(server: &Server, to: RoutingId, message: Vec<u8>) {
    let _ = server.route(to, message).await;
}

const CALLS: u64 = 10_000;

/// The numbers of requests whose connection is cut instead of a reply. Their callers do not drop
/// the calls.
const CUT: [u64; 6] = [508, 1_007, 1_509, 2_017, 3_008, 5_007];
