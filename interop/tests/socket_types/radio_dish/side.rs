//! The operations of a test on a RADIO or DISH of either library.

use support::transports::Transport;
use tokio::time;
use tokio_zmtp::{Dish, Group, Radio};

use crate::messages::bodies;
use crate::pairing::{self, Binds, POLL_INTERVAL, until_some, would_not_block};
use crate::side::{Ours, Side, Theirs};

/// A RADIO of either library.
pub(super) trait RadioSide: Side {
    async fn send(&self, group: &str, body: &[u8]);
}

/// A DISH of either library.
pub(super) trait DishSide: Side {
    fn join(&self, group: &str);
    fn leave(&self, group: &str);
    async fn recv(&self) -> (String, Vec<u8>);
    fn try_recv(&self) -> Option<(String, Vec<u8>)>;

    async fn expect(&self, group: &str, body: &[u8]) {
        let (received_group, received) = self.recv().await;
        assert_eq!(received_group, group);
        assert!(received == body, "{} bytes instead of {}", received.len(), body.len());
    }
}

impl RadioSide for Ours<Radio> {
    async fn send(&self, group: &str, body: &[u8]) {
        self.0.send(&name(group), body).await.unwrap();
    }
}

impl RadioSide for Theirs<Radio> {
    async fn send(&self, group: &str, body: &[u8]) {
        self.socket.send_to_group(group.as_bytes(), body).unwrap();
    }
}

impl DishSide for Ours<Dish> {
    fn join(&self, group: &str) {
        assert!(self.0.join(&name(group)));
    }

    fn leave(&self, group: &str) {
        assert!(self.0.leave(&name(group)));
    }

    async fn recv(&self) -> (String, Vec<u8>) {
        let message = self.0.recv().await.unwrap();
        (message.group().to_string(), message.to_vec())
    }

    fn try_recv(&self) -> Option<(String, Vec<u8>)> {
        let message = self.0.try_recv().ok()?;
        Some((message.group().to_string(), message.to_vec()))
    }
}

impl DishSide for Theirs<Dish> {
    fn join(&self, group: &str) {
        self.socket.join(group.as_bytes()).unwrap();
    }

    fn leave(&self, group: &str) {
        self.socket.leave(group.as_bytes()).unwrap();
    }

    async fn recv(&self) -> (String, Vec<u8>) {
        until_some(|| self.try_recv()).await
    }

    fn try_recv(&self) -> Option<(String, Vec<u8>)> {
        let (group, body) = would_not_block(self.socket.try_recv_of_group())?;
        Some((String::from_utf8(group).unwrap(), body))
    }
}

/// Connects the two sides, and waits until the radio has received the JOIN for `group`.
pub(super) async fn join(
    radio: &impl RadioSide,
    dish: &impl DishSide,
    group: &str,
    binds: Binds,
    transport: Transport,
) {
    dish.join(group);
    pairing::join(radio, dish, binds, transport).await;
    until_member(radio, dish, group).await;
}

/// Connects the two sides, and sends bodies of different sizes.
pub(super) async fn pass_bodies(
    radio: &impl RadioSide,
    dish: &impl DishSide,
    binds: Binds,
    transport: Transport,
) {
    join(radio, dish, "sizes", binds, transport).await;
    for body in bodies() {
        radio.send("sizes", &body).await;
        dish.expect("sizes", &body).await;
    }
}

/// Sends messages until one arrives, and receives all of them.
pub(super) async fn until_member(radio: &impl RadioSide, dish: &impl DishSide, group: &str) {
    let mut last = 0_u32;
    loop {
        last += 1;
        radio.send(group, &last.to_be_bytes()).await;
        time::sleep(POLL_INTERVAL).await;
        if let Some(first) = dish.try_recv() {
            let mut received = first.1;
            while received != last.to_be_bytes() {
                received = dish.recv().await.1;
            }
            return;
        }
    }
}

fn name(group: &str) -> Group {
    group.parse().unwrap()
}

/// Runs `async fn $test::<R, D>(transport)`, in which `R` sends to `D`.
macro_rules! from_radio_to_dish {
    ($test:ident) => {
        crate::pairing::for_each_pair!(
            $test,
            from_ours: <Ours<Radio>, Theirs<Dish>>,
            to_ours: <Theirs<Radio>, Ours<Dish>>
        );
    };
}
pub(super) use from_radio_to_dish;
