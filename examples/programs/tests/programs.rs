//! The programs end by themselves and print the expected output.

use support::example::Example;

#[test]
fn authenticator_admits_users_that_are_in_the_database() {
    let shown = Example::start(env!("CARGO_BIN_EXE_authenticator")).finish();
    let refused = "bob: refused: the remote refuses this socket: 400 denied";
    let expected = [
        "alice: alice, admin",
        refused,
        "bob is added",
        "bob: bob, guest",
        "bob is revoked",
        "connections that ended: 1",
        refused,
        "alice: alice, admin",
    ];
    assert_eq!(shown.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn broker_returns_every_reply_to_its_requester() {
    let shown = Example::start(env!("CARGO_BIN_EXE_broker")).finish();
    for worker in ["first", "second"] {
        assert!(shown.contains(&format!("clients: 75 replies by {worker}\n")));
    }
    assert!(shown.contains("clients: 150 replies to 150 requests\n"));
    assert!(shown.ends_with("broker: ended with 0 undelivered messages\n"));
}

#[test]
fn typed_exchanges_values_and_refuses_invalid_ones() {
    let shown = Example::start(env!("CARGO_BIN_EXE_typed")).finish();
    assert!(shown.contains("client: received Number(21)\n"));
    assert_eq!(shown.matches("client: received Refused(").count(), 2);
    assert!(shown.ends_with("all answers are correct\n"));
}

#[test]
fn config_starts_the_sockets_of_its_file() {
    let shown = Example::start(env!("CARGO_BIN_EXE_config")).finish();
    for name in ["one", "two"] {
        assert!(shown.contains(&format!("server: received hello from {name}\n")));
        assert!(shown.contains(&format!("{name}: received hello yourself\n")));
    }
    assert!(shown.ends_with("display: received rain\n"), "{shown}");
}

#[test]
fn rpc_accounts_for_every_call() {
    let shown = Example::start(env!("CARGO_BIN_EXE_rpc")).finish();
    assert!(shown.contains("count: 1000 parts\n"));
    assert!(shown.ends_with("all 15 calls are accounted for\n"), "{shown}");
}
