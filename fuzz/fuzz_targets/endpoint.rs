//! A formatted endpoint parses to the same endpoint, and the proposal of an error parses.

#![no_main]

#[expect(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "one target uses a part of the module"
)]
#[path = "../../src/endpoint/mod.rs"]
mod endpoint;

use std::str;

use endpoint::Endpoint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = str::from_utf8(input) else { return };
    match text.parse::<Endpoint>() {
        Ok(endpoint) => {
            let written = endpoint.to_string();
            assert_eq!(written.parse(), Ok(endpoint.clone()));
            let _ = endpoint.check_bindable().map_err(|error| error.to_string());
            let _ = endpoint.check_connectable().map_err(|error| error.to_string());
        }
        Err(error) => {
            let shown = error.to_string();
            assert!(!shown.contains('\n'));
            for transport in ["tcp://", "udp://"] {
                if let Some((before, proposal)) = shown.rsplit_once(&format!("`{transport}")) {
                    if before.ends_with("write ") || before.ends_with("write one such as ") {
                        let proposal = proposal.split('`').next().unwrap_or_default();
                        format!("{transport}{proposal}").parse::<Endpoint>().unwrap();
                    }
                }
            }
        }
    }
});
