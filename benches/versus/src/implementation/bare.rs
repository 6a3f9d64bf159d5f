//! Streams without a library: the speed of the system itself.
//!
//! One way, blocking threads write and read 64 KiB at a time: messages framed as in ZMTP, which are
//! not decoded. Requests and replies use a stream of Tokio, which is the limit for an
//! implementation on Tokio.

use std::io::{self, Read, Write};
use std::net;
use std::os::unix::net as unix;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::Failure;
use crate::case::Transport;
use crate::implementation::{Client, Messaging, OneWay, Place, Receiver, Sender, Server};
use crate::report::Announce;

#[derive(Debug)]
pub(crate) struct Bare;

impl OneWay for Bare {
    const BLOCKS: bool = true;

    type Sender = Writer;
    type Receiver = Reader;

    async fn receiver(place: &Place, announce: Announce) -> Result<Reader, Failure> {
        let stream = accept(place, announce)?;
        Ok(Reader {
            stream,
            buffer: vec![0; CHUNK].into(),
            pending: 0,
            frame: frame(place.size).len(),
        })
    }

    async fn sender(endpoint: &str, size: usize) -> Result<Writer, Failure> {
        let frame = frame(size);
        let each = (CHUNK / frame.len()).max(1);
        Ok(Writer { stream: connect(endpoint)?, chunk: frame.repeat(each), frame: frame.len() })
    }
}

impl Messaging for Bare {
    type Client = Requester;
    type Server = Echo;

    async fn server(place: &Place, announce: Announce) -> Result<Echo, Failure> {
        let stream = accept(place, announce)?.into_tokio()?;
        let frame = frame(place.size).len();
        // A message that is longer than a chunk must fit.
        Ok(Echo { stream, received: vec![0; CHUNK.max(frame)].into(), end: 0, frame })
    }

    async fn client(endpoint: &str, size: usize) -> Result<Requester, Failure> {
        let frame = frame(size);
        let stream = connect(endpoint)?.into_tokio()?;
        let pending = Pending { buffer: vec![0; CHUNK].into(), bytes: 0, frame: frame.len() };
        Ok(Requester { stream, pending, out: Vec::new(), frame })
    }
}

/// Writes framed messages.
#[derive(Debug)]
pub(crate) struct Writer {
    stream: Stream,
    /// The frames that fit into 64 KiB, at least one.
    chunk: Vec<u8>,
    frame: usize,
}

impl Sender for Writer {
    async fn send(&mut self, count: u64) -> Result<(), Failure> {
        let each = (self.chunk.len() / self.frame) as u64;
        for _ in 0..count / each {
            self.stream.write_all(&self.chunk)?;
        }
        let rest = usize::try_from(count % each)? * self.frame;
        Ok(self.stream.write_all(&self.chunk[..rest])?)
    }
}

/// Counts bytes.
#[derive(Debug)]
pub(crate) struct Reader {
    stream: Stream,
    buffer: Box<[u8]>,
    /// Bytes that were read beyond the requested messages.
    pending: usize,
    frame: usize,
}

impl Receiver for Reader {
    async fn recv(&mut self, count: u64) -> Result<(), Failure> {
        let wanted = usize::try_from(count)? * self.frame;
        while self.pending < wanted {
            match self.stream.read(&mut self.buffer)? {
                0 => return Err("the connection has ended".into()),
                read => self.pending += read,
            }
        }
        self.pending -= wanted;
        Ok(())
    }
}

/// Writes requests and reads replies.
#[derive(Debug)]
pub(crate) struct Requester {
    stream: AsyncStream,
    pending: Pending,
    out: Vec<u8>,
    frame: Vec<u8>,
}

impl Client for Requester {
    async fn send(&mut self) -> Result<(), Failure> {
        self.out.extend_from_slice(&self.frame);
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        self.stream.write_all(&self.out).await?;
        self.out.clear();
        Ok(())
    }

    async fn recv(&mut self) -> Result<(), Failure> {
        while !self.pending.take() {
            self.pending.read(&mut self.stream).await?;
        }
        Ok(())
    }

    fn try_recv(&mut self) -> Result<bool, Failure> {
        Ok(self.pending.take())
    }
}

/// Writes the requests that it reads.
#[derive(Debug)]
pub(crate) struct Echo {
    stream: AsyncStream,
    received: Box<[u8]>,
    /// The end of the bytes that were read.
    end: usize,
    frame: usize,
}

impl Server for Echo {
    async fn serve(&mut self) -> Result<(), Failure> {
        loop {
            match self.stream.read(&mut self.received[self.end..]).await? {
                0 => return Err("the connection has ended".into()),
                read => self.end += read,
            }
            let whole = self.end - self.end % self.frame;
            self.stream.write_all(&self.received[..whole]).await?;
            self.received.copy_within(whole..self.end, 0);
            self.end -= whole;
        }
    }
}

/// The bytes of incomplete messages.
#[derive(Debug)]
struct Pending {
    buffer: Box<[u8]>,
    bytes: usize,
    frame: usize,
}

impl Pending {
    /// Takes one message.
    fn take(&mut self) -> bool {
        let whole = self.bytes >= self.frame;
        if whole {
            self.bytes -= self.frame;
        }
        whole
    }

    async fn read(&mut self, stream: &mut AsyncStream) -> Result<(), Failure> {
        match stream.read(&mut self.buffer).await? {
            0 => Err("the connection has ended".into()),
            read => {
                self.bytes += read;
                Ok(())
            }
        }
    }
}

/// A blocking stream.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(net::TcpStream),
    Ipc(unix::UnixStream),
}

impl Stream {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.write_all(bytes),
            Self::Ipc(stream) => stream.write_all(bytes),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Ipc(stream) => stream.read(buffer),
        }
    }

    pub(super) fn into_tokio(self) -> io::Result<AsyncStream> {
        match self {
            Self::Tcp(stream) => {
                stream.set_nonblocking(true)?;
                Ok(AsyncStream::Tcp(tokio::net::TcpStream::from_std(stream)?))
            }
            Self::Ipc(stream) => {
                stream.set_nonblocking(true)?;
                Ok(AsyncStream::Ipc(tokio::net::UnixStream::from_std(stream)?))
            }
        }
    }
}

#[derive(Debug)]
pub(super) enum AsyncStream {
    Tcp(tokio::net::TcpStream),
    Ipc(tokio::net::UnixStream),
}

impl AsyncStream {
    pub(super) async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.write_all(bytes).await,
            Self::Ipc(stream) => stream.write_all(bytes).await,
        }
    }

    pub(super) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer).await,
            Self::Ipc(stream) => stream.read(buffer).await,
        }
    }
}

fn accept(place: &Place, announce: Announce) -> Result<Stream, Failure> {
    if place.transport == Transport::Ipc {
        let listener = unix::UnixListener::bind(&place.path)?;
        announce.endpoint(&place.endpoint());
        return Ok(Stream::Ipc(listener.accept()?.0));
    }
    let listener = net::TcpListener::bind("127.0.0.1:0")?;
    announce.endpoint(&format!("tcp://{}", listener.local_addr()?));
    let (stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    Ok(Stream::Tcp(stream))
}

pub(super) fn connect(endpoint: &str) -> Result<Stream, Failure> {
    if let Some(path) = endpoint.strip_prefix("ipc://") {
        return Ok(Stream::Ipc(unix::UnixStream::connect(path)?));
    }
    let address = endpoint.strip_prefix("tcp://").ok_or("neither ipc nor tcp")?;
    let stream = net::TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(Stream::Tcp(stream))
}

/// Encodes a message (RFC 37, Framing).
fn frame(size: usize) -> Vec<u8> {
    let mut frame = match u8::try_from(size) {
        Ok(short) => vec![0x00, short],
        Err(_) => {
            let mut header = vec![0x02];
            header.extend_from_slice(&(size as u64).to_be_bytes());
            header
        }
    };
    frame.resize(frame.len() + size, 7);
    frame
}

/// The number of bytes that are read or written at a time.
pub(super) const CHUNK: usize = 64 * 1_024;
