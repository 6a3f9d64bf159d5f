//! A listener shows all messages that pass a proxy of topics: Espresso, as in the ZeroMQ guide.
//!
//! `cargo run --example espresso`
//!
//! The proxy forwards subscriptions, so that the publisher sends it only messages that the
//! subscriber has subscribed to. When the subscriber leaves, no further messages pass.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::BTreeSet;
use std::error::Error;

use tokio::task;
use tokio_zmtp::{Endpoint, Pub, Pull, Push, RecvError, Sub, XPub, XSub, proxy};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let frontend = XSub::new();
    let for_publishers = frontend.bind("tcp://127.0.0.1:*").await?;
    let backend = XPub::new();
    let for_subscribers = backend.bind("tcp://127.0.0.1:*").await?;
    let listener = Pull::new();
    listener.bind("inproc://listener").await?;
    let capture = Push::new();
    capture.connect("inproc://listener").await?;

    let proxy = proxy(&frontend, &backend).capture(&capture);
    let handle = proxy.handle();
    let running = tokio::spawn(proxy);
    let listening = tokio::spawn(listen(listener));
    let subscribing = tokio::spawn(subscribe(for_subscribers));

    let publisher = Pub::new();
    publisher.connect(for_publishers).await?;
    for topic in TOPICS {
        publisher.subscribed(topic).await?;
    }
    for number in 1..=ROUNDS {
        for letter in 'A'..='J' {
            publisher.send(format!("{letter}-{number:05}")).await?;
        }
    }
    println!("publisher: sent {} messages", 10 * ROUNDS);
    println!("subscriber: received {}", subscribing.await??.join(", "));
    // The cancellations pass the proxy as well.
    while TOPICS.iter().any(|topic| publisher.subscribers(topic) > 0) {
        task::yield_now().await;
    }
    for line in listening.await?? {
        println!("listener: {line}");
    }
    handle.stop();
    running.await?;
    Ok(())
}

/// Receives the messages of two topics, and disconnects.
async fn subscribe(endpoint: Endpoint) -> Result<Vec<String>, Box<dyn Error + Send + Sync>> {
    let subscriber = Sub::new();
    for topic in TOPICS {
        subscriber.subscribe(topic)?;
    }
    subscriber.connect(endpoint).await?;
    let mut received = Vec::new();
    while received.len() < TOPICS.len() * ROUNDS {
        received.push(String::from_utf8_lossy(&subscriber.recv().await?[0]).into_owned());
    }
    Ok(received)
}

/// Records all messages that pass, until all subscriptions are cancelled.
async fn listen(listener: Pull) -> Result<Vec<String>, RecvError> {
    let (mut lines, mut topics) = (Vec::new(), BTreeSet::new());
    while lines.is_empty() || !topics.is_empty() {
        let message = listener.recv().await?;
        // A subscription or cancellation is the byte 1 or 0, followed by the topic.
        let (act, text) = match &message[0] {
            [1, topic @ ..] => {
                topics.insert(topic.to_vec());
                ("subscribe ", topic)
            }
            [0, topic @ ..] => {
                topics.remove(topic);
                ("cancel ", topic)
            }
            text => ("", text),
        };
        lines.push(format!("{act}{}", String::from_utf8_lossy(text)));
    }
    Ok(lines)
}

const TOPICS: [&str; 2] = ["A", "B"];

const ROUNDS: usize = 3;
