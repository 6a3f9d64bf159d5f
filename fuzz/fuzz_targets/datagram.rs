//! A decoded datagram encodes to the same bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zmtp_proto::datagram::{Datagram, DatagramError};
use zmtp_proto::group::Group;

fuzz_target!(|input: &[u8]| match Datagram::decode(input) {
    Ok(datagram) => {
        let mut encoded = Vec::new();
        datagram.encode(&mut encoded);
        assert_eq!(encoded, input);
        Group::try_from(datagram.group()).unwrap();
        let fits = Datagram::new(datagram.group(), datagram.body());
        assert_eq!(fits.is_ok(), datagram.group().len() <= Datagram::GROUP_MAX);
    }
    Err(DatagramError::Truncated { group, bytes }) => {
        assert!(bytes < group);
        // With more bytes appended, it is not truncated.
        let padded = [input, &[b'x'; 256]].concat();
        assert!(!matches!(Datagram::decode(&padded), Err(DatagramError::Truncated { .. })));
    }
    Err(_) => {}
});
