//! Sockets of Node.js as remotes.

use support::node::NodeRemote;
use tokio::task;
use tokio_zmtp::{Dish, Gather, Group, Radio, Scatter, Socket};

use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_dish_of_node_receives_from_our_radio() {
    let _watchdog = Watchdog::start();
    for binds in ["bind", "connect"] {
        let radio = Radio::builder().no_drop(true).build();
        let Some(remote) = start("dish", binds, COUNT, &radio).await else { return };
        while radio.members(&group("a")).is_empty() {
            task::yield_now().await;
        }
        for number in 0..COUNT {
            radio.send(&group("b"), "not joined").await.unwrap();
            radio.send(&group("a"), number.to_string()).await.unwrap();
        }
        finish(remote).await;
    }
}

#[tokio::test]
async fn a_gather_of_node_receives_from_our_scatter() {
    let _watchdog = Watchdog::start();
    for binds in ["bind", "connect"] {
        let scatter = Scatter::new();
        let Some(remote) = start("gather", binds, COUNT, &scatter).await else { return };
        for number in 0..COUNT {
            scatter.send(number.to_string()).await.unwrap();
        }
        finish(remote).await;
    }
}

#[tokio::test]
async fn our_dish_receives_from_a_radio_of_node() {
    let _watchdog = Watchdog::start();
    for binds in ["bind", "connect"] {
        let dish = Dish::builder().join(&group("a")).build();
        let Some(_remote) = start("radio", binds, "Infinity", &dish).await else { return };
        let first: u32 = dish.recv().await.unwrap().to_str().unwrap().parse().unwrap();
        for number in first + 1..first + COUNT {
            let message = dish.recv().await.unwrap();
            assert_eq!(message.group(), group("a"));
            assert_eq!(message.to_str().unwrap(), number.to_string());
        }
    }
}

#[tokio::test]
async fn our_gather_receives_from_a_scatter_of_node() {
    let _watchdog = Watchdog::start();
    for binds in ["bind", "connect"] {
        let gather = Gather::new();
        let Some(remote) = start("scatter", binds, COUNT, &gather).await else { return };
        for number in 0..COUNT {
            assert_eq!(gather.recv().await.unwrap(), number.to_string());
        }
        finish(remote).await;
    }
}

/// Starts a socket of Node.js that sends or receives [`COUNT`] messages, and connects it to
/// `socket`.
async fn start(
    socket_type: &str,
    binds: &str,
    count: impl ToString,
    socket: &impl Socket,
) -> Option<NodeRemote> {
    let endpoint = match binds {
        "bind" => ANY_PORT.to_owned(),
        _ => socket.bind(ANY_PORT).await.unwrap().to_string(),
    };
    let arguments = [socket_type, binds, &endpoint, &count.to_string()];
    let mut remote = NodeRemote::start(
        env!("CARGO_TARGET_TMPDIR"),
        "tests/sockets/socket_remote.mjs",
        &arguments,
    )?;
    if binds == "bind" {
        socket.connect(&*remote.line()).await.unwrap();
    }
    Some(remote)
}

async fn finish(remote: NodeRemote) {
    let printed = task::spawn_blocking(|| remote.finish()).await.unwrap();
    assert_eq!(printed, "done\n");
}

fn group(name: &str) -> Group {
    name.parse().unwrap()
}

const ANY_PORT: &str = "tcp://127.0.0.1:*";

const COUNT: u32 = 2_000;
