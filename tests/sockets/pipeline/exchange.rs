//! Messages of several parts between a PUSH and a PULL.

use tokio_zmtp::{Multipart, Pull, Push, TrySendError};

use crate::over_transport::OverTransport;
use crate::remote::ReservedPort;
use crate::transports::{Transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

over_every_transport_and_streams!(parts_of_every_number_and_size_arrive_unchanged);

async fn parts_of_every_number_and_size_arrive_unchanged(transport: Transport) {
    let _watchdog = Watchdog::start();
    let pull = Pull::builder().over(transport).recv_hwm(0).build();
    let endpoint = pull.bind(transport.any()).await.unwrap();
    let push = Push::builder().over(transport).send_hwm(0).build();
    transport.connect(&push, &pull, endpoint).await;
    let sizes = [0, 1, 68, 69, 70, 71, 253, 255, 256, 5_000, 32_767, 32_768, 70_000, 300_000];
    let mut sent = Vec::new();
    for (fill, size) in (0_u8..).zip(sizes) {
        for parts in [1, 2, 3, 17] {
            sent.push(Multipart::from(vec![vec![fill; size]; parts]));
            sent.push(Multipart::from(vec![vec![], vec![fill; size], vec![]]));
        }
    }
    sent.push((0..1_000).map(|_| "").collect());
    for message in &sent {
        push.send(message).await.unwrap();
    }
    for message in sent {
        assert_eq!(pull.recv().await.unwrap(), message);
    }
}

#[tokio::test]
async fn the_limit_in_bytes_counts_all_parts() {
    let _watchdog = Watchdog::start();
    let place = ReservedPort::reserve();
    let push = Push::builder().send_hwm_bytes(1_000).connect(place.endpoint()).await.unwrap();
    push.try_send("short").unwrap();
    push.try_send([[7; 100]; 10]).unwrap();
    assert!(matches!(push.try_send("more"), Err(TrySendError::Full(_))));
}

#[tokio::test]
async fn a_permit_sends_all_parts() {
    let _watchdog = Watchdog::start();
    let pull = Pull::new();
    let push = Push::builder().send_hwm(1).build();
    push.connect(pull.bind("inproc://permits").await.unwrap()).await.unwrap();
    let permit = push.reserve().await.unwrap();
    permit.send(["a", "b"]).unwrap();
    assert_eq!(pull.recv().await.unwrap(), ["a", "b"]);
}
