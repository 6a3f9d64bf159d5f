//! The streams of the simulated network.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{self, Instant, Sleep};

use crate::network::{Direction, HostId, Network, State};

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct SimulatedStream {
    network: Network,
    connection: u64,
    /// 0 for the end that dialed, 1 for the other.
    end: usize,
    arrival: Pin<Box<Sleep>>,
}

/// A connection between two hosts.
#[derive(Debug)]
pub(crate) struct Connection {
    hosts: [HostId; 2],
    ends: [End; 2],
    /// Whether bytes were lost that one end has written.
    has_lost: bool,
}

/// One end, and the bytes in transit from it to the other end.
#[derive(Debug, Default)]
struct End {
    /// In the order of their arrival.
    segments: VecDeque<Segment>,
    /// The number of bytes that were written, and of which no acknowledgment has arrived.
    unacknowledged: usize,
    /// The number of those bytes that the other end has read.
    consumed: usize,
    state: EndState,
    is_shut_down: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum EndState {
    #[default]
    Open,
    /// Its stream fails.
    Broken,
    /// Its stream does not exist.
    Gone,
}

#[derive(Debug)]
struct Segment {
    due: Instant,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Bytes(Bytes),
    Fin,
    Reset,
}

impl SimulatedStream {
    pub(crate) fn new(network: Network, connection: u64, end: usize) -> Self {
        Self { network, connection, end, arrival: Box::pin(time::sleep_until(Instant::now())) }
    }
}

impl Connection {
    pub(crate) fn new(hosts: [HostId; 2]) -> Self {
        Self { hosts, ends: Default::default(), has_lost: false }
    }

    /// Returns the direction of what an end sends.
    pub(crate) fn direction(&self, end: usize) -> Direction {
        (self.hosts[end], self.hosts[1 - end])
    }

    pub(crate) fn joins(&self, one: HostId, other: HostId) -> bool {
        self.hosts == [one, other] || self.hosts == [other, one]
    }

    /// Loses the bytes in transit, and fails both streams.
    pub(crate) fn reset(&mut self) {
        for end in [0, 1] {
            self.lose_segments(end);
            self.ends[end].fail();
        }
    }

    /// Loses one of the hosts.
    pub(crate) fn lose(&mut self, host: HostId) {
        for end in [0, 1] {
            if self.hosts[end] == host {
                self.lose_segments(end);
                self.ends[end].fail();
            }
        }
    }

    fn lose_segments(&mut self, end: usize) {
        self.has_lost |= self.ends[end].has_bytes();
        self.ends[end].segments.clear();
    }

    /// Sends segments again, to arrive at `due`, and everything that was acknowledged meanwhile.
    pub(crate) fn resume(&mut self, end: usize, due: Instant) {
        for segment in &mut self.ends[end].segments {
            segment.due = segment.due.max(due);
        }
        self.acknowledge(1 - end);
        self.ends[1 - end].wake_reader();
    }

    /// Acknowledges what the other end has read of the bytes from `end`.
    fn acknowledge(&mut self, end: usize) {
        let end = &mut self.ends[end];
        end.unacknowledged -= mem::take(&mut end.consumed);
        end.wake_writer();
    }
}

impl End {
    fn fail(&mut self) {
        if self.state == EndState::Open {
            self.state = EndState::Broken;
        }
        self.wake_reader();
        self.wake_writer();
    }

    fn push(&mut self, due: Instant, content: Content) {
        // Segments of one connection do not overtake one another.
        let due = self.segments.back().map_or(due, |last| last.due.max(due));
        self.segments.push_back(Segment { due, content });
    }

    fn has_bytes(&self) -> bool {
        self.segments.iter().any(|segment| matches!(segment.content, Content::Bytes(_)))
    }

    fn wake_reader(&mut self) {
        self.reader.take().into_iter().for_each(Waker::wake);
    }

    fn wake_writer(&mut self) {
        self.writer.take().into_iter().for_each(Waker::wake);
    }
}

impl State {
    /// Sends a segment from an end of a connection.
    fn send(&mut self, id: u64, end: usize, content: Content) {
        let due = Instant::now() + self.delay();
        let connection = self.connections.get_mut(&id).unwrap();
        connection.ends[end].push(due, content);
        connection.ends[1 - end].wake_reader();
        self.bounce(id, end);
    }

    /// Answers bytes from an end by a reset if no stream can read them.
    pub(crate) fn bounce(&mut self, id: u64, end: usize) {
        let Some(connection) = self.connections.get(&id) else { return };
        let [from, to] = [&connection.ends[end], &connection.ends[1 - end]];
        let is_readable = to.state == EndState::Open;
        if !is_readable && from.has_bytes() && self.passes(connection.direction(end)) {
            let due = Instant::now() + self.delay();
            let connection = self.connections.get_mut(&id).unwrap();
            connection.lose_segments(end);
            connection.ends[1 - end].push(due, Content::Reset);
            connection.ends[end].wake_reader();
        }
    }

    /// Reads what has arrived at an end. Returns the time of the next arrival if there is nothing.
    fn read(
        &mut self,
        id: u64,
        end: usize,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Result<io::Result<()>, Option<Instant>> {
        let connection = &self.connections[&id];
        let (arriving, leaving) = (connection.direction(1 - end), connection.direction(end));
        let (passes, acknowledges) = (self.passes(arriving), self.passes(leaving));
        let connection = self.connections.get_mut(&id).unwrap();
        if connection.ends[end].state != EndState::Open {
            return Ok(Err(io::ErrorKind::ConnectionReset.into()));
        }
        connection.ends[end].reader = Some(cx.waker().clone());
        let from = &mut connection.ends[1 - end];
        let Some(segment) = from.segments.front_mut().filter(|_| passes) else { return Err(None) };
        if segment.due > Instant::now() {
            return Err(Some(segment.due));
        }
        let read = match &mut segment.content {
            Content::Bytes(bytes) => {
                let count = bytes.len().min(buf.remaining());
                buf.put_slice(&bytes.split_to(count));
                if bytes.is_empty() {
                    from.segments.pop_front();
                }
                from.consumed += count;
                if acknowledges {
                    connection.acknowledge(1 - end);
                }
                self.note(|| format!("{id}: {end} reads {count}"));
                Ok(())
            }
            Content::Fin => Ok(()),
            Content::Reset => {
                connection.lose_segments(1 - end);
                connection.ends[end].fail();
                self.note(|| format!("{id}: {end} is reset"));
                Err(io::ErrorKind::ConnectionReset.into())
            }
        };
        Ok(read)
    }

    /// Writes as many bytes as the window allows.
    fn write(
        &mut self,
        id: u64,
        end: usize,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let from = &mut self.connections.get_mut(&id).unwrap().ends[end];
        if from.state != EndState::Open || from.is_shut_down {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let count = bytes.len().min(WINDOW - from.unacknowledged);
        if count == 0 && !bytes.is_empty() {
            from.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        from.unacknowledged += count;
        self.note(|| format!("{id}: {end} writes {count}"));
        self.send(id, end, Content::Bytes(Bytes::copy_from_slice(&bytes[..count])));
        Poll::Ready(Ok(count))
    }

    fn shut_down(&mut self, id: u64, end: usize) {
        let from = &mut self.connections.get_mut(&id).unwrap().ends[end];
        if from.state == EndState::Open && !mem::replace(&mut from.is_shut_down, true) {
            self.note(|| format!("{id}: {end} shuts down"));
            self.send(id, end, Content::Fin);
        }
    }

    fn close(&mut self, id: u64, end: usize) {
        self.note(|| format!("{id}: {end} closes"));
        self.shut_down(id, end);
        let connection = self.connections.get_mut(&id).unwrap();
        connection.ends[end].state = EndState::Gone;
        if connection.ends[1 - end].state == EndState::Gone {
            connection.reset();
            self.has_lost |= connection.has_lost;
            self.connections.remove(&id);
        } else {
            // Like TCP, if bytes have not been read.
            self.bounce(id, 1 - end);
        }
    }
}

impl AsyncRead for SimulatedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { network, connection, end, arrival } = self.get_mut();
        loop {
            let read = network.state().read(*connection, *end, cx, buf);
            match read {
                Ok(read) => return Poll::Ready(read),
                Err(None) => return Poll::Pending,
                Err(Some(due)) => {
                    arrival.as_mut().reset(due);
                    if arrival.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}

impl AsyncWrite for SimulatedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.network.state().write(self.connection, self.end, cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.network.state().shut_down(self.connection, self.end);
        Poll::Ready(Ok(()))
    }
}

impl Drop for SimulatedStream {
    fn drop(&mut self) {
        // A failed test poisons the lock.
        if !std::thread::panicking() {
            self.network.state().close(self.connection, self.end);
        }
    }
}

/// The number of bytes that can be in transit, or wait at the other end.
const WINDOW: usize = 0x1_0000;
