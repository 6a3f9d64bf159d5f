//! Subscribers that come and leave.

use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};

use tokio::task;
use tokio_zmtp::{Endpoint, Upstream, XPub, XSub};

use crate::process_usage::{self, ProcessUsage};
use crate::remote::{Remote, RemoteListener, command, ping};
use crate::watchdog::Watchdog;

#[test]
fn subscribers_of_an_xpub_leave_nothing_behind() {
    let _alone = process_usage::alone();
    let _watchdog = Watchdog::start();
    for manual in [false, true] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            // Less than the topics of a subscriber, so that some of its notices wait for room.
            let publisher = XPub::builder().manual(manual).recv_hwm(TOPICS / 2).build();
            let endpoint = publisher.bind("tcp://127.0.0.1:*").await.unwrap();
            let subscriptions = Arc::new(AtomicIsize::new(0));
            let receiving = task::spawn(answer(publisher.clone(), Arc::clone(&subscriptions)));
            let idle = process_usage::tasks();
            // Lets all collections grow to their final size.
            let mut usage = [200, 2_000].into_iter().map(async |rounds| {
                for _ in 0..rounds / 10 {
                    come_and_leave(&endpoint, 10).await;
                    process_usage::until_tasks_are(idle).await;
                    let unread = || publisher.stats().queued.incoming > 0;
                    while subscriptions.load(Ordering::Relaxed) > 0 || unread() {
                        task::yield_now().await;
                    }
                }
                ProcessUsage::take()
            });
            let before = usage.next().unwrap().await;
            let after = usage.next().unwrap().await;

            assert_eq!(publisher.topics(), 0);
            assert_eq!(after.descriptors, before.descriptors);
            assert!(after.heap < before.heap + 2_000, "{before:?}, {after:?}");
            assert_eq!(publisher.stats().ended, Default::default());
            publisher.close().await;
            receiving.await.unwrap();
            assert_eq!(process_usage::tasks(), 0);
        });
    }
}

/// Accepts all requests in manual mode, and sends a value to each new subscriber. Counts the
/// subscriptions.
async fn answer(publisher: XPub, subscriptions: Arc<AtomicIsize>) {
    while let Ok(upstream) = publisher.recv().await {
        match &upstream {
            Upstream::Subscribe(request) => {
                // The remote may have left.
                let _ = publisher.try_send_to(request, "value");
                let _ = publisher.accept(request);
                subscriptions.fetch_add(1, Ordering::Relaxed);
            }
            Upstream::Cancel(request) => {
                let _ = publisher.accept(request);
                subscriptions.fetch_sub(1, Ordering::Relaxed);
            }
            Upstream::Message(message) => panic!("{message:?}"),
        }
    }
}

async fn come_and_leave(endpoint: &Endpoint, rounds: usize) {
    for round in 0..rounds {
        let mut remote = Remote::dial(endpoint).await;
        remote.shake_hands("SUB").await;
        let mut commands = Vec::new();
        for number in 0..TOPICS {
            commands.extend(command("SUBSCRIBE", format!("{round} {number}").as_bytes()));
        }
        commands.extend(command("CANCEL", format!("{round} 0").as_bytes()));
        remote.write(&commands).await;
        if round % 2 == 0 {
            until_read(&mut remote).await;
        }
        remote.reset();
    }
}

#[test]
fn the_topics_of_an_xsub_and_its_publishers_leave_nothing_behind() {
    let _alone = process_usage::alone();
    let _watchdog = Watchdog::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let xsub = XSub::new();
        let listener = RemoteListener::bind();
        let idle = process_usage::tasks();
        subscribe_and_leave(&xsub, &listener, idle, 200).await;
        let before = ProcessUsage::take();
        subscribe_and_leave(&xsub, &listener, idle, 2_000).await;
        let after = ProcessUsage::take();

        assert_eq!(after.descriptors, before.descriptors);
        assert!(after.heap < before.heap + 2_000, "{before:?}, {after:?}");
        assert!(xsub.subscriptions().is_empty());
        xsub.close().await;
        assert_eq!(process_usage::tasks(), 0);
    });
}

/// Connects to one publisher after another, and changes the subscriptions.
async fn subscribe_and_leave(xsub: &XSub, listener: &RemoteListener, idle: usize, rounds: usize) {
    for round in 0..rounds {
        xsub.subscribe(format!("{round} a")).unwrap();
        xsub.connect(listener.endpoint()).await.unwrap();
        let mut publisher = listener.accept_as("XPUB").await;
        xsub.subscribe(format!("{round} b")).unwrap();
        xsub.send("user message").await.unwrap();
        for topic in ["a", "b"] {
            assert!(xsub.unsubscribe(format!("{round} {topic}")));
        }
        if round % 2 == 0 {
            until_read(&mut publisher).await;
        }
        xsub.disconnect(listener.endpoint()).await.unwrap();
        publisher.reset();
    }
    process_usage::until_tasks_are(idle).await;
}

/// Waits until the socket has read everything that was written to it, and discards its messages.
async fn until_read(remote: &mut Remote) {
    remote.write(&ping(b"read")).await;
    while remote.read_frame().await.1 != b"\x04PONGread" {}
}

const TOPICS: usize = 20;
