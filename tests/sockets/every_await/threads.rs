//! Polls every async method where the runtime of its sockets is not current: on a thread outside
//! Tokio, in another runtime, and after the runtime of the sockets has shut down.

use std::panic::{self, AssertUnwindSafe};
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use tokio::runtime::{self, EnterGuard, Handle, Runtime};

use super::operation::Operation;
use super::scene::{Cast, Scene};
use super::{Stage, operations};
use crate::transports::Transport;
use crate::watchdog::Watchdog;

#[test]
fn every_operation_can_be_awaited_on_any_thread_and_in_any_runtime() {
    let _watchdog = Watchdog::start();
    let other = other_runtime();
    for current in [None, Some(&other)] {
        for_each(|operation, runtime, scene| {
            let cast = cast(&scene, &runtime);
            let _other = current.map(Runtime::enter);
            let _own = enter_to_create(operation, runtime.handle());
            poll(operation, cast);
        });
    }
}

#[test]
fn every_operation_ends_when_the_runtime_has_shut_down() {
    let _watchdog = Watchdog::start();
    for_each(|operation, runtime, scene| {
        let cast = cast(&scene, &runtime);
        let handle = runtime.handle().clone();
        drop(scene);
        drop(runtime);
        let _own = enter_to_create(operation, &handle);
        // An operation may panic, because it expects open sockets.
        let ended = panic::catch_unwind(AssertUnwindSafe(|| poll(operation, cast)));
        let why = ended.as_ref().err().map_or("", |payload| text(payload.as_ref()));
        let is_closed = why.contains("Closed") || why.contains("on a `None` value");
        let name = operation.name;
        assert!(matches!(ended, Ok(true)) || is_closed, "{name} has not ended: {why}");
    });
}

#[test]
fn creating_a_socket_requires_a_runtime_with_time_and_io() {
    let outside = panic::catch_unwind(|| tokio_zmtp::Client::builder().build()).unwrap_err();
    assert!(text(outside.as_ref()).contains("there is no reactor running"));
    for (time, io, missing) in
        [(false, true, "timers are disabled"), (true, false, "IO is disabled")]
    {
        let mut builder = runtime::Builder::new_current_thread();
        if time {
            builder.enable_time();
        }
        if io {
            builder.enable_io();
        }
        let runtime = builder.build().unwrap();
        let _guard = runtime.enter();
        let without = panic::catch_unwind(|| tokio_zmtp::Client::builder().build()).unwrap_err();
        assert!(text(without.as_ref()).contains(missing), "{}", text(without.as_ref()));
    }
}

/// Runs `test` for each operation, over each transport, with a separate runtime and scene.
fn for_each(test: impl Fn(&Operation, Runtime, Scene)) {
    for transport in [
        Transport::Inproc,
        #[cfg(unix)]
        Transport::Ipc,
        Transport::Stream,
        Transport::Tcp,
        #[cfg(feature = "tls")]
        Transport::Tls,
        #[cfg(feature = "ws")]
        Transport::WebSocket,
    ] {
        for operation in operations() {
            let runtime = runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap();
            let scene = runtime.block_on(Scene::start(transport, &mut Rng::with_seed(1)));
            test(operation, runtime, scene);
        }
    }
}

fn cast(scene: &Scene, runtime: &Runtime) -> Cast {
    let _guard = runtime.enter();
    scene.cast(&mut Rng::with_seed(2))
}

/// Polls an operation up to [`POLLS`] times. Returns whether it is ready.
fn poll(operation: &Operation, cast: Cast) -> bool {
    let mut operation = tokio_test::task::spawn((operation.start)(cast));
    for _ in 0..POLLS {
        if operation.poll().is_ready() {
            return true;
        }
        for _ in 0..PATIENCE {
            if operation.is_woken() {
                break;
            }
            thread::sleep(Duration::from_micros(100));
        }
    }
    false
}

/// Enters the runtime for operations that create sockets or probe, which need a current runtime.
fn enter_to_create<'a>(operation: &Operation, own: &'a Handle) -> Option<EnterGuard<'a>> {
    let (of, verb) = operation.name.split_once("::").unwrap();
    let is_constructor = ["Builder", "Client", "Server"].contains(&of)
        && ["bind", "bind_from_std", "connect", "connect_all", "probe"].contains(&verb);
    let creates =
        is_constructor || of == "AnySocket" || verb.starts_with("start") || verb == "recv_returned";
    creates.then(|| own.enter())
}

/// Creates a runtime without time and IO.
fn other_runtime() -> Runtime {
    runtime::Builder::new_current_thread().build().unwrap()
}

fn text(payload: &(dyn std::any::Any + Send)) -> &str {
    let owned = payload.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or_default()
}

const POLLS: usize = 16;

/// The time, in tenths of a millisecond, after which an operation is polled without a wake-up.
const PATIENCE: u32 = 10;
