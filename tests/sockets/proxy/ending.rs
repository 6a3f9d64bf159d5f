//! The end of a proxy, and the messages that remain.

use tokio_zmtp::proxy::ProxyEnd;
use tokio_zmtp::{Client, proxy};

use super::{Ends, poll_once, receive_numbers, turns};
use crate::transports::Transport;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_closed_frontend_ends_a_proxy_that_is_idle() {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(Transport::Inproc, 10).await;
    let (task, handle) = ends.start();
    turns().await;
    ends.frontend.close().await;
    assert_eq!(task.await.unwrap().end, ProxyEnd::FrontendClosed);
    assert!(handle.is_finished());
}

#[tokio::test]
async fn a_closed_backend_ends_a_proxy_that_is_idle() {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(Transport::Inproc, 10).await;
    let (task, _handle) = ends.start();
    turns().await;
    ends.backend.close().await;
    assert_eq!(task.await.unwrap().end, ProxyEnd::BackendClosed);
}

#[tokio::test]
async fn sockets_that_are_closed_already_end_a_proxy_immediately() {
    let _watchdog = Watchdog::start();
    let (open, closed) = (Client::new(), Client::new());
    closed.close().await;
    assert_eq!(proxy(&closed, &open).await.end, ProxyEnd::FrontendClosed);
    assert_eq!(proxy(&open, &closed).await.end, ProxyEnd::BackendClosed);
    open.close().await;
    proxy(&open, &closed).await;
}

#[tokio::test]
async fn messages_that_a_closed_frontend_has_received_are_forwarded() {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(Transport::Inproc, 10).await;
    let (task, _handle) = ends.start();
    let sent = ends.fill_west().await;
    ends.frontend.close().await;
    turns().await;
    assert!(!task.is_finished(), "the backend is full");
    // The messages in the queues of the frontend, the backend and the west.
    receive_numbers(&ends.west, 30).await;
    let report = task.await.unwrap();
    assert_eq!(report.end, ProxyEnd::FrontendClosed);
    assert_eq!(report.stats.to_backend.messages, 30);
    assert_eq!(u64::from(sent), 30 + ends.east.stats().dropped.undelivered);
}

#[tokio::test]
async fn messages_for_a_closed_backend_stay_with_the_frontend() {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(Transport::Inproc, 10).await;
    let (task, _handle) = ends.start();
    assert_eq!(ends.fill_west().await, 40);
    assert_eq!(ends.fill_east().await, 40);
    let closing = tokio::spawn({
        let backend = ends.backend.clone();
        async move { backend.close_with_undelivered().await }
    });
    turns().await;
    // Messages that the backend has received are forwarded.
    receive_numbers(&ends.east, 30).await;
    let report = task.await.unwrap();
    assert_eq!(report.end, ProxyEnd::BackendClosed);
    assert_eq!((report.stats.to_backend.messages, report.stats.to_frontend.messages), (20, 30));

    for number in 20_u32..40 {
        assert_eq!(ends.frontend.recv().await.unwrap(), number.to_be_bytes());
    }
    receive_numbers(&ends.west, 20).await;
    assert_eq!(closing.await.unwrap().0.undelivered, 0);
}

#[tokio::test]
async fn a_paused_proxy_ends_when_both_sockets_are_closed() {
    let _watchdog = Watchdog::start();
    let ends = Ends::new(Transport::Inproc, 10).await;
    let (task, handle) = ends.start();
    handle.pause();
    turns().await;
    ends.frontend.close().await;
    turns().await;
    assert!(!task.is_finished());
    ends.backend.close().await;
    assert_eq!(task.await.unwrap().end, ProxyEnd::FrontendClosed);
}

#[tokio::test]
async fn a_proxy_keeps_its_sockets_and_a_handle_does_not() {
    let _watchdog = Watchdog::start();
    let Ends { east, frontend_id, frontend, backend, west, .. } =
        Ends::new(Transport::Inproc, 10).await;
    let mut proxy = proxy(&frontend, &backend);
    let handle = proxy.handle();
    drop((frontend, backend));
    east.route(frontend_id, "passes").await.unwrap();
    assert!(poll_once(&mut proxy).await.is_pending());
    assert_eq!(west.recv().await.unwrap(), "passes");
    drop(proxy);
    while !west.remotes().is_empty() {
        turns().await;
    }
    assert_eq!(handle.stats().to_backend.messages, 1);
}
