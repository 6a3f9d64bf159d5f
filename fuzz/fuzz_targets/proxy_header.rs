//! A header of the PROXY protocol is read to its end and not beyond, regardless of the bytes that
//! follow.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zmtp_proto::proxy_header::{Decoded, ProxyHeader, ProxyHeaderError, decode};

fuzz_target!(|input: &[u8]| {
    let Ok((ProxyHeader::Proxied(address), len)) = read(input) else { return };
    // The bytes that were read are a header by themselves, and the address is in its canonical
    // form.
    assert_eq!(read(&input[..len]), Ok((ProxyHeader::Proxied(address), len)));
    assert_eq!(address.ip().to_canonical(), address.ip());
    // A header in text form with this address decodes to the same address.
    let family = if address.is_ipv4() { "TCP4" } else { "TCP6" };
    let (ip, port) = (address.ip(), address.port());
    let line = format!("PROXY {family} {ip} {ip} {port} {port}\r\n");
    assert_eq!(read(line.as_bytes()), Ok((ProxyHeader::Proxied(address), line.len())));
});

/// Reads a header as a connection does. Returns the header and its length in bytes.
fn read(input: &[u8]) -> Result<(ProxyHeader, usize), ProxyHeaderError> {
    let mut len = 0;
    loop {
        match decode(&input[..len])? {
            Decoded::Header(header) => return Ok((header, len)),
            Decoded::Missing(missing) => {
                assert!(missing > 0);
                if len == input.len() {
                    return Ok((ProxyHeader::Local, len));
                }
                len = input.len().min(len + missing);
            }
        }
    }
}
