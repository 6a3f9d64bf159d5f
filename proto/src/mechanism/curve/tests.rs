//! Tests of both ends of the handshake, and of traffic after it.
//!
//! The bytes of commands were created with libsodium.

use bytes::BytesMut;

use super::super::super::command::Command;
use super::super::super::error_reason::ErrorReason;
use super::super::super::frame::Header;
use super::super::super::metadata::Metadata;
use super::super::super::socket_type::SocketType;
use super::super::{Credentials, MechanismError};
use super::client::INITIATE_COUNT;
use super::secret_box::SharedKey;
use super::session::Role;
use super::*;

#[test]
fn every_command_is_encoded_as_specified() {
    let (mut client, mut server) = ends();
    let hello = body(client.poll_command());
    assert_eq!(hello, bytes(HELLO_BYTES));
    server.handle_command(&hello).unwrap();
    let welcome = body(server.poll_command());
    assert_eq!(welcome, bytes(WELCOME_BYTES));
    client.handle_command(&welcome).unwrap();
    let initiate = body(client.poll_command());
    assert_eq!(initiate, bytes(INITIATE_BYTES));
    server.handle_command(&initiate).unwrap();

    let public_key = client_keys().public_key();
    assert_eq!(server.poll_credentials(), Some(Credentials::Curve { public_key }));
    assert_eq!(server.poll_credentials(), None);
    assert_eq!(server.poll_command(), None);
    server.handle_verdict(Ok(()));
    let ready = body(server.poll_command());
    assert_eq!(ready, bytes(READY_BYTES));
    client.handle_command(&ready).unwrap();

    assert_eq!(server.poll_metadata(), Some(Metadata::announcing(SocketType::Client)));
    assert_eq!(client.poll_metadata(), Some(Metadata::announcing(SocketType::Server)));
    let (mut client, mut server) = (client.take_session().unwrap(), server.take_session().unwrap());
    let mut message = BytesMut::new();
    client.sealer.put_message(&mut message, b"hello");
    assert_eq!(message[2..], bytes(MESSAGE_OF_CLIENT));
    assert_eq!(open(&mut server.opener, &message), Ok((false, b"hello".to_vec())));
    let mut command = BytesMut::new();
    server.sealer.put_command(&mut command, b"\x04PONG");
    assert_eq!(command[2..], bytes(COMMAND_OF_SERVER));
    assert_eq!(open(&mut client.opener, &command), Ok((true, b"\x04PONG".to_vec())));
}

#[test]
fn a_handshake_with_any_byte_changed_is_refused() {
    for (at, bit) in each_byte(HELLO_BYTES) {
        let (_, mut server) = ends();
        assert!(server.handle_command(&flipped(HELLO_BYTES, at, bit)).is_err(), "HELLO {at}");
    }
    for (at, bit) in each_byte(WELCOME_BYTES) {
        let (mut client, _) = ends();
        assert!(client.handle_command(&flipped(WELCOME_BYTES, at, bit)).is_err(), "WELCOME {at}");
    }
    let (mut client, mut server) = ends();
    client.handle_command(&bytes(WELCOME_BYTES)).unwrap();
    server.handle_command(&bytes(HELLO_BYTES)).unwrap();
    // A refused command does not change the state.
    for (at, bit) in each_byte(INITIATE_BYTES) {
        let initiate = flipped(INITIATE_BYTES, at, bit);
        assert!(server.handle_command(&initiate).is_err(), "INITIATE {at}");
    }
    for (at, bit) in each_byte(READY_BYTES) {
        assert!(client.handle_command(&flipped(READY_BYTES, at, bit)).is_err(), "READY {at}");
    }
    client.handle_command(&bytes(READY_BYTES)).unwrap();
    server.handle_command(&bytes(INITIATE_BYTES)).unwrap();
}

#[test]
fn a_truncated_or_extended_handshake_command_is_refused() {
    let (mut client, mut server) = ends();
    for hello in truncated_or_extended(HELLO_BYTES) {
        assert!(server.handle_command(&hello).is_err());
    }
    for welcome in truncated_or_extended(WELCOME_BYTES) {
        assert!(client.handle_command(&welcome).is_err());
    }
    client.handle_command(&bytes(WELCOME_BYTES)).unwrap();
    server.handle_command(&bytes(HELLO_BYTES)).unwrap();
    for initiate in truncated_or_extended(INITIATE_BYTES) {
        assert!(server.handle_command(&initiate).is_err());
    }
    for ready in truncated_or_extended(READY_BYTES) {
        assert!(client.handle_command(&ready).is_err());
    }
}

#[test]
fn a_command_out_of_order_is_unexpected() {
    let (mut client, mut server) = ends();
    let unexpected = |name: &str| Err(MechanismError::UnexpectedCommand { name: name.into() });
    assert_eq!(server.handle_command(&bytes(INITIATE_BYTES)), unexpected(INITIATE));
    assert_eq!(server.handle_command(b"\x05ERROR\x03400"), unexpected(ERROR));
    assert_eq!(client.handle_command(&bytes(READY_BYTES)), unexpected(READY));
    server.handle_command(&bytes(HELLO_BYTES)).unwrap();
    assert_eq!(server.handle_command(&bytes(HELLO_BYTES)), unexpected(HELLO));
    server.handle_command(&bytes(INITIATE_BYTES)).unwrap();
    assert_eq!(server.handle_command(&bytes(INITIATE_BYTES)), unexpected(INITIATE));
}

#[test]
fn an_error_is_a_refusal_with_its_reason() {
    let refused = Err(MechanismError::Refused { reason: ErrorReason::new(b"400") });
    let (mut client, _) = ends();
    assert_eq!(client.handle_command(b"\x05ERROR\x03400"), refused);
    client.handle_command(&bytes(WELCOME_BYTES)).unwrap();
    assert_eq!(client.handle_command(b"\x05ERROR\x03400"), refused);
}

#[test]
fn a_client_with_another_key_of_the_server_is_refused_at_its_hello() {
    let other = keys(0x66).public_key();
    let mut client =
        CurveClientHandshake::new(other, client_keys(), Some(Metadata::default()), &client_seed());
    let (_, mut server) = ends();
    let hello = body(client.poll_command());
    assert_eq!(server.handle_command(&hello), Err(MechanismError::Unopened { name: HELLO }));
}

#[test]
fn a_server_without_its_secret_key_is_refused_at_its_welcome() {
    let (mut client, _) = ends();
    let mut impostor =
        CurveServerHandshake::new([keys(0x66)].into(), Some(Metadata::default()), server_seed());
    // The impostor cannot decrypt a HELLO for the server, and answers a HELLO for itself.
    let impostors = keys(0x66).public_key();
    let mut misled = CurveClientHandshake::new(
        impostors,
        client_keys(),
        Some(Metadata::default()),
        &client_seed(),
    );
    impostor.handle_command(&body(misled.poll_command())).unwrap();
    let welcome = body(impostor.poll_command());
    let refused = Err(MechanismError::Unopened { name: WELCOME });
    assert_eq!(client.handle_command(&welcome), refused);
}

#[test]
fn a_hello_is_opened_with_the_key_pair_for_which_it_is_sealed() {
    let other_pairs = [keys(0x66), keys(0x67)];
    for (at, agreements) in [(0, 1), (1, 2), (2, 3)] {
        let mut keypairs = other_pairs.to_vec();
        keypairs.insert(at, server_keys());
        let metadata = Some(Metadata::announcing(SocketType::Server));
        let mut server = CurveServerHandshake::new(keypairs.into(), metadata, server_seed());
        assert_eq!(server.server_key(), None);
        secret_box::tests::AGREEMENTS.set(0);
        server.handle_command(&bytes(HELLO_BYTES)).unwrap();
        assert_eq!(secret_box::tests::AGREEMENTS.get(), agreements);
        assert_eq!(server.server_key(), Some(server_keys().public_key()));
        // The vouch is for the same key pair.
        server.handle_command(&bytes(INITIATE_BYTES)).unwrap();
        server.handle_verdict(Ok(()));
        assert_eq!(body(server.poll_command()), bytes(READY_BYTES));
    }
    let none = ServerKeypairs::from([]);
    for keypairs in [other_pairs.into(), none] {
        let mut server = CurveServerHandshake::new(keypairs, None, server_seed());
        let refused = Err(MechanismError::Unopened { name: HELLO });
        assert_eq!(server.handle_command(&bytes(HELLO_BYTES)), refused);
    }
}

#[test]
fn the_cookie_of_another_connection_is_refused() {
    let bytes_of_seed: [u8; Seed::LEN] = std::array::from_fn(|at| at as u8 ^ 0x3C);
    let metadata = Some(Metadata::default());
    let mut server =
        CurveServerHandshake::new([server_keys()].into(), metadata, Seed::new(&bytes_of_seed));
    server.handle_command(&bytes(HELLO_BYTES)).unwrap();
    let refused = Err(MechanismError::Unopened { name: INITIATE });
    assert_eq!(server.handle_command(&bytes(INITIATE_BYTES)), refused);
}

#[test]
fn both_halves_of_the_vouch_are_checked() {
    let short_term = *keys_of(client_seed().transient()).public_key().as_bytes();
    let long_term = *server_keys().public_key().as_bytes();
    let other = *keys(0x66).public_key().as_bytes();
    let outcome = |vouched: [[u8; 32]; 2]| {
        let (_, mut server) = ends();
        server.handle_command(&bytes(HELLO_BYTES)).unwrap();
        server.handle_command(&initiate_with(&vouched.concat(), INITIATE_COUNT))
    };
    assert_eq!(outcome([short_term, long_term]), Ok(()));
    assert_eq!(outcome([short_term, other]), Err(MechanismError::Vouch));
    assert_eq!(outcome([other, long_term]), Err(MechanismError::Vouch));
}

#[test]
fn an_initiate_with_a_stale_nonce_is_refused() {
    let short_term = *keys_of(client_seed().transient()).public_key().as_bytes();
    let vouched = [short_term, *server_keys().public_key().as_bytes()].concat();
    let (_, mut server) = ends();
    server.handle_command(&bytes(HELLO_BYTES)).unwrap();
    let stale = Err(MechanismError::StaleNonce { name: INITIATE });
    assert_eq!(server.handle_command(&initiate_with(&vouched, 1)), stale);
}

#[test]
fn a_message_that_is_replayed_reordered_or_reflected_is_refused() {
    let (mut client, mut server) = sessions();
    let [first, second, third] = [b"1", b"2", b"3"].map(|body| {
        let mut frame = BytesMut::new();
        client.sealer.put_message(&mut frame, body);
        frame
    });
    open(&mut server.opener, &first).unwrap();
    let stale = |nonce, last| Err(SealError::StaleNonce { nonce, last });
    assert_eq!(open(&mut server.opener, &first), stale(3, 3));
    // Gaps are allowed, and late messages are not.
    open(&mut server.opener, &third).unwrap();
    assert_eq!(open(&mut server.opener, &second), stale(4, 5));
    assert_eq!(open(&mut client.opener, &third), Err(SealError::Unopened));
}

#[test]
fn a_message_with_any_bit_flipped_is_refused() {
    let (mut client, mut server) = sessions();
    let mut message = BytesMut::new();
    client.sealer.put_message(&mut message, b"hello");
    for at in 2..message.len() {
        for bit in 0..8 {
            let mut flipped = message.clone();
            flipped[at] ^= 1 << bit;
            assert!(open(&mut server.opener, &flipped).is_err(), "byte {at}, bit {bit}");
        }
    }
    for end in 2..message.len() {
        assert!(open(&mut server.opener, &message[..end]).is_err(), "cut at {end}");
    }
    let longer = [&message[..], b"!"].concat();
    assert!(open(&mut server.opener, &longer).is_err());
    assert_eq!(open(&mut server.opener, &message), Ok((false, b"hello".to_vec())));
}

#[test]
fn each_shared_key_is_computed_once() {
    let agreements = || secret_box::tests::AGREEMENTS.replace(0);
    let (mut client, mut server) = ends();
    assert_eq!(agreements(), 1);
    for hello in truncated_or_extended(HELLO_BYTES) {
        server.handle_command(&hello).unwrap_err();
    }
    assert_eq!(agreements(), 0, "a HELLO of the wrong length costs no key agreement");
    server.handle_command(&bytes(HELLO_BYTES)).unwrap();
    assert_eq!(agreements(), 1);
    client.handle_command(&bytes(WELCOME_BYTES)).unwrap();
    assert_eq!(agreements(), 2);
    server.handle_command(&bytes(INITIATE_BYTES)).unwrap();
    assert_eq!(agreements(), 2);
    client.handle_command(&bytes(READY_BYTES)).unwrap();
    server.handle_verdict(Ok(()));
    assert_eq!(agreements(), 0);
}

#[test]
fn secrets_are_not_printed() {
    let (client, server) = ends();
    let (session, _) = sessions();
    let shown = format!("{client:?} {server:?} {session:?} {:?}", client_seed());
    // The decimal form of the secret keys, and of the first bytes of the seeds.
    for secret in ["192, 192", "80, 80", "1, 2, 3", "129, 130"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

/// Returns the sessions of the two ends of one connection, the client's first.
pub(crate) fn sessions() -> (Session, Session) {
    let shared = SharedKey::own(&[0x11; 32]);
    (Session::new(&shared, Role::Client, 2, 1), Session::new(&shared, Role::Server, 1, 2))
}

fn ends() -> (CurveClientHandshake, CurveServerHandshake) {
    let client = CurveClientHandshake::new(
        server_keys().public_key(),
        client_keys(),
        Some(Metadata::announcing(SocketType::Client)),
        &client_seed(),
    );
    let metadata = Some(Metadata::announcing(SocketType::Server));
    (client, CurveServerHandshake::new([server_keys()].into(), metadata, server_seed()))
}

/// Returns an INITIATE of the same client with the given content of the vouch.
fn initiate_with(vouched: &[u8], count: u64) -> Vec<u8> {
    let transient = keys_of(client_seed().transient());
    let server_transient = keys_of(server_seed().transient()).public_key();
    let vouch_nonce = *client_seed().nonces()[0];
    let vouch = SharedKey::agree(client_keys().secret_key(), &server_transient)
        .unwrap()
        .seal(&nonce(VOUCH_NONCE, &vouch_nonce), vouched);
    let text = [client_keys().public_key().as_bytes(), &vouch_nonce[..], &vouch].concat();
    let short_nonce = count.to_be_bytes();
    let sealed = SharedKey::agree(transient.secret_key(), &server_transient)
        .unwrap()
        .seal(&nonce(INITIATE_NONCE, &short_nonce), &text);
    // The name and the cookie are unchanged.
    [&bytes(INITIATE_BYTES)[..9 + 96], &short_nonce, &sealed].concat()
}

fn open(opener: &mut Opener, frame: &[u8]) -> Result<(bool, Vec<u8>), SealError> {
    let mut body = frame[2..].to_vec();
    let flags = opener.open(&mut body)?;
    Ok((flags.command, body.split_off(OVERHEAD)))
}

fn client_keys() -> CurveKeypair {
    keys(0xC0)
}

fn server_keys() -> CurveKeypair {
    keys(0x50)
}

fn keys(byte: u8) -> CurveKeypair {
    keys_of(&[byte; 32])
}

fn keys_of(secret: &[u8; 32]) -> CurveKeypair {
    CurveSecretKey::from_bytes(*secret).into()
}

fn client_seed() -> Seed {
    Seed::new(&std::array::from_fn(|at| at as u8))
}

fn server_seed() -> Seed {
    Seed::new(&std::array::from_fn(|at| 0x80 + at as u8))
}

/// Returns the frame without its header.
fn body(command: Option<Command>) -> Vec<u8> {
    let mut frame = BytesMut::new();
    command.unwrap().encode(&mut frame);
    let header = Header::decode(&frame).unwrap().unwrap();
    header.body(&frame).unwrap().to_vec()
}

/// Returns the index of every byte, with one of its bits.
fn each_byte(text: &str) -> impl Iterator<Item = (usize, usize)> {
    (0..text.len() / 2).map(|at| (at, at % 8))
}

fn flipped(text: &str, at: usize, bit: usize) -> Vec<u8> {
    let mut bytes = bytes(text);
    bytes[at] ^= 1 << bit;
    bytes
}

fn truncated_or_extended(text: &str) -> impl Iterator<Item = Vec<u8>> {
    let whole = bytes(text);
    let longer = [&whole[..], b"\0"].concat();
    (0..whole.len()).map(move |end| whole[..end].to_vec()).chain([longer])
}

/// Returns the bytes of a hexadecimal text.
pub(super) fn bytes(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks_exact(2);
    digits.map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

const HELLO_BYTES: &str = "\
    0548454c4c4f01000000000000000000000000000000000000000000000000000000000000000000000000000000\
    000000000000000000000000000000000000000000000000000000000000000000008f40c5adb68f25624ae5b214\
    ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f0000000000000001fdd0592f3b2fd23aa47c29f4a20ffc9d028c\
    a034d1e67a24471f4630f38e6bf4c55003d9d11480e362d475eec0c754be652c337ea4f05c941de93997c92a28a5\
    903268bd27a7f1d3e4dcc4e901b576f8\
";

const WELCOME_BYTES: &str = "\
    0757454c434f4d45d0d1d2d3d4d5d6d7d8d9dadbdcdddedfbfaed885e1c22bada34973ab67f7c8934685d8205135\
    d82f2bfee6b6881a9d1da6dcff342c8b046c54b381d165b638e453ab448242e6d0b4c1117eb45affee5278900d0f\
    c8d3b409db0b032952c13a0638b5ef4233d49c43503a428314fc6e6019557dfbbad7c2a9d987873baf721e0a274a\
    82bc185f1344736d2e2f4ff63f5a8e98ad631f844bbe6d7e6771b81b95c2\
";

const INITIATE_BYTES: &str = "\
    08494e495449415445c0c1c2c3c4c5c6c7c8c9cacbcccdcecf2edd09b0a0def68d25082574aef65cb11a2fa1791f\
    2fe393207aea29a50a727ce9e399714db2c916f95bf68f4c19911b4ce06d1a02e2c2bdd3aed1b88f8dfd1337a159\
    1f5139d09052f2ae80b7e83ebf0000000000000002de2905531c6cd5bd3392d56968bb02cd7842d70c4d16cbe436\
    7188926d6d760ada4b2d1dfb376d5e4f7ea3ab22b24150c4e0160cd4a2a2eeaad5c9e69951ff6b27bd81a910e5bf\
    978b5ab996a51862b817b6e80525731baa58a31c4fa8ac3b12e0a35a451760c32161331bcaf17b7f720bd20ed1e0\
    4889a997ab02be4c7889abb438de9ee81e51ccf72fa09617077321e3c4a4d1788aa37dfbaa7de049b445b4e42914\
    62263f\
";

const READY_BYTES: &str = "\
    05524541445900000000000000017ebddd73fe6be2280800b2acc20d7d85f0d1fb44999e8b303209cf49cf7b6f0d\
    42d765e135ff\
";

const MESSAGE_OF_CLIENT: &str = "\
    074d4553534147450000000000000003810d159eb927921c79b7c752ef1090810dd1cfdf4b96\
";

const COMMAND_OF_SERVER: &str = "\
    074d45535341474500000000000000021f0f7b4210fb920c6afde0ebed2445e0dc349bc58916\
";
