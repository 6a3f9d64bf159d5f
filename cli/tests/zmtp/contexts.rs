//! Contexts.

use std::fs;

use crate::process::{Zmtp, directory};

#[test]
fn a_context_has_endpoints_keys_and_options() {
    let file = format!("{}/contexts.toml", directory());
    let zmtp = |arguments: &str| {
        Zmtp::start_with(arguments.split(' '), |command| {
            command.env("ZMTP_CONTEXTS", &file);
        })
    };
    let (pull, endpoint) = Zmtp::bound("pull @tcp://127.0.0.1:* -n 1");
    zmtp(&format!("context save work --connect {endpoint} -o linger=5s -o subscribe=a")).finish();
    assert_eq!(zmtp("context list").finish(), "work\n");
    let shown = zmtp("context show work").finish();
    assert!(shown.contains(&endpoint) && shown.contains("linger = \"5s\""), "{shown}");
    // A PUSH ignores the subscription.
    zmtp("push --context work hello").finish();
    assert_eq!(pull.finish(), "hello\n");
    zmtp("context remove work").finish();
    assert_eq!(zmtp("context list").finish(), "");
}

#[test]
fn secrets_are_shown_on_request_only() {
    let file = format!("{}/contexts.toml", directory());
    let text = "[a.mechanism.plain_client]\nusername = 'u'\npassword = 'swordfish'\n";
    fs::write(&file, text).unwrap();
    let show = |arguments: &str| {
        Zmtp::start_with(arguments.split(' '), |command| {
            command.env("ZMTP_CONTEXTS", &file);
        })
        .finish()
    };
    assert!(!show("context show a").contains("swordfish"));
    assert!(show("context show a --secrets").contains("swordfish"));
}
