//! The statistics of calls that are published through the `metrics` facade.

use metrics::Unit;
use tokio::task;
use tokio_zmtp::metrics::Publisher;
use tokio_zmtp::rpc::{Failure, Request, Requester, Responder, service_fn};
use tokio_zmtp::{Client, Dealer, Rep, Server};

use crate::metrics::Exporter;
use crate::remote::ReservedPort;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn every_metric_of_calls_has_a_name_a_unit_and_the_labels_of_its_socket() {
    let _watchdog = Watchdog::start();
    let exporter = Exporter::install();
    let responder = Responder::new(Server::builder().bind("tcp://127.0.0.1:*").await.unwrap());
    let endpoint = responder.server().last_endpoint().unwrap();
    let service = service_fn(|request: Request| async move {
        match request.body().to_str() {
            Ok("wait") => std::future::pending().await,
            Ok("fail") => Err(Failure::application(1, "")),
            _ => Ok::<_, Failure>("reply"),
        }
    });
    let serving = task::spawn(responder.serve(service));
    let requester = Requester::new(Client::builder().connect(endpoint).await.unwrap());
    let publisher = Publisher::new();
    publisher.add("front", &responder);
    publisher.add("back", &requester);
    requester.call("a").await.unwrap();
    requester.call("b").await.unwrap();
    requester.call("fail").await.unwrap_err();
    let waiting = task::spawn(requester.call("wait"));
    while responder.stats().running == 0 {
        task::yield_now().await;
    }
    publisher.publish();

    let shown = exporter.scrape();
    let labels = "socket=back,socket_type=CLIENT";
    let mut expected: Vec<_> = [
        ("calls_total", "outcome=answered", 2.0),
        ("calls_total", "outcome=bad_reply", 0.0),
        ("calls_total", "outcome=cancelled", 0.0),
        ("calls_total", "outcome=closed", 0.0),
        ("calls_total", "outcome=connection_lost", 0.0),
        ("calls_total", "outcome=deadline_exceeded", 0.0),
        ("calls_total", "outcome=failed", 1.0),
        ("calls_total", "outcome=never_sent", 0.0),
        ("calls_total", "outcome=refused", 0.0),
        ("calls_total", "outcome=undelivered", 0.0),
        ("outstanding_calls", "", 1.0),
        ("unexpected_messages_total", "cause=duplicate", 0.0),
        ("unexpected_messages_total", "cause=late", 0.0),
        ("unexpected_messages_total", "cause=malformed", 0.0),
        ("unexpected_messages_total", "cause=unknown", 0.0),
        ("unsent_cancellations_total", "", 0.0),
    ]
    .map(|(name, label, value)| (series(name, labels, label), value))
    .into();
    let labels = "socket=front,socket_type=SERVER";
    expected.extend(
        [
            ("requests_total", "outcome=answered", 2.0),
            ("requests_total", "outcome=cancelled", 0.0),
            ("requests_total", "outcome=deadline_exceeded", 0.0),
            ("requests_total", "outcome=disconnected", 0.0),
            ("requests_total", "outcome=duplicate", 0.0),
            ("requests_total", "outcome=failed", 1.0),
            ("requests_total", "outcome=overloaded", 0.0),
            ("requests_total", "outcome=panicked", 0.0),
            ("requests_total", "outcome=shutting_down", 0.0),
            ("requests_total", "outcome=unread", 0.0),
            ("running_requests", "", 1.0),
            ("unanswered_requests_total", "", 0.0),
            ("unexpected_messages_total", "cause=malformed", 0.0),
            ("unexpected_messages_total", "cause=unknown", 0.0),
            ("waiting_requests", "", 0.0),
        ]
        .map(|(name, label, value)| (series(name, labels, label), value)),
    );
    expected.sort_by(|(one, _), (other, _)| one.cmp(other));
    assert_eq!(Vec::from_iter(shown), expected);
    for (name, unit) in exporter.units() {
        assert_eq!(unit, Some(Unit::Count), "{name}");
    }
    waiting.abort();
    serving.abort();
}

#[tokio::test]
async fn calls_are_counted_until_the_end_of_their_requester_and_responder() {
    let _watchdog = Watchdog::start();
    let exporter = Exporter::install();
    let publisher = Publisher::new();
    for round in 1..=3 {
        let responder = Responder::new(Rep::builder().bind("tcp://127.0.0.1:*").await.unwrap());
        let endpoint = responder.rep().last_endpoint().unwrap();
        let requester = Requester::new(Dealer::builder().connect(endpoint).await.unwrap());
        publisher.add("calls", &requester);
        publisher.add("calls", &responder);
        let echo = |request: Request| async move { Ok::<_, Failure>(request.into_body()) };
        let serving = task::spawn(responder.serve(service_fn(echo)));
        publisher.publish();
        requester.call("x").await.unwrap();
        while responder.stats().answered == 0 {
            task::yield_now().await;
        }
        serving.abort();
        let _ = serving.await;
        // The socket ends, and the requester and responder with it.
        requester.close().await;
        responder.rep().close().await;
        drop((requester, responder));
        publisher.publish();

        let shown = exporter.scrape();
        let calls = series("calls_total", "socket=calls,socket_type=DEALER", "outcome=answered");
        assert_eq!(shown[&calls], f64::from(round));
        let requests = series("requests_total", "socket=calls,socket_type=REP", "outcome=answered");
        assert_eq!(shown[&requests], f64::from(round));
    }
}

#[tokio::test]
async fn publishing_does_not_keep_a_requester_or_a_responder_alive() {
    let _watchdog = Watchdog::start();
    let unbound = ReservedPort::reserve();
    let client = Client::builder().connect(unbound.endpoint()).await.unwrap();
    let mut of_client = client.monitor();
    let server = Server::builder().build();
    let mut of_server = server.monitor();
    let (requester, responder) = (Requester::new(client), Responder::new(server));
    let publisher = Publisher::new();
    publisher.add("idle", &requester);
    publisher.add("idle", &responder);
    publisher.publish();
    drop((requester, responder));
    while of_client.recv().await.is_some() {}
    assert!(of_server.recv().await.is_none());
    publisher.publish();
}

#[tokio::test]
async fn requests_and_calls_that_an_end_interrupts_have_an_outcome() {
    let _watchdog = Watchdog::start();
    let exporter = Exporter::install();
    let publisher = Publisher::new();
    let responder = Responder::builder(Server::builder().bind("tcp://127.0.0.1:*").await.unwrap());
    let responder = responder.max_running(2).build();
    let endpoint = responder.server().last_endpoint().unwrap();
    let service = service_fn(|_: Request| std::future::pending::<Result<&str, Failure>>());
    let serving = task::spawn(responder.serve(service));
    let requester = Requester::new(Client::builder().connect(endpoint).await.unwrap());
    publisher.add("ended", &requester);
    publisher.add("ended", &responder);
    let calls = [(); 5].map(|()| task::spawn(requester.call("x")));
    // One requester gets half of the slots.
    while responder.stats().waiting < 4 {
        task::yield_now().await;
    }
    serving.abort();
    let _ = serving.await;
    responder.server().close().await;
    drop(responder);
    for call in calls {
        call.await.unwrap().unwrap_err();
    }
    requester.close().await;
    drop(requester);
    publisher.publish();

    let shown = exporter.scrape();
    let sum = |name: &str| -> f64 {
        shown.iter().filter(|(series, _)| series.starts_with(name)).map(|(_, value)| value).sum()
    };
    assert_eq!(sum("zmtp_requests_total"), 5.0, "{shown:?}");
    assert_eq!(sum("zmtp_calls_total"), 5.0, "{shown:?}");
    for gauge in ["zmtp_running_requests", "zmtp_waiting_requests", "zmtp_outstanding_calls"] {
        assert_eq!(sum(gauge), 0.0, "{shown:?}");
    }
}

/// Returns a series as [`Exporter::scrape`] names it.
fn series(name: &str, labels: &str, label: &str) -> String {
    let comma = if label.is_empty() { "" } else { "," };
    format!("zmtp_{name}{{{labels}{comma}{label}}}")
}
