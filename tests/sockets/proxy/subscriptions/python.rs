//! A publisher or a subscriber of Python, and three proxies between it and ours.

use tokio::task;
use tokio_zmtp::{Pub, XSub, proxy};

use crate::python::start;
use crate::scripts::topics::{patient_pub, patient_xpub, publish_each, sub_to_numbers};
use crate::scripts::{COUNT, in_every_pairing, receive_each};
use crate::transports::Transport;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_proxies_forward_what_an_xpub_of_python_publishes() {
    in_every_pairing(start(), "xpub", COUNT, XSub::builder, async |xsub, remote| {
        let last = prolong(xsub.clone(), 2).await;
        let backend = patient_xpub().bind(Transport::Inproc.any()).await.unwrap();
        tokio::spawn(proxy(&last, &backend));
        let sub = sub_to_numbers().build();
        sub.connect(backend.last_endpoint().unwrap()).await.unwrap();
        receive_each(&sub, remote).await;
        drop(sub);
        while !xsub.subscriptions().is_empty() {
            task::yield_now().await;
        }
        xsub.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_proxies_forward_what_a_sub_of_python_subscribes_to() {
    in_every_pairing(start(), "sub", COUNT, patient_xpub, async |xpub, remote| {
        let publisher: Pub = patient_pub().bind(Transport::Inproc.any()).await.unwrap();
        let first = XSub::builder().connect(publisher.last_endpoint().unwrap()).await.unwrap();
        let last = prolong(first.clone(), 2).await;
        tokio::spawn(proxy(&last, xpub));
        publish_each(&publisher, remote).await;
    })
    .await;
}

/// Adds proxies behind an XSUB. Returns the XSUB at their end.
async fn prolong(mut last: XSub, hops: usize) -> XSub {
    for _ in 0..hops {
        let backend = patient_xpub().bind(Transport::Inproc.any()).await.unwrap();
        tokio::spawn(proxy(&last, &backend));
        last = XSub::builder().connect(backend.last_endpoint().unwrap()).await.unwrap();
    }
    last
}
