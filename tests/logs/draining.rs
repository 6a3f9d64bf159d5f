//! What a requester logs when its servers drain.

use std::time::Duration;

use support::transports::own_address;
use support::watchdog::Watchdog;
use tokio::sync::Notify;
use tokio_zmtp::rpc::{Failure, Request, Requester, Responder, service_fn};
use tokio_zmtp::{Client, Endpoint, Server};
use tracing::Level;

use super::log::Journal;

#[tokio::test]
async fn each_server_that_drains_is_logged_once_within_the_quota_of_its_endpoint() {
    let _watchdog = Watchdog::start();
    let journal = Journal::start();
    let client = Client::builder().reconnect_interval(Duration::from_millis(1)).build();
    let requester = Requester::new(client);
    let first = serve_and_drain(&requester, own_address()).await;
    requester.client().disconnect(first.clone()).await.unwrap();
    let second = serve_and_drain(&requester, own_address()).await;
    for _ in 0..3 {
        serve_and_drain(&requester, second.clone()).await;
    }
    let logged = journal.all("the server drains");
    let logged: Vec<_> = logged.iter().map(|it| (it.level, it.fields.value("endpoint"))).collect();
    let [first, second] = [first, second].map(|endpoint| endpoint.to_string());
    let [first, second] = [&first, &second].map(|endpoint| Some(endpoint.as_str()));
    let repeated = [Level::INFO, Level::INFO, Level::INFO, Level::DEBUG].map(|it| (it, second));
    assert_eq!(logged, [&[(Level::INFO, first)], &repeated[..]].concat());
}

/// Answers one call at an endpoint, and drains. Returns the bound endpoint.
async fn serve_and_drain(requester: &Requester, endpoint: Endpoint) -> Endpoint {
    let is_new = requester.client().last_endpoint().as_ref() != Some(&endpoint);
    let responder = Responder::new(Server::builder().bind(endpoint).await.unwrap());
    let endpoint = responder.server().last_endpoint().unwrap();
    if is_new {
        requester.client().connect(endpoint.clone()).await.unwrap();
    }
    let stop = Notify::new();
    let echo = service_fn(|request: Request| async { Ok::<_, Failure>(request.into_body()) });
    let serving = responder.serve_with_shutdown(echo, stop.notified());
    let calling = async {
        requester.call("x").await.unwrap();
        stop.notify_one();
    };
    tokio::join!(serving, calling);
    endpoint
}
