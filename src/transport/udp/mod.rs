//! Datagrams over UDP: sockets that send to one address, and sockets that receive at one.

mod open;
mod segments;

use std::io;
use std::mem;
use std::net::SocketAddr;

use tokio::net::UdpSocket;
use zmtp_proto::datagram::Datagram;
use zmtp_proto::endpoint::{Endpoint, Host, UdpEndpoint, resolved};

use self::segments::Offload;
use super::ListenError;
use super::resolve::{resolve_host, resolve_host_to_bind};
use crate::options::Options;
use crate::platform::datagrams::{self, Arrived};

/// Sends datagrams to one address.
#[derive(Debug)]
pub(crate) struct Sender {
    socket: UdpSocket,
    address: SocketAddr,
    /// Present if the socket could not be connected.
    destination: Option<SocketAddr>,
    offload: Offload,
}

/// Datagrams that are sent together.
#[derive(Debug, Default)]
pub(crate) struct DatagramBatch {
    encoded: Vec<u8>,
    datagrams: usize,
    /// The length of every datagram but the last, which may be shorter.
    segment: usize,
    outcome: Sent,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// The datagrams, from the first, that the system accepted or refused. The others were not
    /// tried.
    pub(crate) tried: usize,
    /// The datagrams that the system accepted.
    pub(crate) sent: usize,
    /// The bytes of these.
    pub(crate) bytes: usize,
    /// The datagrams that the system refused, and an earlier one if its host has refused it.
    pub(crate) lost: usize,
    /// The reason for the last loss.
    pub(crate) error: Option<io::Error>,
}

impl Sender {
    /// Opens a socket for the first address of the endpoint for which it can be opened.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future opens nothing.
    ///
    /// # Errors
    ///
    /// The error of the system, for the last address if the host has several.
    pub(crate) async fn open(endpoint: &UdpEndpoint, options: &Options) -> io::Result<Self> {
        let resolver = &options.tcp.resolver;
        let addresses = resolve_host(endpoint.host(), endpoint.port(), resolver).await?;
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host name has no address");
        for address in addresses {
            let opened = async {
                let interface = open::interface(endpoint, address).await?;
                open::sender(address, interface, options)
            };
            match opened.await {
                Ok((socket, destination)) => {
                    let offload = Offload::of_sender(&socket);
                    return Ok(Self { socket, address, destination, offload });
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Returns the address of the remotes.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a datagram to a batch. Returns false if the batch has to be sent first.
    pub(crate) fn push(&self, batch: &mut DatagramBatch, datagram: Datagram<'_>) -> bool {
        let len = datagram.len();
        if batch.datagrams == 0 {
            batch.segment = len;
        } else if !batch.continues_with(len)
            || !self.offload.splits(batch.encoded.len() + len, batch.segment)
        {
            return false;
        }
        datagram.encode(&mut batch.encoded);
        batch.datagrams += 1;
        true
    }

    /// Sends the datagrams of a batch. Waits while the send buffer of the system is full.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, a part of the datagrams may have been sent. As after a complete
    /// call, [`DatagramBatch::finish`] returns which.
    pub(crate) async fn send(&mut self, batch: &mut DatagramBatch) {
        let DatagramBatch { encoded, datagrams, segment, outcome } = batch;
        if *datagrams > 1 {
            match self.send_segments(encoded, *segment, outcome).await {
                Err(error) if datagrams::is_refusal_to_split(&error) => {
                    // The interface, or the path, does not support it.
                    self.offload.disable(&self.socket);
                    for datagram in encoded.chunks(*segment) {
                        self.send_one(datagram, outcome).await;
                    }
                }
                result => outcome.add(*datagrams, encoded.len(), result),
            }
        } else if *datagrams == 1 {
            self.send_one(encoded, outcome).await;
        }
    }

    async fn send_one(&mut self, datagram: &[u8], outcome: &mut Sent) {
        let mut result = self.send_segments(datagram, datagram.len(), outcome).await;
        // The length of an earlier batch may be longer than the path allows by now.
        if result.as_ref().is_err_and(datagrams::is_refusal_to_split)
            && self.offload.disable(&self.socket)
        {
            result = self.send_segments(datagram, datagram.len(), outcome).await;
        }
        outcome.add(1, datagram.len(), result);
    }

    /// Sends datagrams of `segment` bytes each, by one call of the system.
    async fn send_segments(
        &mut self,
        datagrams: &[u8],
        segment: usize,
        outcome: &mut Sent,
    ) -> io::Result<()> {
        self.offload.prepare(&self.socket, datagrams.len(), segment)?;
        let mut was_refused = false;
        loop {
            let result = match self.destination {
                None => self.socket.try_send(datagrams),
                Some(destination) => self.socket.try_send_to(datagrams, destination),
            };
            match result {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.socket.writable().await?;
                }
                // The host has refused an earlier datagram (ICMP). The system reports it once,
                // instead of sending.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused && !was_refused => {
                    was_refused = true;
                    outcome.lost += 1;
                    outcome.error = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl DatagramBatch {
    /// Returns the number of datagrams.
    pub(crate) const fn datagrams(&self) -> usize {
        self.datagrams
    }

    /// Returns whether another datagram can be the last one.
    fn continues_with(&self, len: usize) -> bool {
        self.encoded.len() == self.datagrams * self.segment && len <= self.segment
    }

    /// Empties the batch. Returns what has become of its datagrams.
    pub(crate) fn finish(&mut self) -> Sent {
        self.encoded.clear();
        self.datagrams = 0;
        self.segment = 0;
        mem::take(&mut self.outcome)
    }
}

impl Sent {
    /// Adds the result for the next datagrams.
    fn add(&mut self, datagrams: usize, bytes: usize, result: io::Result<()>) {
        self.tried += datagrams;
        match result {
            Ok(()) => {
                self.sent += datagrams;
                self.bytes += bytes;
            }
            Err(error) => {
                self.lost += datagrams;
                self.error = Some(error);
            }
        }
    }
}

/// Receives datagrams at one address.
#[derive(Debug)]
pub(crate) struct Receiver {
    socket: UdpSocket,
    local: Endpoint,
    buffer: Box<[u8]>,
    /// The datagrams dropped by the system so far, as it counts them.
    dropped: u32,
}

/// Received datagrams.
#[derive(Debug)]
pub(crate) struct Received<'a> {
    arrived: Arrived,
    buffer: &'a [u8],
    /// The number of datagrams that the system dropped before these, because its buffer was full.
    /// Only Linux and Android report it.
    pub(crate) dropped: u32,
}

impl Receiver {
    /// Binds the first address of the endpoint that can be bound. A multicast address is joined,
    /// and bound where the system allows that, so that datagrams to other addresses at the same
    /// port are not received.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing bound.
    ///
    /// # Errors
    ///
    /// [`ListenError`], for the last address if the host has several.
    pub(crate) async fn bind(
        endpoint: &UdpEndpoint,
        options: &Options,
    ) -> Result<Self, ListenError> {
        let at = |address| resolved(&Endpoint::Udp(endpoint.clone()), address);
        let resolver = &options.tcp.resolver;
        let addresses = resolve_host_to_bind(endpoint.host(), endpoint.port(), resolver);
        let mut failure = None;
        for address in addresses.await.map_err(ListenError::Resolve)? {
            let bound = async {
                let interface = open::interface(endpoint, address).await?;
                open::receiver(address, interface, options)
            };
            match bound.await {
                Ok((socket, port)) => {
                    let mut address = address;
                    address.set_port(port);
                    let local = at(address);
                    datagrams::join_received(&socket);
                    return Ok(Self { socket, local, buffer: vec![0; BUFFER].into(), dropped: 0 });
                }
                Err(source) => {
                    // IPv4 alone is for machines without IPv6.
                    let stop = *endpoint.host() == Host::Any
                        && matches!(
                            source.kind(),
                            io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
                        );
                    let endpoint = at(address);
                    failure = Some(ListenError::Listen { endpoint, source });
                    if stop {
                        break;
                    }
                }
            }
        }
        Err(failure.unwrap_or_else(|| ListenError::Resolve(io::ErrorKind::NotFound.into())))
    }

    /// Returns the bound endpoint: the numeric address, and the port picked for `*`.
    pub(crate) const fn local_endpoint(&self) -> &Endpoint {
        &self.local
    }

    /// Waits for datagrams.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no datagram.
    ///
    /// # Errors
    ///
    /// The error of the system. It may persist, and then the next call fails immediately: wait
    /// before calling again.
    pub(crate) async fn recv(&mut self) -> io::Result<Received<'_>> {
        let arrived = loop {
            self.socket.readable().await?;
            match datagrams::try_recv(&self.socket, &mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                arrived => break arrived?,
            }
        };
        Ok(self.received(arrived))
    }

    /// Returns datagrams that have arrived already.
    ///
    /// # Errors
    ///
    /// Like [`recv`](Self::recv); [`WouldBlock`](io::ErrorKind::WouldBlock) if there are none.
    pub(crate) fn try_recv(&mut self) -> io::Result<Received<'_>> {
        let arrived = datagrams::try_recv(&self.socket, &mut self.buffer)?;
        Ok(self.received(arrived))
    }

    fn received(&mut self, arrived: Arrived) -> Received<'_> {
        let counted = arrived.dropped.unwrap_or(self.dropped);
        let dropped = counted.wrapping_sub(self.dropped);
        self.dropped = counted;
        Received { arrived, buffer: &self.buffer, dropped }
    }
}

impl<'a> Received<'a> {
    /// Iterates over the datagrams in the order of their arrival.
    pub(crate) fn datagrams(&self) -> impl Iterator<Item = &'a [u8]> {
        let Arrived { len, segment, .. } = self.arrived;
        // An empty datagram has no segment, and is one all the same.
        let empty = (len == 0).then_some(&self.buffer[..0]);
        empty.into_iter().chain(self.buffer[..len].chunks(segment.max(1)))
    }
}

/// The most that one call of the system returns: datagrams that arrived together, or one.
const BUFFER: usize = 0x1_0000;

#[cfg(test)]
pub(crate) mod tests;
