//! Streams without a library: stamped requests over a stream of Tokio.

use crate::Failure;
use crate::implementation::bare::{AsyncStream, Bare, CHUNK, connect};
use crate::implementation::stamped::{BODY, Stamp, Stamped, StampedClient};
use crate::ticks::Ticks;

impl Stamped for Bare {
    type Client = Asking;

    async fn client(endpoint: &str, _: usize) -> Result<Asking, Failure> {
        let stream = connect(endpoint)?.into_tokio()?;
        Ok(Asking { stream, out: Vec::new(), received: vec![0; CHUNK].into(), start: 0, end: 0 })
    }
}

/// Writes requests and reads replies.
#[derive(Debug)]
pub(crate) struct Asking {
    stream: AsyncStream,
    out: Vec<u8>,
    received: Box<[u8]>,
    /// The start of the bytes that were read and not taken.
    start: usize,
    end: usize,
}

impl StampedClient for Asking {
    async fn send(&mut self, stamp: Stamp) -> Result<(), Failure> {
        self.out.extend_from_slice(&HEADER);
        self.out.extend_from_slice(&stamp.to_body());
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        self.stream.write_all(&self.out).await?;
        self.out.clear();
        Ok(())
    }

    fn try_recv(&mut self) -> Result<Option<Stamp>, Failure> {
        match self.received[self.start..self.end].split_at_checked(FRAME) {
            Some((frame, _)) => {
                self.start += FRAME;
                Stamp::of_body(&frame[HEADER.len()..]).map(Some)
            }
            None => Ok(None),
        }
    }

    async fn recv_or(&mut self, ticks: &mut Ticks) -> Result<Option<Stamp>, Failure> {
        if let Some(stamp) = self.try_recv()? {
            return Ok(Some(stamp));
        }
        self.received.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        tokio::select! {
            biased;
            read = self.stream.read(&mut self.received[self.end..]) => match read? {
                0 => Err("the connection has ended".into()),
                read => {
                    self.end += read;
                    self.try_recv()
                }
            },
            ticked = ticks.next() => ticked.map(|()| None),
        }
    }
}

/// The header of each frame (RFC 37, Framing).
const HEADER: [u8; 2] = [0x00, BODY as u8];

const FRAME: usize = HEADER.len() + BODY;
