//! A formatted endpoint parses to the same endpoint, and the proposal of an error parses.

#![no_main]

use std::str;

use libfuzzer_sys::fuzz_target;
use zmtp_proto::endpoint::{Endpoint, check_bindable, check_connectable};

fuzz_target!(|input: &[u8]| {
    let Ok(text) = str::from_utf8(input) else { return };
    match text.parse::<Endpoint>() {
        Ok(endpoint) => {
            let written = endpoint.to_string();
            assert_eq!(written.parse(), Ok(endpoint.clone()));
            let _ = check_bindable(&endpoint).map_err(|error| error.to_string());
            let _ = check_connectable(&endpoint).map_err(|error| error.to_string());
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
