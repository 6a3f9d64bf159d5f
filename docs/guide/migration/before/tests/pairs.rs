//! The programs before and after a migration exchange messages with each other, so that one side can be migrated first.
//!
//! The programs with async-nats need a server, and are only compiled.

#[path = "../../after/tests/folder/mod.rs"]
mod folder;

use std::error::Error;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use migration::{calls, classic};
use migration_before::tonic;
use tokio::runtime::Runtime;
use tokio_zmtp::{Pull, Push};

use self::folder::Folder;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The programs with one crate.
#[derive(Clone, Copy)]
struct Before {
    serve: fn(&str) -> Outcome<()>,
    ask: fn(&str, &str) -> Outcome<String>,
    publish: fn(&str, Duration) -> Outcome<()>,
    subscribe: fn(&str, usize) -> Outcome<Vec<u64>>,
    distribute: fn(&str, u64) -> Outcome<()>,
    work: fn(&str, &str) -> Outcome<()>,
    collect: fn(&str, u64) -> Outcome<u64>,
    poll_loop: fn(&str, &str, &str) -> Outcome<u64>,
}

macro_rules! blocking {
    ($library:ident) => {
        Before {
            serve: migration_before::$library::request_reply::serve,
            ask: migration_before::$library::request_reply::ask,
            publish: migration_before::$library::publish_subscribe::publish,
            subscribe: migration_before::$library::publish_subscribe::subscribe,
            distribute: migration_before::$library::pipeline::distribute,
            work: migration_before::$library::pipeline::work,
            collect: migration_before::$library::pipeline::collect,
            poll_loop: migration_before::$library::poll_loop::work,
        }
    };
}

macro_rules! asynchronous {
    ($library:ident) => {
        Before {
            serve: |endpoint| {
                RUNTIME.block_on(migration_before::$library::request_reply::serve(endpoint))
            },
            ask: |endpoint, name| {
                RUNTIME.block_on(migration_before::$library::request_reply::ask(endpoint, name))
            },
            publish: |endpoint, every| {
                RUNTIME.block_on(migration_before::$library::publish_subscribe::publish(
                    endpoint, every,
                ))
            },
            subscribe: |endpoint, count| {
                RUNTIME.block_on(migration_before::$library::publish_subscribe::subscribe(
                    endpoint, count,
                ))
            },
            distribute: |endpoint, tasks| {
                RUNTIME.block_on(migration_before::$library::pipeline::distribute(endpoint, tasks))
            },
            work: |tasks, results| {
                RUNTIME.block_on(migration_before::$library::pipeline::work(tasks, results))
            },
            collect: |endpoint, results| {
                RUNTIME.block_on(migration_before::$library::pipeline::collect(endpoint, results))
            },
            poll_loop: |tasks, control, results| {
                RUNTIME
                    .block_on(migration_before::$library::poll_loop::work(tasks, control, results))
            },
        }
    };
}

macro_rules! pairs {
    ($library:ident, $form:ident) => {
        mod $library {
            use super::*;

            const BEFORE: Before = $form!($library);

            #[test]
            fn requests_pass_both_ways() {
                super::requests_pass_both_ways(BEFORE);
            }

            #[test]
            fn messages_are_published_both_ways() {
                super::messages_are_published_both_ways(BEFORE);
            }

            #[test]
            fn tasks_pass_both_ways() {
                super::tasks_pass_both_ways(BEFORE);
            }

            #[test]
            fn a_poll_loop_ends_at_a_control_message() {
                super::a_poll_loop_ends_at_a_control_message(BEFORE);
            }
        }
    };
}

pairs!(omq_tokio, asynchronous);
pairs!(tmq, asynchronous);
pairs!(zeromq, asynchronous);
pairs!(zmq, blocking);

fn requests_pass_both_ways(before: Before) {
    let folder = Folder::new();
    let endpoint = folder.endpoint("after");
    let server = endpoint.clone();
    RUNTIME.spawn(async move { classic::request_reply::serve(&server).await });
    assert_eq!((before.ask)(&endpoint, "Ada").unwrap(), "hello Ada");

    let endpoint = folder.endpoint("before");
    let server = endpoint.clone();
    thread::spawn(move || (before.serve)(&server));
    let reply = RUNTIME.block_on(classic::request_reply::ask(&endpoint, "Ada"));
    assert_eq!(reply.unwrap(), "hello Ada");
}

fn messages_are_published_both_ways(before: Before) {
    let folder = Folder::new();
    let endpoint = folder.endpoint("after");
    let publisher = endpoint.clone();
    RUNTIME.spawn(async move { classic::publish_subscribe::publish(&publisher, TICK).await });
    assert_consecutive(&(before.subscribe)(&endpoint, 3).unwrap());

    let endpoint = folder.endpoint("before");
    let publisher = endpoint.clone();
    thread::spawn(move || (before.publish)(&publisher, TICK));
    let numbers = RUNTIME.block_on(classic::publish_subscribe::subscribe(&endpoint, 3));
    assert_consecutive(&numbers.unwrap());
}

fn tasks_pass_both_ways(before: Before) {
    let folder = Folder::new();
    let [tasks, results] = ["tasks", "results"].map(|name| folder.endpoint(name));
    let worker = (tasks.clone(), results.clone());
    thread::spawn(move || (before.work)(&worker.0, &worker.1));
    let ((), sum) = RUNTIME
        .block_on(async {
            tokio::try_join!(
                classic::pipeline::distribute(&tasks, 100),
                classic::pipeline::collect(&results, 100),
            )
        })
        .unwrap();
    assert_eq!(sum, 338_350);

    let [tasks, results] = ["before", "before-results"].map(|name| folder.endpoint(name));
    let worker = (tasks.clone(), results.clone());
    RUNTIME.spawn(async move { classic::pipeline::work(&worker.0, &worker.1).await });
    let ventilator = thread::spawn(move || (before.distribute)(&tasks, 100));
    assert_eq!((before.collect)(&results, 100).unwrap(), 338_350);
    ventilator.join().unwrap().unwrap();
}

fn a_poll_loop_ends_at_a_control_message(before: Before) {
    let folder = Folder::new();
    let [tasks, control, results] =
        ["tasks", "control", "results"].map(|name| folder.endpoint(name));
    RUNTIME.block_on(async {
        let (sender, controller, sink) = (Push::new(), Push::new(), Pull::new());
        sender.bind(tasks.as_str()).await.unwrap();
        controller.bind(control.as_str()).await.unwrap();
        sink.bind(results.as_str()).await.unwrap();
        let worker = thread::spawn(move || (before.poll_loop)(&tasks, &control, &results));
        for _ in 0..3 {
            sender.send("task").await.unwrap();
            assert_eq!(sink.recv().await.unwrap(), ["task"]);
        }
        controller.send("stop").await.unwrap();
        let done = tokio::task::spawn_blocking(|| worker.join().unwrap().unwrap()).await;
        assert_eq!(done.unwrap(), 3);
    });
}

#[test]
fn calls_return_what_they_returned_with_tonic() {
    RUNTIME.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(tonic::server::serve(listener));
        let client = tonic::client::connect(address).await.unwrap();
        let folder = Folder::new();
        let endpoint = folder.endpoint("calls");
        let server = endpoint.clone();
        tokio::spawn(async move { calls::server::serve(&server).await });
        let requester = calls::client::connect(&endpoint).await.unwrap();

        let before = tonic::client::hello(&client, "Ada").await.unwrap();
        assert_eq!(calls::client::hello(&requester, "Ada").await.unwrap(), before);
        let before = tonic::client::count(&client, 5).await.unwrap();
        assert_eq!(calls::client::count(&requester, 5).await.unwrap(), before);
        let before = tonic::client::hello(&client, "").await.unwrap_err().to_string();
        let after = calls::client::hello(&requester, "").await.unwrap_err().to_string();
        for error in [before, after] {
            assert!(error.contains("a name is required"), "{error}");
        }

        for name in ["Ada", ""] {
            let before = tonic::errors::greeting(&client, name).await.unwrap();
            assert_eq!(calls::errors::greeting(&requester, name).await.unwrap(), before);
        }
    });
}

#[test]
fn servers_end_after_a_signal_as_with_tonic() {
    RUNTIME.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        tonic::shutdown::serve(listener, async {}).await.unwrap();
        let folder = Folder::new();
        calls::shutdown::serve(&folder.endpoint("calls"), async {}).await.unwrap();
    });
}

fn assert_consecutive(numbers: &[u64]) {
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
}

/// Its tasks continue after a program has returned, as those of a service do.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

const TICK: Duration = Duration::from_millis(5);
