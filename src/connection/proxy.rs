//! The header of a proxy at the beginning of a stream.

use std::future;
use std::pin::Pin;
use std::task::ready;

use tokio::io::{AsyncRead, ReadBuf};
use zmtp_proto::proxy_header::{self, Decoded, ProxyHeader};

use crate::monitor::{HandshakeFailure, ProtocolError};

/// Reads the header of the PROXY protocol at the beginning of a stream, and nothing beyond it. The
/// caller sets the deadline.
///
/// A line of version 1 does not state its length, so that it is read two bytes at a time.
pub(crate) async fn read_proxy_header<S: AsyncRead + Unpin>(
    stream: &mut S,
) -> Result<ProxyHeader, HandshakeFailure> {
    let mut read = Vec::new();
    loop {
        let missing = match proxy_header::decode(&read) {
            Ok(Decoded::Header(header)) => return Ok(header),
            Ok(Decoded::Missing(missing)) => missing,
            Err(error) => return Err(HandshakeFailure::ProxyHeader(ProtocolError::new(error))),
        };
        let len = future::poll_fn(|cx| {
            let mut chunk = [0; CHUNK];
            let mut chunk = ReadBuf::new(&mut chunk[..missing.min(CHUNK)]);
            ready!(Pin::new(&mut *stream).poll_read(cx, &mut chunk))?;
            read.extend_from_slice(chunk.filled());
            std::task::Poll::Ready(Ok::<_, std::io::Error>(chunk.filled().len()))
        })
        .await?;
        if len == 0 {
            return Err(HandshakeFailure::ClosedByRemote);
        }
    }
}

/// Enough for a header without certificates. Memory is reserved for what has arrived.
const CHUNK: usize = 0x200;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn bytes_after_a_header_stay_on_the_stream() {
        for header in [
            &b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 5555\r\n"[..],
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0F\xC0\0\x02\x07\xC0\0\x02\x01\x12\x67\x15\xB3\x04\0\0",
        ] {
            // In one piece, and byte by byte.
            for size in [256, 1] {
                let (mut near, mut far) = tokio::io::duplex(size);
                let writing = tokio::spawn(async move {
                    far.write_all(header).await.unwrap();
                    far.write_all(b"\xFFgreeting").await.unwrap();
                });
                let read = read_proxy_header(&mut near).await.unwrap();
                assert_eq!(read, ProxyHeader::Proxied(([192, 0, 2, 7], 4711).into()));
                let mut rest = Vec::new();
                near.read_to_end(&mut rest).await.unwrap();
                assert_eq!(rest, b"\xFFgreeting");
                writing.await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn a_stream_without_header_is_refused_at_its_first_byte() {
        let (mut near, mut far) = tokio::io::duplex(16);
        far.write_all(b"\xFF").await.unwrap();
        let error = read_proxy_header(&mut near).await.unwrap_err();
        assert!(matches!(error, HandshakeFailure::ProxyHeader(_)));
        let (mut near, mut far) = tokio::io::duplex(16);
        far.write_all(b"PROXY ").await.unwrap();
        drop(far);
        let error = read_proxy_header(&mut near).await.unwrap_err();
        assert!(matches!(error, HandshakeFailure::ClosedByRemote));
    }
}
