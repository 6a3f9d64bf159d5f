//! Headers of the PROXY protocol, versions 1 and 2, by which a proxy reports whose connection it
//! forwards (<https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>, sections 2.1 and 2.2).
//!
//! Parts of the specification that are not used here are checked only as far as they bound the
//! header: addresses of Unix domain sockets, and the additional fields of version 2, which are
//! skipped.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::{self, FromStr};

use thiserror::Error;

/// The content of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyHeader {
    /// The origin of the connection that the proxy forwards.
    Proxied(SocketAddr),
    /// The connection is the proxy's own, such as a health check, or the proxy does not know a
    /// network address. The specification requires the addresses of the connection itself to be
    /// used.
    Local,
}

/// The result of decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// The whole header.
    Header(ProxyHeader),
    /// The header has at least this many more bytes. Bytes that follow the header are never
    /// included.
    Missing(usize),
}

/// The reason why bytes are not a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProxyHeaderError {
    /// An address or a port is invalid.
    #[error("the header of the PROXY protocol has an invalid address or port")]
    Address,
    /// The command of version 2 is unknown.
    #[error("the header of the PROXY protocol has the unknown command {command:#04x}")]
    Command {
        /// The byte of version and command.
        command: u8,
    },
    /// The address family of version 2 is unknown.
    #[error("the header of the PROXY protocol has the unknown address family {family:#04x}")]
    Family {
        /// The byte of family and transport.
        family: u8,
    },
    /// The line of version 1 does not have the specified fields.
    #[error("the line of the PROXY protocol is malformed")]
    Line,
    /// The bytes are not the beginning of a header.
    #[error("the connection does not begin with a header of the PROXY protocol")]
    Missing,
    /// The header is longer than a limit.
    #[error("the header of the PROXY protocol has {len} bytes, above the limit of {limit}")]
    TooLong {
        /// The length in bytes, as far as it is known.
        len: usize,
        /// The longest accepted header of this version.
        limit: usize,
    },
}

/// Decodes a header from the first bytes of a connection, which are at most the bytes that
/// [`Decoded::Missing`] requested.
///
/// # Errors
///
/// [`ProxyHeaderError`], as soon as the bytes cannot become a header.
pub fn decode(input: &[u8]) -> Result<Decoded, ProxyHeaderError> {
    if let Some(rest) = input.strip_prefix(SIGNATURE) {
        decode_binary(rest)
    } else if let Some(rest) = input.strip_prefix(PROXY) {
        decode_line(rest)
    } else if SIGNATURE.starts_with(input) {
        Ok(Decoded::Missing(SIGNATURE.len() - input.len()))
    } else if PROXY.starts_with(input) {
        Ok(Decoded::Missing(PROXY.len() - input.len()))
    } else {
        Err(ProxyHeaderError::Missing)
    }
}

/// Decodes the rest of version 1 after its first word.
fn decode_line(rest: &[u8]) -> Result<Decoded, ProxyHeaderError> {
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~');
    let len = rest.iter().position(|byte| !is_text(byte)).unwrap_or(rest.len());
    let (line, end) = rest.split_at(len);
    let missing = match end {
        b"\r\n" => return parse(line).map(Decoded::Header),
        b"\r" => 1,
        b"" => 2,
        _ => return Err(ProxyHeaderError::Line),
    };
    let len = PROXY.len() + rest.len() + missing;
    if len > LINE_MAX {
        return Err(ProxyHeaderError::TooLong { len, limit: LINE_MAX });
    }
    Ok(Decoded::Missing(missing))
}

/// Parses a line without its first word and its end.
fn parse(line: &[u8]) -> Result<ProxyHeader, ProxyHeaderError> {
    let line = str::from_utf8(line).map_err(|_| ProxyHeaderError::Line)?;
    let mut fields = line.split(' ');
    let family = fields.next();
    // The rest must be ignored.
    if family == Some("UNKNOWN") {
        return Ok(ProxyHeader::Local);
    }
    let (Some(source), Some(destination), Some(port), Some(destination_port), None) =
        (fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err(ProxyHeaderError::Line);
    };
    let both = match family {
        Some("TCP4") => parse_both::<Ipv4Addr>(source, destination),
        Some("TCP6") => parse_both::<Ipv6Addr>(source, destination),
        _ => return Err(ProxyHeaderError::Line),
    };
    match (both, parse_port(port), parse_port(destination_port)) {
        (Some(source), Some(port), Some(_)) => Ok(proxied(source, port)),
        _ => Err(ProxyHeaderError::Address),
    }
}

/// Returns the first of two addresses of one family.
fn parse_both<A: FromStr + Into<IpAddr>>(source: &str, destination: &str) -> Option<IpAddr> {
    destination.parse::<A>().ok()?;
    source.parse::<A>().ok().map(A::into)
}

/// Parses a decimal port without a sign or leading zeros.
fn parse_port(text: &str) -> Option<u16> {
    let is_canonical = text == "0" || text.starts_with(|first| matches!(first, '1'..='9'));
    text.parse().ok().filter(|_| is_canonical)
}

/// Decodes the rest of version 2 after its signature.
fn decode_binary(rest: &[u8]) -> Result<Decoded, ProxyHeaderError> {
    let [version_and_command, family, len_high, len_low, block @ ..] = rest else {
        return Ok(Decoded::Missing(FIXED_LEN - rest.len()));
    };
    let len = usize::from(u16::from_be_bytes([*len_high, *len_low]));
    let whole = SIGNATURE.len() + FIXED_LEN + len;
    let is_proxied = match version_and_command {
        0x20 => false,
        0x21 => true,
        command => return Err(ProxyHeaderError::Command { command: *command }),
    };
    if whole > BINARY_MAX {
        return Err(ProxyHeaderError::TooLong { len: whole, limit: BINARY_MAX });
    }
    if block.len() < len {
        return Ok(Decoded::Missing(len - block.len()));
    }
    if !is_proxied {
        return Ok(Decoded::Header(ProxyHeader::Local));
    }
    let source = match family {
        // AF_UNSPEC, and AF_UNIX, which has no network address.
        0x00 => None,
        0x31 | 0x32 => {
            block.first_chunk::<UNIX_LEN>().ok_or(ProxyHeaderError::Address)?;
            None
        }
        0x11 | 0x12 => {
            let [a, b, c, d, _, _, _, _, high, low, _, _] =
                block.first_chunk::<IPV4_LEN>().ok_or(ProxyHeaderError::Address)?;
            Some((IpAddr::from([*a, *b, *c, *d]), [*high, *low]))
        }
        0x21 | 0x22 => {
            let addresses = block.first_chunk::<IPV6_LEN>().ok_or(ProxyHeaderError::Address)?;
            let source: &[u8; 16] = addresses.first_chunk().ok_or(ProxyHeaderError::Address)?;
            Some((IpAddr::from(*source), [addresses[32], addresses[33]]))
        }
        family => return Err(ProxyHeaderError::Family { family: *family }),
    };
    Ok(Decoded::Header(match source {
        Some((address, port)) => proxied(address, u16::from_be_bytes(port)),
        None => ProxyHeader::Local,
    }))
}

/// An IPv4 address that is mapped to IPv6 is converted back.
fn proxied(address: IpAddr, port: u16) -> ProxyHeader {
    ProxyHeader::Proxied(SocketAddr::new(address.to_canonical(), port))
}

/// The signature of version 2.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Version and command, address family, and the length of the rest.
const FIXED_LEN: usize = 4;

/// Two addresses and two ports.
const IPV4_LEN: usize = 12;
const IPV6_LEN: usize = 36;

/// Two paths.
const UNIX_LEN: usize = 216;

/// The beginning of version 1.
const PROXY: &[u8] = b"PROXY ";

/// The longest line of version 1, including its end (section 2.1).
const LINE_MAX: usize = 107;

/// The longest accepted header of version 2. The format allows 64 KiB; proxies send several hundred
/// bytes, or a few thousand with certificates.
const BINARY_MAX: usize = 0x1000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_names_the_client() {
        for (line, expected) in [
            ("PROXY TCP4 192.0.2.7 198.51.100.1 4711 5555\r\n", Some("192.0.2.7:4711")),
            (
                "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
                Some("255.255.255.255:65535"),
            ),
            ("PROXY TCP6 2001:db8::7 2001:db8::1 0 5555\r\n", Some("[2001:db8::7]:0")),
            ("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:192.0.2.1 1 2\r\n", Some("192.0.2.7:1")),
            ("PROXY UNKNOWN\r\n", None),
            ("PROXY UNKNOWN ffff:f...f:ffff whatever 65535 0 x\r\n", None),
        ] {
            assert_eq!(read(line.as_bytes()), Ok((header(expected), line.len())), "{line:?}");
        }
    }

    #[test]
    fn a_line_that_is_malformed_is_refused() {
        use ProxyHeaderError::{Address, Line, Missing};
        for (line, expected) in [
            ("PROXY\tTCP4 192.0.2.7 192.0.2.1 1 2\r\n", Missing),
            ("proxy TCP4 192.0.2.7 192.0.2.1 1 2\r\n", Missing),
            ("GET / HTTP/1.1\r\n", Missing),
            ("PROXY  TCP4 192.0.2.7 192.0.2.1 1 2\r\n", Line),
            ("PROXY TCP4 192.0.2.7 192.0.2.1 1 2\n", Line),
            ("PROXY TCP4 192.0.2.7 192.0.2.1 1 2\rx", Line),
            ("PROXY TCP4 192.0.2.7 192.0.2.1 1\r\n", Line),
            ("PROXY TCP4 192.0.2.7 192.0.2.1 1 2 3\r\n", Line),
            ("PROXY TCP4 192.0.2.7 192.0.2.1 1 2 \r\n", Line),
            ("PROXY TCP5 192.0.2.7 192.0.2.1 1 2\r\n", Line),
            ("PROXY UNKNOWNS\r\n", Line),
            ("PROXY \r\n", Line),
            ("PROXY TCP4 192.0.2.7\0", Line),
            ("PROXY TCP4 192.0.2.007 192.0.2.1 1 2\r\n", Address),
            ("PROXY TCP4 192.0.2.7 example.org 1 2\r\n", Address),
            ("PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n", Address),
            ("PROXY TCP6 192.0.2.7 192.0.2.1 1 2\r\n", Address),
            ("PROXY TCP4 192.0.2.7 192.0.2.1 +1 2\r\n", Address),
            ("PROXY TCP4 192.0.2.7 192.0.2.1 01 2\r\n", Address),
            ("PROXY TCP4 192.0.2.7 192.0.2.1 1 65536\r\n", Address),
            ("PROXY TCP4 192.0.2.7 192.0.2.1  2\r\n", Address),
        ] {
            assert_eq!(read(line.as_bytes()), Err(expected), "{line:?}");
        }
    }

    #[test]
    fn a_line_has_at_most_107_bytes() {
        let longest = format!("PROXY UNKNOWN {}\r\n", "x".repeat(LINE_MAX - 16));
        assert_eq!(read(longest.as_bytes()), Ok((ProxyHeader::Local, LINE_MAX)));
        let longer = format!("PROXY UNKNOWN {}\r\n", "x".repeat(LINE_MAX - 15));
        let error = ProxyHeaderError::TooLong { len: LINE_MAX + 1, limit: LINE_MAX };
        assert_eq!(read(longer.as_bytes()), Err(error));
    }

    #[test]
    fn a_binary_header_names_the_client() {
        let v4 = [&[192, 0, 2, 7, 198, 51, 100, 1][..], &[0x12, 0x67, 0x15, 0xB3]].concat();
        let mut v6 = [0; 36];
        v6[..4].copy_from_slice(&[0x20, 0x01, 0x0D, 0xB8]);
        (v6[15], v6[32], v6[33]) = (7, 0x12, 0x67);
        let mut mapped = [0; 36];
        mapped[10..16].copy_from_slice(&[0xFF, 0xFF, 192, 0, 2, 7]);
        for (command, family, block, expected) in [
            (0x21, 0x11, &v4[..], Some("192.0.2.7:4711")),
            (0x21, 0x12, &v4, Some("192.0.2.7:4711")),
            (0x21, 0x21, &v6, Some("[2001:db8::7]:4711")),
            (0x21, 0x22, &v6, Some("[2001:db8::7]:4711")),
            (0x21, 0x21, &mapped, Some("192.0.2.7:0")),
            (0x21, 0x31, &[0; UNIX_LEN], None),
            (0x21, 0x00, &[], None),
            // With arbitrary additional fields.
            (0x21, 0x00, b"\x04\x00\x01\x00\xff", None),
            (0x20, 0x11, &v4, None),
            (0x20, 0xFF, &[1, 2, 3], None),
        ] {
            let header_bytes = binary(command, family, block);
            assert_eq!(read(&header_bytes), Ok((header(expected), header_bytes.len())));
            let with_fields = binary(command, family, &[block, b"\x05\x00\x02id"].concat());
            assert_eq!(read(&with_fields), Ok((header(expected), with_fields.len())));
        }
    }

    #[test]
    fn a_binary_header_that_is_malformed_is_refused() {
        use ProxyHeaderError::{Address, Command, Family, Missing, TooLong};
        let fields = vec![0; BINARY_MAX - SIGNATURE.len() - FIXED_LEN];
        assert!(read(&binary(0x21, 0x00, &fields)).is_ok());
        let len = BINARY_MAX + 1;
        for (bytes, expected) in [
            (binary(0x11, 0x11, &[0; 12]), Command { command: 0x11 }),
            (binary(0x22, 0x11, &[0; 12]), Command { command: 0x22 }),
            (binary(0x21, 0x10, &[0; 12]), Family { family: 0x10 }),
            (binary(0x21, 0x41, &[0; 12]), Family { family: 0x41 }),
            (binary(0x21, 0x11, &[0; 11]), Address),
            (binary(0x21, 0x21, &[0; 35]), Address),
            (binary(0x21, 0x31, &[0; 215]), Address),
            (binary(0x21, 0x00, &[&fields[..], &[0]].concat()), TooLong { len, limit: BINARY_MAX }),
            (b"\r\n\r\n\0\r\nQUITS".to_vec(), Missing),
        ] {
            assert_eq!(read(&bytes), Err(expected));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_refused_and_nothing_is_read_beyond(
            start in prop_oneof![Just(&b""[..]), Just(PROXY), Just(&b"PROXY TCP4 "[..]), Just(SIGNATURE)],
            rest in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let input = [start, &rest].concat();
            if let Ok((_, len)) = read(&input) {
                prop_assert!(len <= input.len() && len <= BINARY_MAX);
            }
        }

        #[test]
        fn headers_written_by_a_proxy_are_read(source: IpAddr, port: u16, fields in proptest::collection::vec(any::<u8>(), 0..99)) {
            let expected = ProxyHeader::Proxied(SocketAddr::new(source.to_canonical(), port));
            let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
            let line = format!("PROXY {family} {source} {source} {port} 5555\r\n");
            prop_assert_eq!(read(line.as_bytes()), Ok((expected, line.len())));
            let (family, bytes) = match source {
                IpAddr::V4(v4) => (0x11, v4.octets().to_vec()),
                IpAddr::V6(v6) => (0x21, v6.octets().to_vec()),
            };
            let port = port.to_be_bytes();
            let bytes = binary(0x21, family, &[&bytes[..], &bytes, &port, &port, &fields].concat());
            prop_assert_eq!(read(&bytes), Ok((expected, bytes.len())));
        }
    }

    /// Reads a header as a connection does; returns it and its length.
    fn read(input: &[u8]) -> Result<(ProxyHeader, usize), ProxyHeaderError> {
        let mut len = 0;
        loop {
            match decode(&input[..len])? {
                Decoded::Header(header) => return Ok((header, len)),
                Decoded::Missing(missing) => {
                    assert!(missing > 0);
                    // A truncated header is neither a header nor an error.
                    if len == input.len() {
                        return Ok((ProxyHeader::Local, len));
                    }
                    len = input.len().min(len + missing);
                }
            }
        }
    }

    fn header(source: Option<&str>) -> ProxyHeader {
        source.map_or(ProxyHeader::Local, |source| ProxyHeader::Proxied(source.parse().unwrap()))
    }

    fn binary(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
        let len = u16::try_from(block.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &len, block].concat()
    }
}
