//! Sockets of Python as remotes: those of a release of libzmq, without drafts.

use support::python;
use support::script::ScriptRemote;
use tokio_zmtp::{Pull, Push};

use crate::node::{COUNT, in_every_pairing_with, parts_of};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_of_python_receives_from_our_push() {
    let Some(remote) = start() else { return };
    in_every_pairing_with(remote, "pull", COUNT, Push::builder, async |push, remote| {
        for number in 0..COUNT {
            push.send(parts_of(number)).await.unwrap();
        }
        assert_eq!(remote.line(), "done");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_pull_receives_from_a_push_of_python() {
    let Some(remote) = start() else { return };
    in_every_pairing_with(remote, "push", COUNT, Pull::builder, async |pull, remote| {
        for number in 0..COUNT {
            assert_eq!(pull.recv().await.unwrap(), parts_of(number));
        }
        assert_eq!(remote.line(), "done");
    })
    .await;
}

fn start() -> Option<ScriptRemote> {
    python::start(env!("CARGO_TARGET_TMPDIR"), "tests/sockets/socket_remote.py")
}
