//! One query to one name server: over UDP, and over TCP if the answer is too long.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use super::message::{self, Answer, AnswerError, DATAGRAM_MAX, Name, RecordType};

/// Sends a query to a name server, and waits for the answer.
///
/// Each query has a random id and a port of its own, and the system discards datagrams of other
/// senders (RFC 5452, section 4).
pub(super) async fn exchange(
    server: SocketAddr,
    name: &Name,
    record_type: RecordType,
) -> Result<Answer, ExchangeError> {
    let mut id = [0; 2];
    getrandom::fill(&mut id).map_err(io::Error::from)?;
    let id = u16::from_be_bytes(id);
    let query = message::query(id, name, record_type);
    let received = over_udp(server, &query, |answer| {
        match message::answer(answer, id, name, record_type) {
            // Not from the server, or damaged.
            Err(AnswerError::Malformed | AnswerError::Unrelated) => None,
            answered => Some(answered),
        }
    });
    match received.await?? {
        Answer::Truncated => {}
        answer => return Ok(answer),
    }
    match message::answer(&over_tcp(server, &query).await?, id, name, record_type)? {
        Answer::Truncated => Err(AnswerError::Malformed.into()),
        answer => Ok(answer),
    }
}

/// The reason why a name server did not answer.
#[derive(Debug, Error)]
pub(super) enum ExchangeError {
    #[error(transparent)]
    Answer(#[from] AnswerError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

async fn over_udp<T>(
    server: SocketAddr,
    query: &[u8],
    accept: impl Fn(&[u8]) -> Option<T>,
) -> io::Result<T> {
    let local: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(local).await?;
    socket.connect(server).await?;
    socket.send(query).await?;
    let mut buffer = [0; DATAGRAM_MAX as usize];
    loop {
        let len = socket.recv(&mut buffer).await?;
        if let Some(accepted) = accept(&buffer[..len]) {
            return Ok(accepted);
        }
    }
}

/// Returns the answer, which follows its length (RFC 7766, section 8).
async fn over_tcp(server: SocketAddr, query: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let len = u16::try_from(query.len()).map_err(io::Error::other)?;
    // In one write, as RFC 7766 recommends.
    stream.write_all(&[&len.to_be_bytes(), query].concat()).await?;
    let len = stream.read_u16().await?;
    let mut answer = Vec::new();
    // The buffer grows with what has arrived.
    stream.take(len.into()).read_to_end(&mut answer).await?;
    Ok(answer)
}
