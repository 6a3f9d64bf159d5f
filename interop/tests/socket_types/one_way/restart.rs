//! Traffic continues after the side that binds has restarted.

use support::transports::Transport;
use tokio::time;

use super::one_way;
use crate::messages::{Receives, Sends};
use crate::pairing::{POLL_INTERVAL, connect};

one_way!(a_sender_that_connects_outlives_its_receiver);

async fn a_sender_that_connects_outlives_its_receiver<S: Sends, R: Receives>(transport: Transport) {
    let (sender, receiver) = (S::new(), R::new());
    let endpoint = connect(&sender, &receiver, transport).await;
    sender.pass(&receiver, "before").await;
    drop(receiver);

    let receiver = R::new();
    receiver.bind(&endpoint).await;
    let message = S::message("after");
    // Messages that are written to the ended connection are lost.
    let sending = async {
        loop {
            sender.send(&message).await;
            time::sleep(POLL_INTERVAL).await;
        }
    };
    tokio::select! {
        () = sending => {}
        () = receiver.expect(&message) => {}
    }
}

one_way!(a_receiver_that_connects_outlives_its_sender);

async fn a_receiver_that_connects_outlives_its_sender<S: Sends, R: Receives>(transport: Transport) {
    let (mut sender, receiver) = (S::new(), R::new());
    let endpoint = connect(&receiver, &sender, transport).await;
    for round in 0..3 {
        sender.pass(&receiver, [round]).await;
        drop(sender);
        sender = S::new();
        sender.bind(&endpoint).await;
    }
}
