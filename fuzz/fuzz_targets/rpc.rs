//! A decoded envelope is encoded to the same bytes. A decoded trace context is encoded to an equal
//! one.

#![no_main]

#[expect(dead_code, reason = "one target uses a part of it")]
#[path = "../../src/rpc/code.rs"]
mod code;
#[expect(dead_code, reason = "one target uses a part of it")]
#[path = "../../src/rpc/envelope.rs"]
mod envelope;
#[expect(dead_code, reason = "one target uses a part of it")]
#[path = "../../src/rpc/trace_context.rs"]
mod trace_context;

use envelope::{Content, Envelope, EnvelopeError, HEADER};
use libfuzzer_sys::fuzz_target;
use trace_context::TraceContext;

fuzz_target!(|bytes: &[u8]| {
    match Envelope::decode(bytes) {
        Ok(envelope) => {
            let mut written = Vec::new();
            envelope.encode(&mut written);
            assert_eq!(written, bytes);
            assert_eq!(written.len(), envelope.len());
            if let Content::Request(fields) = envelope.content {
                if let Some((parent, state)) = fields.trace {
                    read_trace(parent, state);
                }
            }
        }
        Err(EnvelopeError::TooShort { len }) => assert!(len == bytes.len() && len < HEADER),
        Err(EnvelopeError::Malformed { id } | EnvelopeError::Unsupported { id }) => {
            assert_eq!(bytes[1..HEADER], id.to_be_bytes());
        }
    }
});

/// Checks that a decoded trace context, encoded in the form of version 00, decodes to an equal one.
fn read_trace(parent: &str, state: &str) {
    let Some(context) = TraceContext::decode(parent, state) else { return };
    assert_eq!(TraceContext::decode(&context.to_string(), state), Some(context));
}
