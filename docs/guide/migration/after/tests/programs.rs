//! The programs of the guide do their work.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod folder;

use std::future;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use migration::{calls, classic, draft};
use tokio::sync::oneshot;
use tokio_zmtp::rpc::{CallError, ErrorCode, Failure, Request, Responder, service_fn};
use tokio_zmtp::{Gather, Pull, Push, Scatter, Server};

use self::folder::Folder;

#[tokio::test]
async fn a_request_is_answered() {
    let folder = Folder::new();
    let endpoint = folder.endpoint("requests");
    tokio::select! {
        served = classic::request_reply::serve(&endpoint) => served.unwrap(),
        reply = classic::request_reply::ask(&endpoint, "Ada") => assert_eq!(reply.unwrap(), "hello Ada"),
    }
    let endpoint = folder.endpoint("drafts");
    tokio::select! {
        served = draft::request_reply::serve(&endpoint) => served.unwrap(),
        reply = draft::request_reply::ask(&endpoint, "Ada") => assert_eq!(reply.unwrap(), "hello Ada"),
    }
}

#[tokio::test]
async fn a_subscriber_receives_consecutive_messages() {
    let folder = Folder::new();
    let endpoint = folder.endpoint("weather");
    tokio::select! {
        published = classic::publish_subscribe::publish(&endpoint, TICK) => published.unwrap(),
        numbers = classic::publish_subscribe::subscribe(&endpoint, 3) => assert_consecutive(&numbers.unwrap()),
    }
    let endpoint = folder.endpoint("drafts");
    tokio::select! {
        published = draft::publish_subscribe::publish(&endpoint, TICK) => published.unwrap(),
        numbers = draft::publish_subscribe::subscribe(&endpoint, 3) => assert_consecutive(&numbers.unwrap()),
    }
}

#[tokio::test]
async fn all_tasks_are_done() {
    let folder = Folder::new();
    let [tasks, results] = ["tasks", "results"].map(|name| folder.endpoint(name));
    let ends = async {
        let (distributed, sum) = tokio::join!(
            classic::pipeline::distribute(&tasks, 100),
            classic::pipeline::collect(&results, 100),
        );
        distributed.unwrap();
        sum.unwrap()
    };
    tokio::select! {
        worked = classic::pipeline::work(&tasks, &results) => worked.unwrap(),
        sum = ends => assert_eq!(sum, 338_350),
    }

    let (sender, receiver) = (Scatter::new(), Gather::new());
    let [tasks, results] = ["drafts", "draft-results"].map(|name| folder.endpoint(name));
    sender.bind(tasks.as_str()).await.unwrap();
    receiver.bind(results.as_str()).await.unwrap();
    let ends = async {
        sender.send("7").await.unwrap();
        assert_eq!(receiver.recv().await.unwrap(), "49");
    };
    tokio::select! {
        worked = draft::pipeline::work(&tasks, &results) => worked.unwrap(),
        () = ends => {}
    }
}

#[tokio::test]
async fn a_poll_loop_ends_at_a_control_message() {
    let folder = Folder::new();
    let [tasks, control, results] =
        ["tasks", "control", "results"].map(|name| folder.endpoint(name));
    let (sender, controller, sink) = (Push::new(), Push::new(), Pull::new());
    sender.bind(tasks.as_str()).await.unwrap();
    controller.bind(control.as_str()).await.unwrap();
    sink.bind(results.as_str()).await.unwrap();
    let ends = async {
        for _ in 0..3 {
            sender.send("task").await.unwrap();
            sink.recv().await.unwrap();
        }
        controller.send("stop").await.unwrap();
        future::pending().await
    };
    tokio::select! {
        done = classic::poll_loop::work(&tasks, &control, &results) => assert_eq!(done.unwrap(), 3),
        () = ends => {}
    }

    let (sender, controller, sink) = (Scatter::new(), Scatter::new(), Gather::new());
    let tasks =
        Gather::builder().connect(sender.bind("inproc://tasks").await.unwrap()).await.unwrap();
    let endpoint = controller.bind("inproc://control").await.unwrap();
    let control = Gather::builder().connect(endpoint).await.unwrap();
    let results =
        Scatter::builder().connect(sink.bind("inproc://results").await.unwrap()).await.unwrap();
    let ends = async {
        sender.send("task").await.unwrap();
        sink.recv().await.unwrap();
        controller.send("stop").await.unwrap();
        future::pending().await
    };
    tokio::select! {
        done = draft::poll_loop::work(&tasks, &control, &results) => assert_eq!(done.unwrap(), 1),
        () = ends => {}
    }
}

#[tokio::test]
async fn calls_return_replies_streams_and_failures() {
    let folder = Folder::new();
    let endpoint = folder.endpoint("calls");
    let calls = async {
        let requester = calls::client::connect(&endpoint).await.unwrap();
        assert_eq!(calls::client::hello(&requester, "Ada").await.unwrap(), "hello Ada");
        assert_eq!(calls::client::count(&requester, 3).await.unwrap(), [1, 2, 3]);
        match calls::client::hello(&requester, "").await {
            Err(CallError::Failed(failure)) => assert_eq!(failure.detail(), calls::server::NO_NAME),
            other => panic!("{other:?}"),
        }
    };
    tokio::select! {
        served = calls::server::serve(&endpoint) => served.unwrap(),
        () = calls => {}
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_not_started_are_repeated_up_to_a_limit() {
    let endpoint = "inproc://overloaded";
    let refusals = Arc::new(AtomicU32::new(2));
    let remaining = Arc::clone(&refusals);
    let service = service_fn(move |request: Request| {
        let is_refused = remaining.fetch_update(Relaxed, Relaxed, |n| n.checked_sub(1)).is_ok();
        async move {
            if is_refused {
                return Err(Failure::new(ErrorCode::OVERLOADED, ""));
            }
            calls::server::answer(request).await
        }
    });
    let server = Server::builder().bind(endpoint).await.unwrap();
    tokio::spawn(Responder::new(server).serve(service));

    let requester = calls::client::connect(endpoint).await.unwrap();
    let text = calls::errors::greeting(&requester, "Ada").await.unwrap();
    assert_eq!(text.as_deref(), Some("hello Ada"));
    assert_eq!(calls::errors::greeting(&requester, "").await.unwrap(), None);
    refusals.store(3, Relaxed);
    let error = calls::errors::greeting(&requester, "Ada").await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert_eq!(refusals.load(Relaxed), 0);
}

#[tokio::test]
async fn a_server_that_shuts_down_finishes_a_stream() {
    let folder = Folder::new();
    let endpoint = folder.endpoint("drains");
    let (stop, stopped) = oneshot::channel::<()>();
    let signal = async {
        let _ = stopped.await;
    };
    let calls = async {
        let requester = calls::client::connect(&endpoint).await.unwrap();
        let mut replies = requester.stream("count 10000");
        assert_eq!(replies.next().await.unwrap().unwrap(), "1");
        drop(stop);
        let remaining: Vec<_> = replies.try_collect().await.unwrap();
        assert_eq!(remaining.last().unwrap(), &"10000");
        assert_eq!(remaining.len(), 9_999);
    };
    let (served, ()) = tokio::join!(calls::shutdown::serve(&endpoint, signal), calls);
    served.unwrap();
}

#[tokio::test]
async fn several_servers_share_requests() {
    let folder = Folder::new();
    let [first, second] = ["first", "second"].map(|name| folder.endpoint(name));
    let asked = async {
        let requester = calls::request_reply::connect(&[&first, &second]).await.unwrap();
        for _ in 0..4 {
            let reply = calls::request_reply::ask(&requester, "Ada").await.unwrap();
            assert_eq!(reply, "hello Ada");
        }
    };
    tokio::select! {
        served = calls::request_reply::serve(&first) => served.unwrap(),
        served = calls::request_reply::serve(&second) => served.unwrap(),
        () = asked => {}
    }
}

fn assert_consecutive(numbers: &[u64]) {
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
}

const TICK: Duration = Duration::from_millis(5);
