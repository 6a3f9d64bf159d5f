//! Pages that do not receive.

use axum::Router;
use tokio::task;
use tokio_zmtp::{Pub, Server, Sub};

use crate::page::Page;
use crate::route::attached;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_page_is_bounded_and_delays_no_other_subscriber() {
    let publisher = Pub::builder().send_hwm(HWM).build();
    let other = Sub::new();
    other.subscribe("").unwrap();
    other.connect(publisher.bind("tcp://127.0.0.1:*").await.unwrap()).await.unwrap();
    publisher.subscribed("").await.unwrap();
    let routes = Router::new().route("/publisher", attached(&publisher));
    let Some(mut page) = Page::open("slow.mjs", routes).await else { return };

    let mut number = 0_u64;
    for _kind in ["stream", "socket"] {
        let blocked = page.step("blocked").await;
        until(|| publisher.subscribers("") == 2).await;
        let first = number;
        let missed = publisher.stats().dropped.missed;
        // The other subscriber receives each message before the next one is sent.
        while publisher.stats().dropped.missed < missed + 100 {
            publish(&publisher, &other, &mut number, "").await;
            assert!(publisher.stats().queued.outgoing <= HWM);
        }
        blocked.answer("");
        until(|| publisher.stats().queued.outgoing == 0).await;
        publish(&publisher, &other, &mut number, "last").await;
        let received = page.step("received").await;
        let missed = publisher.stats().dropped.missed - missed;
        assert_eq!(received.body(), (number - first - missed).to_string());
        received.answer("");
        until(|| publisher.subscribers("") == 1).await;
    }
    page.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_does_not_receive_is_bounded() {
    let publisher = Pub::builder().send_hwm(HWM).build();
    let server = Server::builder().send_hwm(HWM).build();
    let routes =
        Router::new().route("/publisher", attached(&publisher)).route("/server", attached(&server));
    let Some(mut page) = Page::open("unread.mjs", routes).await else { return };

    // With back-pressure, the publisher counts what the page misses, and the server waits.
    let unread = page.step("unread with back-pressure").await;
    until(|| publisher.subscribers("") == 1).await;
    let mut published = 0;
    while publisher.stats().dropped.missed < 100 {
        publisher.send([vec![0; 0x8000]]).await.unwrap();
        published += 1;
    }
    let client = server.recv().await.unwrap().routing_id().unwrap();
    let mut sent = 0_u64;
    while server.try_route(client, numbered(sent)).is_ok() {
        // Until the connection waits for the page as well.
        sent += 1;
        task::yield_now().await;
    }
    unread.answer(sent.to_string());
    let received = page.step("received").await;
    until(|| publisher.stats().queued.outgoing == 0).await;
    received.answer((published - publisher.stats().dropped.missed).to_string());

    // Without it, the page has limits of its own.
    let unread = page.step("unread without back-pressure").await;
    until(|| publisher.subscribers("") == 1).await;
    let before = publisher.stats();
    for _ in 0..1_000 {
        publisher.send([[7; 10]]).await.unwrap();
        until(|| publisher.stats().queued.outgoing == 0).await;
    }
    assert_eq!(publisher.stats().dropped.missed, before.dropped.missed);
    let client = server.recv().await.unwrap().routing_id().unwrap();
    for number in 0..50 {
        server.route(client, numbered(number)).await.unwrap();
    }
    unread.answer("");
    let overflow = page.step("overflow").await;
    while server.route(client, "too much").await.is_ok() {}
    overflow.answer("");
    // It has received half of its messages, and reconnects.
    let again = server.recv().await.unwrap();
    assert_eq!(again, "again");
    server.reply(&again, "welcome back").await.unwrap();
    page.finish().await;
}

fn numbered(number: u64) -> Vec<u8> {
    let mut body = vec![0; 0x8000];
    body[..8].copy_from_slice(&number.to_be_bytes());
    body
}

async fn publish(publisher: &Pub, other: &Sub, number: &mut u64, is_last: &str) {
    let message = [number.to_string().into_bytes(), vec![0; 0x8000], is_last.as_bytes().to_vec()];
    publisher.send(message.clone()).await.unwrap();
    assert_eq!(other.recv().await.unwrap(), message);
    *number += 1;
}

/// Waits until a condition holds.
async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        task::yield_now().await;
    }
}

const HWM: usize = 10;
