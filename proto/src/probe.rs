//! The probe: what a remote announces, without joining it as a socket.

use bytes::{Bytes, BytesMut};

use super::greeting::{Greeting, MechanismName};
use super::handshake::{Handshake, HandshakeError};
use super::mechanism::HandshakeMechanism;
use super::mechanism::curve::Seed;
use super::metadata::Metadata;

/// Reads what a remote announces, and never announces a socket itself: to the remote, the
/// connection is one whose handshake does not finish.
///
/// The probe sends the signature and the version, on which every remote continues with its own
/// mechanism (RFC 37, Version Negotiation). It then continues with the same mechanism, so that the
/// remote reports no mismatch, up to the point where a socket would announce itself:
///
/// | Mechanism of the remote | Progress |
/// |---|---|
/// | NULL | the metadata of the remote |
/// | PLAIN, with the client role of PLAIN | whether the remote accepts the name and the password |
/// | CURVE, with the client role of CURVE | whether the remote has the key of the server |
/// | another than that of the probe | the greeting |
///
/// Write the bytes that [`poll_output`](Self::poll_output) returns after [`new`](Self::new) and
/// after every [`handle_input`](Self::handle_input). A probe has no timeout of its own. A remote may
/// wait for the metadata of the other end before it sends its own, and then sends nothing after its
/// greeting.
///
/// # Examples
///
/// ```
/// use bytes::BytesMut;
/// use zmtp_proto::mechanism::HandshakeMechanism;
/// use zmtp_proto::mechanism::curve::Seed;
/// use zmtp_proto::metadata::Metadata;
/// use zmtp_proto::probe::{Probe, ProbeResult};
///
/// // Only CURVE uses the seed, which must be random.
/// let mut probe = Probe::new(HandshakeMechanism::Null, Seed::new(&[0x55; Seed::LEN]));
/// assert_eq!(probe.poll_output().unwrap(), b"\xFF\0\0\0\0\0\0\0\0\x7F\x03"[..]);
///
/// let mut input = BytesMut::from(&b"\xFF\0\0\0\0\0\0\0\0\x7F\x03\x01NULL"[..]);
/// input.resize(64, 0);
/// assert!(probe.handle_input(&mut input)?.is_none());
/// assert_eq!(probe.greeting().unwrap().mechanism.as_str(), "NULL");
/// assert_eq!(probe.poll_output().unwrap().len(), 53);
///
/// input.extend_from_slice(b"\x04\x19\x05READY\x0BSocket-Type\0\0\0\x03PUB");
/// let Some(ProbeResult::Announced(metadata)) = probe.handle_input(&mut input)? else { panic!() };
/// assert_eq!(metadata.value(Metadata::SOCKET_TYPE), Some(&b"PUB"[..]));
/// # Ok::<(), zmtp_proto::handshake::HandshakeError>(())
/// ```
#[derive(Debug)]
pub struct Probe {
    stage: Stage,
    greeting: Option<Greeting>,
}

/// The result of a [`Probe`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProbeResult {
    /// Under NULL, the remote announced its metadata: its socket type, identity and properties.
    Announced(Metadata),
    /// Under PLAIN, the remote accepts the name and the password. Under CURVE, it has proved that it
    /// has the key of the server; it has not received that of the client yet.
    Welcomed,
    /// The mechanism of the remote is not that of the probe, and requires credentials.
    GreetingOnly,
}

#[derive(Debug)]
enum Stage {
    /// Waiting for the greeting of the remote.
    Greeting {
        mechanism: HandshakeMechanism,
        seed: Seed,
        is_begun: bool,
    },
    /// Exchanging commands.
    Security {
        handshake: Box<Handshake>,
        is_continued: bool,
    },
    Ended,
}

impl Probe {
    /// Starts the probe of one connection. A remote whose mechanism is NULL is probed under any
    /// mechanism.
    pub fn new(mechanism: HandshakeMechanism, seed: Seed) -> Self {
        Self { stage: Stage::Greeting { mechanism, seed, is_begun: false }, greeting: None }
    }

    /// Consumes the bytes of the remote from `input`. Returns the result when nothing more can be
    /// learned without joining.
    ///
    /// # Errors
    ///
    /// The remote does not speak ZMTP 3, violates the protocol, or refuses the probe. The greeting
    /// may be [known](Self::greeting).
    pub fn handle_input(
        &mut self,
        input: &mut BytesMut,
    ) -> Result<Option<ProbeResult>, HandshakeError> {
        let progress = self.advance(input);
        if !matches!(progress, Ok(None)) {
            self.stage = Stage::Ended;
        }
        progress
    }

    /// Returns the greeting of the remote, when it is complete.
    pub const fn greeting(&self) -> Option<&Greeting> {
        self.greeting.as_ref()
    }

    /// Returns bytes to send.
    pub fn poll_output(&mut self) -> Option<Bytes> {
        match &mut self.stage {
            Stage::Greeting { is_begun: begun @ false, .. } => {
                *begun = true;
                // The rest names the mechanism, which is that of the remote.
                let greeting = Greeting::new(MechanismName::NULL, false).encode();
                Some(Bytes::copy_from_slice(&greeting[..BEGINNING_LEN]))
            }
            Stage::Security { handshake, is_continued: continued @ false } => {
                *continued = true;
                let output = handshake.poll_output()?;
                Some(output.slice(BEGINNING_LEN.min(output.len())..))
            }
            Stage::Security { handshake, .. } => handshake.poll_output(),
            Stage::Greeting { .. } | Stage::Ended => None,
        }
    }

    /// Returns whether the remote still has to prove that it has the key of the server. One with
    /// another key usually closes the connection instead.
    pub const fn awaits_proof_of_key(&self) -> bool {
        match &self.stage {
            Stage::Security { handshake, .. } => handshake.awaits_proof_of_key(),
            Stage::Greeting { .. } | Stage::Ended => false,
        }
    }

    fn advance(&mut self, input: &mut BytesMut) -> Result<Option<ProbeResult>, HandshakeError> {
        if let Stage::Greeting { mechanism, seed, .. } = &self.stage {
            let Some(greeting) = Greeting::decode(input)? else { return Ok(None) };
            self.greeting = Some(greeting);
            let mechanism = match greeting.mechanism {
                MechanismName::NULL => HandshakeMechanism::Null,
                name if name == MechanismName::of(mechanism) => mechanism.clone(),
                _ => return Ok(Some(ProbeResult::GreetingOnly)),
            };
            let handshake = Handshake::with_deferred_introduction(mechanism, false, seed.clone());
            self.stage = Stage::Security { handshake: Box::new(handshake), is_continued: false };
        }
        let Stage::Security { handshake, .. } = &mut self.stage else { return Ok(None) };
        // Never complete, because the introduction is deferred.
        handshake.handle_input(input)?;
        Ok(handshake.awaits_introduction().then(|| match handshake.requested() {
            Some(metadata) => ProbeResult::Announced(metadata.clone()),
            None => ProbeResult::Welcomed,
        }))
    }
}

/// The signature and the major version, which a remote of any version answers with its own.
const BEGINNING_LEN: usize = 11;

#[cfg(test)]
mod tests {
    use super::super::greeting::GreetingError;
    use super::super::handshake::HandshakeConfig;
    use super::super::mechanism::MechanismError;
    use super::super::mechanism::curve::{CurveKeypair, CurveSecretKey};
    use super::super::socket_type::SocketType;
    use super::*;

    #[test]
    fn the_probe_continues_with_the_mechanism_of_the_remote() {
        let mut probe = probe(HandshakeMechanism::Null);
        assert_eq!(output(&mut probe), b"\xFF\0\0\0\0\0\0\0\0\x7F\x03");
        let greeting = greeting(MechanismName::NULL);

        assert_eq!(probe.handle_input(&mut BytesMut::from(&greeting[..63])), Ok(None));
        assert_eq!(output(&mut probe), b"");
        assert_eq!(probe.greeting(), None);

        assert_eq!(probe.handle_input(&mut BytesMut::from(&greeting[..])), Ok(None));
        assert_eq!(output(&mut probe), greeting[11..]);
    }

    #[test]
    fn a_remote_with_null_is_probed_under_any_mechanism_and_receives_no_ready() {
        let mechanism = HandshakeMechanism::plain_client("alice", "swordfish").unwrap();
        let remote = socket(HandshakeMechanism::Null, SocketType::Pub);
        let (result, probe, sent) = run(probe(mechanism), remote);

        let expected = Metadata::announcing(SocketType::Pub);
        assert_eq!(result, Ok(Some(ProbeResult::Announced(expected))));
        assert_eq!(probe.greeting().unwrap().mechanism, MechanismName::NULL);
        assert_eq!(sent, greeting(MechanismName::NULL));
    }

    #[test]
    fn a_remote_with_another_mechanism_receives_only_the_version() {
        let remote = socket(
            HandshakeMechanism::CurveServer { keypairs: [keypair(1)].into() },
            SocketType::Pub,
        );
        let (result, probe, sent) = run(probe(HandshakeMechanism::Null), remote);

        assert_eq!(result, Ok(Some(ProbeResult::GreetingOnly)));
        assert_eq!(probe.greeting().unwrap().mechanism, MechanismName::CURVE);
        assert_eq!(sent.len(), BEGINNING_LEN);
    }

    #[test]
    fn a_server_of_curve_proves_its_key_and_does_not_learn_that_of_the_client() {
        let probe_with = |server: &CurveKeypair| {
            let (server_key, keypair) = (server.public_key(), keypair(2));
            probe(HandshakeMechanism::CurveClient { server_key, keypair })
        };
        let server = || {
            socket(
                HandshakeMechanism::CurveServer { keypairs: [keypair(1)].into() },
                SocketType::Rep,
            )
        };

        let (result, _, sent) = run(probe_with(&keypair(1)), server());
        assert_eq!(result, Ok(Some(ProbeResult::Welcomed)));
        // The greeting and a HELLO.
        assert_eq!(sent.len(), 64 + 2 + 200);

        let (result, probe, _) = run(probe_with(&keypair(3)), server());
        assert_eq!(result, Ok(None));
        assert!(probe.awaits_proof_of_key());
    }

    #[test]
    fn a_refusal_is_an_error_with_its_reason() {
        let mut probe = probe(HandshakeMechanism::Null);
        let greeting = greeting(MechanismName::NULL);
        let mut input = BytesMut::from(&[&greeting[..], b"\x04\x0A\x05ERROR\x03400"].concat()[..]);

        let refused = probe.handle_input(&mut input);
        assert!(matches!(
            refused,
            Err(HandshakeError::Mechanism(MechanismError::Refused { reason }))
                if reason.to_string() == "400"
        ));
        assert_eq!(probe.handle_input(&mut input), Ok(None));
    }

    #[test]
    fn another_protocol_is_an_error() {
        let mut probe = probe(HandshakeMechanism::Null);
        let result = probe.handle_input(&mut BytesMut::from("SSH-2.0-OpenSSH_9.2\r\n"));
        assert!(matches!(result, Err(HandshakeError::Greeting(GreetingError::Foreign { .. }))));
        assert_eq!(probe.greeting(), None);
    }

    /// Moves bytes until neither end sends any. Also returns what the probe has sent.
    fn run(
        mut probe: Probe,
        mut remote: Handshake,
    ) -> (Result<Option<ProbeResult>, HandshakeError>, Probe, Vec<u8>) {
        let (mut sent, mut to_probe, mut to_remote) = (vec![], BytesMut::new(), BytesMut::new());
        loop {
            let output = output(&mut probe);
            sent.extend_from_slice(&output);
            to_remote.extend_from_slice(&output);
            // A server with another key fails here.
            let _ = remote.handle_input(&mut to_remote);
            while let Some(output) = remote.poll_output() {
                to_probe.extend_from_slice(&output);
            }
            let result = probe.handle_input(&mut to_probe);
            if result != Ok(None) || output.is_empty() {
                return (result, probe, sent);
            }
        }
    }

    fn socket(mechanism: HandshakeMechanism, socket_type: SocketType) -> Handshake {
        let config = HandshakeConfig { socket_type, metadata: Metadata::default() };
        Handshake::new(&config, mechanism, false, Seed::new(&[0x66; Seed::LEN]))
    }

    fn probe(mechanism: HandshakeMechanism) -> Probe {
        Probe::new(mechanism, Seed::new(&[0x55; Seed::LEN]))
    }

    fn keypair(byte: u8) -> CurveKeypair {
        CurveSecretKey::from_bytes([byte; 32]).into()
    }

    fn greeting(mechanism: MechanismName) -> [u8; Greeting::LEN] {
        Greeting::new(mechanism, false).encode()
    }

    fn output(probe: &mut Probe) -> Vec<u8> {
        let mut output = vec![];
        while let Some(bytes) = probe.poll_output() {
            output.extend_from_slice(&bytes);
        }
        output
    }
}
