//! Complete handshakes of every mechanism, with verdicts of an authenticator.

use bytes::BufMut;

use super::super::mechanism::curve::{CurveKeypair, CurveSecretKey};
use super::*;

#[test]
fn the_mechanism_and_the_role_are_in_the_greeting() {
    for (mechanism, name, as_server) in [
        (HandshakeMechanism::Null, MechanismName::NULL, false),
        (plain_client(), MechanismName::PLAIN, false),
        (HandshakeMechanism::PlainServer, MechanismName::PLAIN, true),
        (curve_client(), MechanismName::CURVE, false),
        (curve_server(), MechanismName::CURVE, true),
    ] {
        let mut end = end(SocketType::Client, mechanism, false);
        let greeting = Greeting::decode(&output(&mut end)).unwrap().unwrap();
        assert_eq!((greeting.mechanism, greeting.as_server), (name, as_server));
    }
}

#[test]
fn roles_do_not_depend_on_the_socket_type() {
    for (one, other) in pairs() {
        for types in [SocketType::Client, SocketType::Server] {
            let other_type =
                if types == SocketType::Client { SocketType::Server } else { SocketType::Client };
            let (first, second) = shake_hands(
                end(types, one.clone(), true),
                end(other_type, other.clone(), true),
                |_| Ok(()),
            );
            assert_eq!(first.unwrap().socket_type, Some(other_type));
            assert_eq!(second.unwrap().socket_type, Some(types));
        }
    }
}

#[test]
fn a_permanent_refusal_is_sent_and_a_temporary_one_is_not() {
    for (one, other) in pairs() {
        for (status, sent) in [
            (StatusCode::Denied, Some(b"400")),
            (StatusCode::InternalError, Some(b"500")),
            (StatusCode::TemporaryError, None),
        ] {
            let (first, second) = shake_hands(
                end(SocketType::Client, one.clone(), false),
                end(SocketType::Server, other.clone(), true),
                |_| Err(status),
            );
            let rejected = HandshakeError::Mechanism(MechanismError::Rejected { status });
            assert_eq!(second.unwrap_err(), Some(rejected));
            let refused = sent.map(|reason| {
                let reason = ErrorReason::new(reason);
                HandshakeError::Mechanism(MechanismError::Refused { reason })
            });
            assert_eq!(first.unwrap_err(), refused);
        }
    }
}

#[test]
fn without_an_authenticator_plain_admits_no_remote() {
    let (first, second) = shake_hands(
        end(SocketType::Client, plain_client(), false),
        end(SocketType::Server, HandshakeMechanism::PlainServer, false),
        |_| unreachable!("this end has no authenticator"),
    );
    assert!(first.is_err());
    let status = StatusCode::Denied;
    let rejected = HandshakeError::Mechanism(MechanismError::Rejected { status });
    assert_eq!(second.unwrap_err(), Some(rejected));
}

#[test]
fn two_ends_in_the_same_role_fail_the_handshake() {
    for mechanism in [plain_client(), curve_client()] {
        let name = MechanismName::of(&mechanism);
        let (first, second) = shake_hands(
            end(SocketType::Client, mechanism.clone(), false),
            end(SocketType::Server, mechanism, false),
            |_| Ok(()),
        );
        for end in [first, second] {
            let both_clients = MechanismError::BothClients { mechanism: name };
            assert_eq!(end.unwrap_err(), Some(HandshakeError::Mechanism(both_clients)));
        }
    }
    for mechanism in [HandshakeMechanism::PlainServer, curve_server()] {
        let name = MechanismName::of(&mechanism);
        let (first, second) = shake_hands(
            end(SocketType::Client, mechanism.clone(), false),
            end(SocketType::Server, mechanism, false),
            |_| Ok(()),
        );
        for end in [first, second] {
            assert_eq!(end.unwrap_err(), Some(HandshakeError::BothServers { mechanism: name }));
        }
    }
}

#[test]
fn only_a_server_relies_on_the_announced_role() {
    for (mechanism, as_server) in [
        (HandshakeMechanism::Null, true),
        (plain_client(), false),
        (HandshakeMechanism::PlainServer, false),
    ] {
        let greeting = Greeting::new(MechanismName::of(&mechanism), as_server).encode();
        let mut end = end(SocketType::Client, mechanism, false);
        assert_eq!(end.handle_input(&mut greeting.as_slice().into()), Ok(None));
    }
}

#[test]
fn the_remote_proves_its_key_by_the_answer_to_the_hello() {
    let (mut client, mut server) = (
        end(SocketType::Client, curve_client(), false),
        end(SocketType::Server, curve_server(), false),
    );
    assert!(!client.awaits_proof_of_key());
    client.handle_input(&mut output(&mut server).as_slice().into()).unwrap();
    assert!(client.awaits_proof_of_key());
    server.handle_input(&mut output(&mut client).as_slice().into()).unwrap();
    assert!(!server.awaits_proof_of_key());
    client.handle_input(&mut output(&mut server).as_slice().into()).unwrap();
    assert!(!client.awaits_proof_of_key());
}

#[test]
fn no_input_is_consumed_while_a_verdict_is_awaited() {
    let mut server = end(SocketType::Server, HandshakeMechanism::Null, true);
    let mut client = end(SocketType::Client, HandshakeMechanism::Null, false);
    let mut input = BytesMut::from(&output(&mut client)[..]);
    assert_eq!(server.handle_input(&mut input), Ok(None));
    assert!(server.poll_credentials().is_some());
    input.put_slice(b"\x04\x1C\x05READY\x0BSocket-Type\0\0\0\x06CLIENT");
    let before = input.clone();
    assert_eq!(server.handle_input(&mut input), Ok(None));
    assert_eq!(input, before);
    assert_eq!(server.handle_verdict(Ok(())), Ok(None));
    assert!(server.handle_input(&mut input).unwrap().is_some());
    assert_eq!(server.handle_verdict(Ok(())), Ok(None));
}

#[test]
fn a_remote_without_credentials_may_send_one_kib() {
    for mechanism in [HandshakeMechanism::PlainServer, curve_server()] {
        let mut server = end(SocketType::Server, mechanism.clone(), true);
        let mut input =
            BytesMut::from(&Greeting::new(MechanismName::of(&mechanism), false).encode()[..]);
        input.put_slice(b"\x06\0\0\0\0\0\0\x04\x01");
        let refused = HandshakeError::CommandTooLarge { size: 0x401 };
        assert_eq!(server.handle_input(&mut input), Err(refused));
    }
}

#[test]
fn an_unencrypted_error_does_not_follow_an_encrypted_ready() {
    let (_, other) = pairs().pop().unwrap();
    let mut client = end(SocketType::Server, curve_client(), false);
    let mut server = end(SocketType::Server, other, false);
    let mut wires = [BytesMut::from(&output(&mut server)[..]), BytesMut::new()];
    let mut failed = None;
    while failed.is_none() {
        client.handle_input(&mut wires[0]).unwrap();
        wires[1].put_slice(&output(&mut client));
        failed = server.handle_input(&mut wires[1]).err();
        wires[0].put_slice(&output(&mut server));
    }
    assert!(matches!(failed, Some(HandshakeError::IncompatibleSocketType { .. })));
    assert!(!wires[0].windows(5).any(|bytes| bytes == b"ERROR"));
}

/// The result of one end: the negotiated properties, an error, or `Err(None)` if it did not end.
type Outcome = Result<Negotiated, Option<HandshakeError>>;

/// Runs two ends until neither has output. `judge` decides about credentials.
fn shake_hands(
    first: Handshake,
    second: Handshake,
    judge: impl Fn(&Credentials) -> Result<(), StatusCode>,
) -> (Outcome, Outcome) {
    let mut ends = [first, second];
    let mut inputs = [BytesMut::new(), BytesMut::new()];
    let mut outcomes = [Err(None), Err(None)];
    let mut silent = 0;
    while silent < 4 {
        for from in 0..2 {
            let bytes = output(&mut ends[from]);
            silent = if bytes.is_empty() { silent + 1 } else { 0 };
            inputs[1 - from].put_slice(&bytes);
            let end = &mut ends[from];
            let progress = match end.poll_credentials() {
                Some(credentials) => end.handle_verdict(judge(&credentials)),
                None => end.handle_input(&mut inputs[from]),
            };
            match progress {
                Ok(Some(negotiated)) => outcomes[from] = Ok(negotiated),
                Ok(None) => {}
                Err(error) => outcomes[from] = Err(Some(error)),
            }
        }
    }
    let [first, second] = outcomes;
    (first, second)
}

#[test]
fn a_deferred_introduction_follows_the_resource_of_the_remote() {
    for (one, other) in pairs() {
        for resource in [None, Some("orders/eu")] {
            let (mut client, mut server) =
                (requesting(one.clone(), resource), deferred(other.clone()));
            exchange(&mut client, &mut server);
            assert!(server.awaits_introduction());
            let requested =
                server.requested().and_then(|metadata| metadata.value(Metadata::RESOURCE));
            assert_eq!(requested, resource.map(str::as_bytes));

            let negotiated = server.introduce(&config(SocketType::Server)).unwrap().unwrap();
            assert_eq!(negotiated.socket_type, Some(SocketType::Client));
            let answer = output(&mut server);
            let progress = client.handle_input(&mut answer.as_slice().into());
            assert_eq!(progress.unwrap().unwrap().socket_type, Some(SocketType::Server));
            assert_eq!(
                server.take_session().is_some(),
                MechanismName::of(&one) == MechanismName::CURVE
            );
        }
    }
}

#[test]
fn an_incompatible_socket_type_fails_a_deferred_introduction() {
    for (one, other) in pairs() {
        let (mut client, mut server) = (requesting(one, None), deferred(other));
        exchange(&mut client, &mut server);
        let error = server.introduce(&config(SocketType::Dealer)).unwrap_err();
        let (local, remote) = (SocketType::Dealer, SocketType::Client);
        assert_eq!(error, HandshakeError::IncompatibleSocketType { local, remote });
    }
}

#[test]
fn a_refused_remote_receives_an_error_instead_of_the_introduction() {
    for (one, other) in pairs() {
        let (mut client, mut server) = (requesting(one, None), deferred(other));
        exchange(&mut client, &mut server);
        assert!(server.introduce(&config(SocketType::Server)).unwrap().is_some());
        server.refuse(ErrorReason::new(ErrorReason::OCCUPIED.as_bytes()));
        assert_refused(&mut client, &mut server);
    }
}

#[test]
fn a_client_defers_its_introduction_until_it_is_welcome() {
    for (one, other) in pairs().into_iter().skip(1) {
        let seed = Seed::new(&[0x55; Seed::LEN]);
        let mut client = Handshake::with_deferred_introduction(one, false, seed);
        let mut server = end(SocketType::Server, other, true);
        exchange(&mut server, &mut client);
        assert_eq!(client.requested(), None);
        assert_eq!(client.introduce(&config(SocketType::Client)), Ok(None));
        let (client, server) = shake_hands(client, server, |_| Ok(()));
        assert_eq!(client.unwrap().socket_type, Some(SocketType::Server));
        assert_eq!(server.unwrap().socket_type, Some(SocketType::Client));
    }
}

#[test]
fn a_client_refuses_a_server_before_its_introduction() {
    for (one, other) in pairs().into_iter().skip(1) {
        let seed = Seed::new(&[0x55; Seed::LEN]);
        let mut client = Handshake::with_deferred_introduction(one, false, seed);
        let mut server = end(SocketType::Server, other, true);
        exchange(&mut server, &mut client);
        assert_eq!(client.introduce(&config(SocketType::Client)), Ok(None));
        client.refuse(ErrorReason::new(ErrorReason::OCCUPIED.as_bytes()));
        assert_refused(&mut server, &mut client);
    }
}

/// Checks that the last output of one end is an ERROR alone, which ends the handshake of the other.
fn assert_refused(refused: &mut Handshake, refusing: &mut Handshake) {
    let sent = output(refusing);
    assert_eq!(sent, b"\x04\x0F\x05ERROR\x08occupied");
    let reason = ErrorReason::new(b"occupied");
    let error = HandshakeError::Mechanism(MechanismError::Refused { reason });
    assert_eq!(refused.handle_input(&mut sent.as_slice().into()), Err(error));
}

fn requesting(mechanism: HandshakeMechanism, resource: Option<&str>) -> Handshake {
    let config = config(SocketType::Client).requesting(resource);
    Handshake::new(&config, mechanism, false, Seed::new(&[0x55; Seed::LEN]))
}

fn deferred(mechanism: HandshakeMechanism) -> Handshake {
    assert!(mechanism.can_defer_introduction());
    Handshake::with_deferred_introduction(mechanism, true, Seed::new(&[0x55; Seed::LEN]))
}

fn config(socket_type: SocketType) -> HandshakeConfig {
    HandshakeConfig { socket_type, metadata: Metadata::default() }
}

/// Runs two ends until the second awaits the introduction. Every remote is admitted.
fn exchange(client: &mut Handshake, server: &mut Handshake) {
    let mut inputs = [BytesMut::new(), BytesMut::new()];
    while !server.awaits_introduction() {
        for (at, end) in [&mut *client, &mut *server].into_iter().enumerate() {
            if end.poll_credentials().is_some() {
                assert!(end.handle_verdict(Ok(())).unwrap().is_none());
            }
            assert!(end.handle_input(&mut inputs[at]).unwrap().is_none());
            inputs[1 - at].put_slice(&output(end));
        }
    }
}

fn end(
    socket_type: SocketType,
    mechanism: HandshakeMechanism,
    has_authenticator: bool,
) -> Handshake {
    let seed = Seed::new(&[0x55; Seed::LEN]);
    Handshake::new(&config(socket_type), mechanism, has_authenticator, seed)
}

/// Returns the compatible mechanisms of two ends. The second end admits the first.
fn pairs() -> Vec<(HandshakeMechanism, HandshakeMechanism)> {
    vec![
        (HandshakeMechanism::Null, HandshakeMechanism::Null),
        (plain_client(), HandshakeMechanism::PlainServer),
        (curve_client(), curve_server()),
    ]
}

fn plain_client() -> HandshakeMechanism {
    HandshakeMechanism::plain_client("admin", "secret").unwrap()
}

fn curve_client() -> HandshakeMechanism {
    HandshakeMechanism::CurveClient { server_key: keys(0x50).public_key(), keypair: keys(0xC0) }
}

fn curve_server() -> HandshakeMechanism {
    HandshakeMechanism::CurveServer { keypairs: [keys(0x50)].into() }
}

fn keys(byte: u8) -> CurveKeypair {
    CurveSecretKey::from_bytes([byte; 32]).into()
}

fn output(handshake: &mut Handshake) -> Vec<u8> {
    std::iter::from_fn(|| handshake.poll_output()).flatten().collect()
}
