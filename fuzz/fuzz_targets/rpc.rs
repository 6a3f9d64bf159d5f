//! A decoded envelope is encoded to the same bytes. A decoded trace context is encoded to an equal
//! one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zmtp_proto::rpc::envelope::{Content, Envelope, EnvelopeError, HEADER, RequestFields};

fuzz_target!(|bytes: &[u8]| {
    match Envelope::decode(bytes) {
        Ok(envelope) => {
            let mut written = Vec::new();
            envelope.encode(&mut written);
            assert_eq!(written, bytes);
            assert_eq!(written.len(), envelope.encoded_len());
            if let Content::Request(fields) = envelope.content {
                read_trace(fields);
            }
        }
        Err(EnvelopeError::TooShort { len }) => assert!(len == bytes.len() && len < HEADER),
        Err(EnvelopeError::Malformed { id } | EnvelopeError::Unsupported { id }) => {
            assert_eq!(bytes[1..HEADER], id.to_be_bytes());
        }
    }
});

/// Checks that a decoded trace context, encoded in the form of version 00, decodes to an equal one.
fn read_trace(fields: RequestFields<'_>) {
    let Some(context) = fields.trace_context() else { return };
    let text = context.to_string();
    let again = RequestFields { trace: Some((&text, context.state())), ..fields };
    assert_eq!(again.trace_context(), Some(context));
}
