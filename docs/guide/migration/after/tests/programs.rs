//! The programs of the guide do their work.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod folder;

use std::future;
use std::time::Duration;

use migration::{calls, classic, draft};
use tokio_zmtp::rpc::CallError;
use tokio_zmtp::{Gather, Pull, Push, Scatter};

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
