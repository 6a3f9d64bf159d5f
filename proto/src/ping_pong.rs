//! The commands PING and PONG (RFC 37, Connection Heartbeating).

use std::time::Duration;

use bytes::{BufMut, BytesMut};

/// A PING, which requests a sign of life and announces when the next one is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ping {
    /// The time-to-live in tenths of a second; zero means none.
    ttl: u16,
    context: Context,
}

impl Ping {
    /// The longest time-to-live that [`new`](Self::new) sends.
    ///
    /// The wire format allows 6553.5 s. libzmq up to 4.3.5 stores milliseconds in 16 bits and
    /// misreads a longer time-to-live as a very short one (libzmq#4226).
    pub const TTL_MAX: Duration = Duration::from_millis(65_500);

    /// Creates a PING. The time-to-live is rounded up to tenths of a second, so that a short one
    /// does not become zero, and is limited to [`TTL_MAX`](Self::TTL_MAX).
    pub fn new(ttl: Option<Duration>, context: Context) -> Self {
        let deciseconds =
            ttl.unwrap_or(Duration::ZERO).min(Self::TTL_MAX).as_nanos().div_ceil(100_000_000);
        Self {
            ttl: u16::try_from(deciseconds).expect("TTL_MAX is 655 tenths of a second"),
            context,
        }
    }

    /// Decodes the data of a PING command, or returns `None` if it is too short for a time-to-live.
    pub fn decode(data: &[u8]) -> Option<Self> {
        let (&ttl, context) = data.split_first_chunk()?;
        Some(Self { ttl: u16::from_be_bytes(ttl), context: Context::new(context) })
    }

    /// Appends the data of a PING command.
    ///
    /// The time-to-live always has two bytes, even if it is zero: libzmq misreads the context of a
    /// shorter PING.
    pub fn encode(&self, dst: &mut BytesMut) {
        dst.put_u16(self.ttl);
        dst.put_slice(self.context.as_bytes());
    }

    /// Returns the duration of silence after which the remote requests this end to close the
    /// connection, if any.
    pub fn ttl(&self) -> Option<Duration> {
        (self.ttl != 0).then(|| Duration::from_millis(u64::from(self.ttl) * 100))
    }

    /// Returns the reply, which SHALL echo the context.
    pub fn pong(&self) -> Pong {
        Pong { context: self.context }
    }

    /// Returns the number of bytes that [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        TTL_LEN + self.context.as_bytes().len()
    }
}

/// A PONG, which answers a [`Ping`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pong {
    /// The context of the PING.
    pub context: Context,
}

impl Pong {
    /// Decodes the data of a PONG command.
    pub fn decode(data: &[u8]) -> Self {
        Self { context: Context::new(data) }
    }

    /// Appends the data of a PONG command.
    pub fn encode(&self, dst: &mut BytesMut) {
        dst.put_slice(self.context.as_bytes());
    }

    /// Returns the number of bytes that [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        self.context.as_bytes().len()
    }
}

/// Up to 16 bytes that a PONG echoes. They are stored inline, so that a heartbeat does not
/// allocate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Context {
    /// `len <= LEN_MAX`
    len: usize,
    /// Zero from `len` on, so that equal contexts have equal arrays.
    bytes: [u8; Self::LEN_MAX],
}

impl Context {
    /// RFC 37, Connection Heartbeating: "ping-context = 0*16BYTE".
    pub const LEN_MAX: usize = 0x10;

    /// Creates a context from at most the first 16 bytes.
    ///
    /// A longer context violates the grammar, but is truncated, as in libzmq, instead of ending a
    /// healthy connection: any traffic is a sign of life. The PONG therefore never exceeds the
    /// limit of RFC 37.
    pub fn new(context: &[u8]) -> Self {
        let mut bytes = [0x00; Self::LEN_MAX];
        let len = context.len().min(Self::LEN_MAX);
        for (byte, &given) in bytes.iter_mut().zip(context) {
            *byte = given;
        }
        Self { len, bytes }
    }

    /// Returns the bytes in use.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// RFC 37, Connection Heartbeating: "ping-ttl = 2OCTET".
const TTL_LEN: usize = 2;

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_ping_without_a_time_to_live_still_has_its_two_bytes() {
        let ping = Ping::new(None, Context::default());

        assert_eq!(encoded(&ping), [0x00, 0x00].as_slice());
        assert_eq!(ping.ttl(), None);
    }

    #[test]
    fn a_time_to_live_is_sent_in_tenths_of_a_second() {
        let ping = Ping::new(Some(Duration::from_secs(30)), Context::new(b"ctx"));

        assert_eq!(encoded(&ping), b"\x01\x2Cctx".as_slice());
        assert_eq!(ping.ttl(), Some(Duration::from_secs(30)));
    }

    #[test]
    fn a_short_time_to_live_does_not_become_zero() {
        let ping = Ping::new(Some(Duration::from_nanos(1)), Context::default());
        assert_eq!(ping.ttl(), Some(Duration::from_millis(100)));

        let ping = Ping::new(Some(Duration::from_millis(101)), Context::default());
        assert_eq!(ping.ttl(), Some(Duration::from_millis(200)));
    }

    #[test]
    fn a_time_to_live_that_libzmq_would_misread_is_not_sent() {
        for ttl in [Ping::TTL_MAX, Ping::TTL_MAX + Duration::from_nanos(1), Duration::MAX] {
            let ping = Ping::new(Some(ttl), Context::default());
            assert_eq!(encoded(&ping), [0x02, 0x8F].as_slice());
        }
    }

    #[test]
    fn any_time_to_live_is_accepted() {
        let ping = Ping::decode(&[0xFF, 0xFF]).unwrap();

        assert_eq!(ping.ttl(), Some(Duration::from_millis(6_553_500)));
    }

    #[test]
    fn a_ping_shorter_than_its_time_to_live_is_refused() {
        assert_eq!(Ping::decode(&[]), None);
        assert_eq!(Ping::decode(&[0x00]), None);
    }

    #[test]
    fn a_context_of_more_than_16_bytes_is_truncated_in_the_pong() {
        let ping = Ping::decode(b"\0\x000123456789ABCDEFG").unwrap();

        assert_eq!(ping.pong().context.as_bytes(), b"0123456789ABCDEF");
    }

    proptest! {
        #[test]
        fn decoding_reverses_encoding(
            ttl in any::<[u8; 2]>(),
            context in prop::collection::vec(any::<u8>(), 0..=16),
        ) {
            let data = [&ttl, context.as_slice()].concat();
            let ping = Ping::decode(&data).unwrap();
            let pong = ping.pong();
            let mut echo = BytesMut::new();
            pong.encode(&mut echo);

            prop_assert_eq!(encoded(&ping), &data);
            prop_assert_eq!(ping.encoded_len(), data.len());
            prop_assert_eq!(&echo, &context);
            prop_assert_eq!(pong.encoded_len(), context.len());
            prop_assert_eq!(Pong::decode(&echo), pong);
        }

        #[test]
        fn a_time_to_live_is_never_shortened_below_the_maximum(millis in 0..=65_500_u64) {
            let asked = Duration::from_millis(millis);
            let sent = Ping::new(Some(asked), Context::default()).ttl().unwrap_or_default();

            prop_assert!(sent >= asked);
            prop_assert!(sent - asked < Duration::from_millis(100));
        }
    }

    fn encoded(ping: &Ping) -> BytesMut {
        let mut dst = BytesMut::new();
        ping.encode(&mut dst);
        dst
    }
}
