//! Detection of protocols other than ZMTP 3 by their first bytes.

use std::fmt;

/// The protocol of a remote that does not use ZMTP 3, detected by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ForeignProtocol {
    /// AMQP, of any version.
    Amqp,
    /// HTTP/1: a request or a response.
    Http,
    /// HTTP/2 without TLS, which gRPC also uses.
    Http2,
    /// MQTT.
    Mqtt,
    /// The protocol of MySQL: the greeting of a server.
    MySql,
    /// The protocol of PostgreSQL.
    PostgreSql,
    /// The PROXY protocol, version 1, which load balancers send at the beginning of a connection.
    ProxyV1,
    /// The PROXY protocol, version 2.
    ProxyV2,
    /// The protocol of remote desktops (TPKT).
    Rdp,
    /// The protocol of Redis.
    Redis,
    /// SOCKS 4 or 5: the request of a client.
    Socks,
    /// SSH.
    Ssh,
    /// TLS, such as HTTPS.
    Tls,
    /// ZMTP 1, the protocol of ZeroMQ 2.
    Zmtp1,
    /// ZMTP 2, the protocol of ZeroMQ 3.
    Zmtp2,
}

impl ForeignProtocol {
    /// Detects the protocol of a remote from its first bytes. More bytes may follow `input`.
    ///
    /// # Examples
    ///
    /// ```
    /// # mod tokio_zmtp { pub mod monitor { pub use zmtp_proto::foreign_protocol::*; } }
    /// use tokio_zmtp::monitor::ForeignProtocol;
    ///
    /// let protocol = ForeignProtocol::recognize(b"GET / HTTP/1.1\r\n");
    /// assert_eq!(protocol, Some(ForeignProtocol::Http));
    /// ```
    pub fn recognize(input: &[u8]) -> Option<Self> {
        let is_http = || HTTP.iter().any(|start| input.starts_with(start));
        Some(match *input {
            [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, b'Q', b'U', b'I', b'T', 0x0A, ..] => {
                Self::ProxyV2
            }
            [b'P', b'R', b'O', b'X', b'Y', b' ', ..] => Self::ProxyV1,
            [b'P', b'R', b'I', b' ', b'*', b' ', b'H', b'T', b'T', b'P', b'/', b'2', ..] => {
                Self::Http2
            }
            [b'A', b'M', b'Q', b'P', ..] => Self::Amqp,
            [b'S', b'S', b'H', b'-', ..] => Self::Ssh,
            [b'*', b'0'..=b'9', ..] => Self::Redis,
            // An alert or a handshake record of any version of TLS.
            [0x15 | 0x16, 0x03, 0x00..=0x04, ..] => Self::Tls,
            [0x10, _, 0x00, 0x04, b'M', b'Q', b'T', b'T', ..] => Self::Mqtt,
            [_, 0x00, 0x00, 0x00, 0x0A, ..] => Self::MySql,
            // An SSLRequest, and a StartupMessage of version 3.
            [0x00, 0x00, 0x00, 0x08, 0x04, 0xD2, 0x16, 0x2F, ..]
            | [0x00, 0x00, _, _, 0x00, 0x03, 0x00, _, ..] => Self::PostgreSql,
            [0x03, 0x00, _, _, _, 0xE0, ..] => Self::Rdp,
            [0x05, methods, ref offered @ ..] if offered.len() == usize::from(methods) => {
                Self::Socks
            }
            [0x04, 0x01 | 0x02, _, _, _, _, _, _, ..] => Self::Socks,
            // The frame of an identity, in which the length precedes the flags.
            [0x01..=0xFE, 0x00, ..] => Self::Zmtp1,
            _ if is_http() => Self::Http,
            _ => return None,
        })
    }
}

impl fmt::Display for ForeignProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Amqp => "AMQP",
            Self::Http => "HTTP/1",
            Self::Http2 => "HTTP/2",
            Self::Mqtt => "MQTT",
            Self::MySql => "MySQL",
            Self::PostgreSql => "PostgreSQL",
            Self::ProxyV1 => "PROXY protocol 1",
            Self::ProxyV2 => "PROXY protocol 2",
            Self::Rdp => "RDP",
            Self::Redis => "Redis",
            Self::Socks => "SOCKS",
            Self::Ssh => "SSH",
            Self::Tls => "TLS",
            Self::Zmtp1 => "ZMTP 1",
            Self::Zmtp2 => "ZMTP 2",
        })
    }
}

const HTTP: [&[u8]; 10] = [
    b"CONNECT ",
    b"DELETE ",
    b"GET ",
    b"HEAD ",
    b"HTTP/",
    b"OPTIONS ",
    b"PATCH ",
    b"POST ",
    b"PUT ",
    b"TRACE ",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_foreign_protocol_is_recognized() {
        for (input, protocol) in [
            (&b"AMQP\x00\x00\x09\x01"[..], ForeignProtocol::Amqp),
            (b"GET / HTTP/1.1\r\n", ForeignProtocol::Http),
            (b"HTTP/1.1 400 Bad Request\r\n", ForeignProtocol::Http),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ForeignProtocol::Http2),
            (b"\x10\x0C\x00\x04MQTT\x04\x02", ForeignProtocol::Mqtt),
            (b"\x4A\x00\x00\x00\x0A8.0.36\x00", ForeignProtocol::MySql),
            (b"\x00\x00\x00\x08\x04\xD2\x16\x2F", ForeignProtocol::PostgreSql),
            (b"\x00\x00\x00\x54\x00\x03\x00\x00user\x00", ForeignProtocol::PostgreSql),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\n", ForeignProtocol::ProxyV1),
            (b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0C", ForeignProtocol::ProxyV2),
            (b"\x03\x00\x00\x13\x0E\xE0\x00\x00", ForeignProtocol::Rdp),
            (b"*1\r\n$4\r\nPING\r\n", ForeignProtocol::Redis),
            (b"\x05\x01\x00", ForeignProtocol::Socks),
            (b"\x04\x01\x00\x50\xC0\x00\x02\x01\x00", ForeignProtocol::Socks),
            (b"SSH-2.0-OpenSSH_9.6\r\n", ForeignProtocol::Ssh),
            (b"\x16\x03\x01\x02\x00\x01", ForeignProtocol::Tls),
            (b"\x15\x03\x03\x00\x02\x02\x0A", ForeignProtocol::Tls),
            (b"\x01\x00", ForeignProtocol::Zmtp1),
            (b"\x06\x00hello", ForeignProtocol::Zmtp1),
        ] {
            assert_eq!(ForeignProtocol::recognize(input), Some(protocol), "{protocol}");
        }
    }

    #[test]
    fn ambiguous_bytes_are_not_recognized() {
        for input in [&b""[..], b"G", b"\x00", b"\xAA\xAA\xAA", b"PRO", b"hello"] {
            assert_eq!(ForeignProtocol::recognize(input), None);
        }
    }
}
