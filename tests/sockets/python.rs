//! Sockets of Python as remotes: those of a release of libzmq, without drafts.

use support::python;
use support::script::ScriptRemote;
use tokio::task::JoinSet;
use tokio_zmtp::proxy::ProxyStats;
use tokio_zmtp::{Dealer, Multipart, Pair, Pull, Push, Rep, Req, Router, proxy};

use crate::scripts::topics::{
    patient_pub, patient_xpub, publish_each, publish_each_after_a_reconnect,
    receive_each_after_a_reconnect, receive_published, receive_published_after_a_reconnect,
    sub_to_numbers, xsub_to_numbers,
};
use crate::scripts::{
    COUNT, ROUND_TRIPS, exchange_by_identity, exchange_each, in_every_pairing, parts_of,
    receive_each, reply_to_each, request_each, send_each,
};
use crate::watchdog::Watchdog;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_of_python_receives_from_our_push() {
    in_every_pairing(start(), "pull", COUNT, Push::builder, send_each).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sub_of_python_receives_from_our_pub() {
    in_every_pairing(start(), "sub", COUNT, patient_pub, publish_each).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_sub_receives_from_an_xpub_of_python() {
    in_every_pairing(start(), "xpub", COUNT, sub_to_numbers, receive_each).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_sub_receives_from_a_pub_of_python() {
    in_every_pairing(start(), "pub", COUNT, sub_to_numbers, async |sub, _| {
        receive_published(sub).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_xpub_publishes_to_a_sub_and_an_xsub_of_python_that_reconnect() {
    for their_type in ["sub", "xsub"] {
        in_every_pairing(start(), their_type, COUNT, patient_xpub, async |xpub, remote| {
            publish_each_after_a_reconnect(xpub, remote, their_type).await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_xsub_receives_from_an_xpub_of_python_after_a_reconnect() {
    let exchange = receive_each_after_a_reconnect;
    in_every_pairing(start(), "prompted_xpub", COUNT, xsub_to_numbers, exchange).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_xsub_receives_from_a_pub_of_python_after_a_reconnect() {
    in_every_pairing(start(), "pub", COUNT, xsub_to_numbers, async |xsub, _| {
        receive_published_after_a_reconnect(xsub).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_pull_receives_from_a_push_of_python() {
    in_every_pairing(start(), "push", COUNT, Pull::builder, receive_each).await;
}

/// All messages are outstanding: a ROUTER drops replies above its high-water mark.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dealer_and_a_router_of_python_answer_our_dealer() {
    for their_type in ["dealer", "router"] {
        in_every_pairing(
            start(),
            their_type,
            ROUND_TRIPS,
            Dealer::builder,
            async |dealer, remote| {
                exchange_each(dealer, remote, ROUND_TRIPS).await;
            },
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rep_of_python_answers_our_dealer() {
    in_every_pairing(start(), "rep", ROUND_TRIPS, Dealer::builder, async |dealer, remote| {
        for number in 0..ROUND_TRIPS {
            let [first, second, third] = parts_of(number);
            let request = Multipart::from([String::new(), first, second, third]);
            dealer.send(&request).await.unwrap();
            assert_eq!(dealer.recv().await.unwrap(), request);
        }
        assert_eq!(remote.line(), "done");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pair_of_python_answers_our_pair() {
    in_every_pairing(start(), "pair", COUNT, Pair::builder, async |pair, remote| {
        exchange_each(pair, remote, COUNT).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_rep_replies_to_a_req_and_a_dealer_of_python() {
    for their_type in ["req", "correlating_req", "asking_dealer"] {
        in_every_pairing(start(), their_type, ROUND_TRIPS, Rep::builder, reply_to_each).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rep_and_a_router_of_python_answer_our_req() {
    for their_type in ["rep", "router"] {
        in_every_pairing(start(), their_type, ROUND_TRIPS, Req::builder, request_each).await;
    }
}

/// The ROUTER reads and writes messages of a fixed form: the identity, an empty part, and the body.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_correlation_a_rep_and_a_router_of_python_answer_our_req() {
    for their_type in ["rep", "fixed_form_router"] {
        let builder = || Req::builder().correlate(false);
        in_every_pairing(start(), their_type, ROUND_TRIPS, builder, request_each).await;
    }
}

/// Corresponds to `test_reqrep_device` of libzmq. Two services of ours are behind the device, and
/// the requesters are REQs and DEALERs of ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_rep_replies_to_requests_through_a_router_and_a_dealer_of_python() {
    let _watchdog = Watchdog::start();
    let script = "tests/sockets/request_reply/device.py";
    let Some(mut device) = python::start(env!("CARGO_TARGET_TMPDIR"), script) else { return };
    let (frontend, backend) = (device.line(), device.line());
    for _ in 0..2 {
        let rep = Rep::builder().connect(&*backend).await.unwrap();
        tokio::spawn(async move {
            while let Ok((request, mut replier)) = rep.recv().await {
                replier.reply(request).await.unwrap();
            }
        });
    }
    let mut requesters = JoinSet::new();
    for correlate in [true, false] {
        let builder = Req::builder().correlate(correlate);
        let req = builder.connect(&*frontend).await.unwrap();
        requesters.spawn(async move {
            let request = |number| {
                let req = &req;
                async move {
                    let reply = req.request(parts_of(number)).await.unwrap();
                    assert_eq!(reply, parts_of(number));
                }
            };
            futures::future::join_all((0..ROUND_TRIPS).map(request)).await;
        });
    }
    for _ in 0..3 {
        let dealer = Dealer::builder().connect(&*frontend).await.unwrap();
        requesters.spawn(async move {
            for number in 0..ROUND_TRIPS {
                let [first, second, third] = parts_of(number);
                let request = Multipart::from(["id".into(), String::new(), first, second, third]);
                dealer.send(&request).await.unwrap();
                assert_eq!(dealer.recv().await.unwrap(), request);
            }
        });
    }
    while let Some(done) = requesters.join_next().await {
        done.unwrap();
    }
    assert_eq!(device.finish(), "");
}

/// A dealer and a router of Python answer our router, which addresses them by their identity.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dealer_and_a_router_of_python_answer_our_router() {
    for their_type in ["dealer", "router"] {
        in_every_pairing(start(), their_type, ROUND_TRIPS, Router::builder, exchange_by_identity)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_router_answers_a_req_of_python() {
    in_every_pairing(start(), "req", ROUND_TRIPS, Router::builder, async |router, remote| {
        for number in 0..ROUND_TRIPS {
            let request = router.recv().await.unwrap();
            let [first, second, third] = parts_of(number);
            assert_eq!(*request, [String::new(), first, second, third]);
            router.reply(&request, request.clone()).await.unwrap();
        }
        assert_eq!(remote.line(), "done");
    })
    .await;
}

/// Two Python scripts use a broker of ours: the identity of the REQ passes the dealer and the REP
/// as a part of the envelope.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_broker_joins_a_req_and_a_rep_of_python() {
    let (Some(mut req), Some(mut rep)) = (start(), start()) else { return };
    let _watchdog = Watchdog::start();
    let (frontend, backend) = (Router::new(), Dealer::new());
    for (remote, their_type, endpoint) in [
        (&mut req, "req", frontend.bind("tcp://127.0.0.1:*").await.unwrap()),
        (&mut rep, "rep", backend.bind("tcp://127.0.0.1:*").await.unwrap()),
    ] {
        remote.write_line(&format!(
            r#"{{"type":"{their_type}","connect":"{endpoint}","count":{ROUND_TRIPS},"admitted":[],"options":{{}}}}"#
        ));
        remote.line();
    }
    let broker = proxy(&frontend, &backend);
    let handle = broker.handle();
    let broker = tokio::spawn(broker);
    assert_eq!((req.line(), rep.line()), ("done".to_owned(), "done".to_owned()));
    let ProxyStats { to_backend, to_frontend, .. } = handle.stats();
    assert_eq!(
        (to_backend.messages, to_frontend.messages),
        (ROUND_TRIPS.into(), ROUND_TRIPS.into())
    );
    handle.stop();
    broker.await.unwrap();
    assert_eq!((req.finish(), rep.finish()), (String::new(), String::new()));
}

/// Starts a socket of Python, if it is installed.
pub(crate) fn start() -> Option<ScriptRemote> {
    python::start(env!("CARGO_TARGET_TMPDIR"), "tests/sockets/socket_remote.py")
}
