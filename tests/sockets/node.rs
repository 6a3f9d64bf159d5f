//! Sockets of Node.js as remotes.

use support::node::NodeRemote;
use tokio::task;
use tokio_zmtp::{Gather, Scatter, Socket};

use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_gather_of_node_receives_from_our_scatter() {
    let _watchdog = Watchdog::start();
    for binds in ["bind", "connect"] {
        let scatter = Scatter::new();
        let Some(remote) = start("gather", binds, &scatter).await else { return };
        for number in 0..COUNT {
            scatter.send(number.to_string()).await.unwrap();
        }
        finish(remote).await;
    }
}

#[tokio::test]
async fn our_gather_receives_from_a_scatter_of_node() {
    let _watchdog = Watchdog::start();
    for binds in ["bind", "connect"] {
        let gather = Gather::new();
        let Some(remote) = start("scatter", binds, &gather).await else { return };
        for number in 0..COUNT {
            assert_eq!(gather.recv().await.unwrap(), number.to_string());
        }
        finish(remote).await;
    }
}

/// Starts a socket of Node.js that passes as many messages, and connects it and `socket`.
async fn start(socket_type: &str, binds: &str, socket: &impl Socket) -> Option<NodeRemote> {
    let endpoint = match binds {
        "bind" => ANY_PORT.to_owned(),
        _ => socket.bind(ANY_PORT).await.unwrap().to_string(),
    };
    let arguments = [socket_type, binds, &endpoint, &COUNT.to_string()];
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

const ANY_PORT: &str = "tcp://127.0.0.1:*";

const COUNT: u32 = 2_000;
