//! A page with many sockets.

use std::env;
use std::io::{self, Write};
use std::time::Instant;

use axum::Router;
use tokio::task;
use tokio_zmtp::{Pub, SlowSubscriber};

use crate::page::Page;
use crate::route::attached;

/// `MESSAGES=100000` extends the test to 10 million deliveries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_with_100_sockets_receives_every_message_in_order() {
    let messages: u32 = env::var("MESSAGES").map_or(2_000, |messages| messages.parse().unwrap());
    let publisher = Pub::builder().slow_subscriber(SlowSubscriber::Wait).build();
    let routes = Router::new().route("/publisher", attached(&publisher));
    let Some(mut page) = Page::open("many.mjs", routes).await else { return };
    let size = page.step("size").await;
    size.answer(format!(r#"{{ "sockets": {SOCKETS}, "messages": {messages} }}"#));
    let connected = page.step("connected").await;
    while publisher.subscribers("") != SOCKETS {
        task::yield_now().await;
    }
    let start = Instant::now();
    connected.answer("");
    let publishing = tokio::spawn(async move {
        for number in 0..messages {
            let mut body = [0; 100];
            body[..4].copy_from_slice(&number.to_be_bytes());
            publisher.send([body]).await.unwrap();
        }
        publisher
    });
    for _ in 0..messages / 1_000 {
        page.step("progress").await.answer("");
    }
    page.finish().await;
    publishing.await.unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let rate = f64::from(messages) * SOCKETS as f64 / seconds;
    // Shown also if the test passes.
    let _ =
        writeln!(io::stderr(), "{SOCKETS} × {messages} messages in {seconds:.1} s: {rate:.0}/s");
}

const SOCKETS: usize = 100;
