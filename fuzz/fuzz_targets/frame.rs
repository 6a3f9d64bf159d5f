//! A header is decoded only when it is complete, and an encoded header has the same meaning.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use zmtp_proto::frame::{self, Header};

fuzz_target!(|input: &[u8]| {
    match Header::decode(input) {
        Ok(Some(header)) => {
            assert_eq!(Header::decode(&input[..header.len()]), Ok(Some(header)));
            for end in 0..header.len() {
                // The size is checked as a whole, so no prefix of a valid header is refused.
                assert_eq!(Header::decode(&input[..end]), Ok(None));
            }
            if let Some(body) = header.body(input) {
                assert_eq!(body.len() as u64, header.size);
            } else {
                assert!(((input.len() - header.len()) as u64) < header.size);
            }
            encode_again(header);
        }
        Ok(None) => assert!(input.len() < 9),
        Err(error) => {
            let longer = [input, &[0x00]].concat();
            assert_eq!(Header::decode(&longer), Err(error));
        }
    }
});

fn encode_again(header: Header) {
    let (Ok(size), false) = (usize::try_from(header.size), header.more) else {
        return;
    };
    let mut encoded = BytesMut::new();
    if header.command {
        frame::put_command_header(&mut encoded, size);
    } else {
        frame::put_message_header(&mut encoded, size);
    }
    let long = header.size > 255;
    assert_eq!(Header::decode(&encoded), Ok(Some(Header { long, ..header })));
}
