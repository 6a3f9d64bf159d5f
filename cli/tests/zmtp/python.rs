//! Against sockets of pyzmq.

use support::python;
use support::script::ScriptRemote;

use crate::process::{Zmtp, run};

#[test]
fn a_publisher_of_python_is_subscribed_to() {
    let Some((mut remote, endpoint)) = start("XPUB") else { return };
    let subscriber = Zmtp::start(&format!("sub {endpoint} weather. -n 1"));
    assert_eq!(remote.line(), "b'\\x01weather.'");
    assert_eq!(subscriber.finish(), "weather.\tsunny\n");
}

#[test]
fn a_worker_of_python_receives_a_task() {
    let Some((mut remote, endpoint)) = start("PULL") else { return };
    assert_eq!(run(&format!("push {endpoint} task 7")).code, Some(0));
    assert_eq!(remote.line(), "[b'task', b'7']");
}

#[test]
fn a_task_of_python_is_received() {
    let Some((_remote, endpoint)) = start("PUSH") else { return };
    let received = run(&format!("pull {endpoint} -n 1 --json")).stdout;
    assert_eq!(received, "{\"parts\":[\"task\",{\"base64\":\"AP8=\"}]}\n");
}

#[test]
fn a_service_of_python_replies() {
    let Some((_remote, endpoint)) = start("REP") else { return };
    assert_eq!(run(&format!("request {endpoint} hello")).stdout, "HELLO\n");
}

#[test]
fn a_client_of_python_is_replied_to() {
    let Some((mut remote, endpoint)) = start("REQ") else { return };
    assert_eq!(run(&format!("reply {endpoint} answer -n 1")).stdout, "question\n");
    assert_eq!(remote.line(), "b'answer'");
}

fn start(socket_type: &str) -> Option<(ScriptRemote, String)> {
    let target = env!("CARGO_TARGET_TMPDIR");
    let mut remote = python::start_with(target, "cli/tests/zmtp/remote.py", &[socket_type])?;
    let endpoint = remote.line();
    Some((remote, endpoint))
}
