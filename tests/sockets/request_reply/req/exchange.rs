//! REQ and REP of this crate.

use std::time::Duration;

use tokio_zmtp::{Endpoint, Multipart, Rep, Req, RequestError};

use super::{Watchdog, start};
use crate::over_transport::OverTransport;
use crate::transports::{Transport, over_every_transport, over_every_transport_and_streams};

over_every_transport_and_streams!(requests_and_replies_go_back_and_forth);

async fn requests_and_replies_go_back_and_forth(transport: Transport) {
    let _watchdog = Watchdog::start();
    for correlate in [true, false] {
        for req_binds in [true, false] {
            let (req, rep) = (
                Req::builder().over(transport).correlate(correlate).build(),
                Rep::builder().over(transport).build(),
            );
            if req_binds {
                let endpoint = req.bind(transport.any()).await.unwrap();
                transport.connect(&rep, &req, endpoint).await;
            } else {
                let endpoint = rep.bind(transport.any()).await.unwrap();
                transport.connect(&req, &rep, endpoint).await;
            }
            serve(&rep);
            for len in [0, 1, 62, 63, 100, 300, 70_000] {
                let request = Multipart::from([vec![7; len], b"".to_vec(), vec![8; len]]);
                assert_eq!(req.request(&request).await.unwrap(), request);
            }
            assert_eq!(req.request("one").await.unwrap(), ["one"]);
            assert_eq!(rep.close().await.undelivered, 0);
        }
    }
}

over_every_transport_and_streams!(requests_go_to_reps_in_turn);

async fn requests_go_to_reps_in_turn(transport: Transport) {
    let _watchdog = Watchdog::start();
    let req = Req::builder().over(transport).build();
    let endpoint = req.bind(transport.any()).await.unwrap();
    let mut reps = Vec::new();
    for connected in 1..=3 {
        let rep = Rep::builder().over(transport).build();
        transport.connect(&rep, &req, endpoint.clone()).await;
        while req.remotes().len() < connected {
            tokio::task::yield_now().await;
        }
        reps.push(rep);
    }
    for _ in 0..2 {
        for rep in &reps {
            let request = start(&req, "request");
            let (received, mut replier) = rep.recv().await.unwrap();
            assert_eq!(received, ["request"]);
            replier.reply("reply").await.unwrap();
            assert_eq!(request.await.unwrap().unwrap(), ["reply"]);
        }
    }
}

over_every_transport_and_streams!(many_requests_over_one_handle_receive_their_own_replies);

async fn many_requests_over_one_handle_receive_their_own_replies(transport: Transport) {
    let _watchdog = Watchdog::start();
    let rep = Rep::builder().over(transport).build();
    let endpoint = rep.bind(transport.any()).await.unwrap();
    let req = Req::builder().over(transport).build();
    transport.connect(&req, &rep, endpoint).await;
    for _ in 0..3 {
        serve(&rep);
    }
    let requests = (0..1_000_u32).map(|number| {
        let req = &req;
        async move {
            let reply = req.request(number.to_be_bytes()).await.unwrap();
            assert_eq!(reply, [number.to_be_bytes()]);
        }
    });
    futures::future::join_all(requests).await;
}

over_every_transport!(a_rep_that_ends_fails_its_requests);

async fn a_rep_that_ends_fails_its_requests(transport: Transport) {
    let _watchdog = Watchdog::start();
    let rep = Rep::new();
    let endpoint = rep.bind(transport.any()).await.unwrap();
    let req = Req::builder()
        .reconnect_interval(Duration::from_millis(1))
        .connect(&endpoint)
        .await
        .unwrap();
    let request = start(&req, "request");
    let (_, replier) = rep.recv().await.unwrap();
    rep.close().await;
    drop((rep, replier));
    assert_eq!(request.await.unwrap().unwrap_err(), RequestError::ConnectionLost);

    let request = start(&req, "request");
    let rep = Rep::new();
    bind_again(&rep, &endpoint).await;
    serve(&rep);
    assert_eq!(request.await.unwrap().unwrap(), ["request"]);
}

#[tokio::test]
async fn a_reply_on_drop_ends_the_request() {
    let _watchdog = Watchdog::start();
    let rep = Rep::builder().reply_on_drop(["error"]).build();
    let endpoint = rep.bind("tcp://127.0.0.1:*").await.unwrap();
    let req = Req::builder().connect(endpoint).await.unwrap();
    let request = start(&req, "request");
    drop(rep.recv().await.unwrap());
    assert_eq!(request.await.unwrap().unwrap(), ["error"]);
}

/// Returns every request to its requester.
fn serve(rep: &Rep) {
    let rep = rep.clone();
    tokio::spawn(async move {
        while let Ok((request, mut replier)) = rep.recv().await {
            replier.reply(request).await.unwrap();
        }
    });
}

async fn bind_again(rep: &Rep, endpoint: &Endpoint) {
    while rep.bind(endpoint).await.is_err() {
        tokio::task::yield_now().await;
    }
}
