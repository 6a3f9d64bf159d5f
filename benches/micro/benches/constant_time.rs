//! Measures whether the time of CURVE's cryptography depends on secrets, as dudect does (Reparaz,
//! Balasch, Verbauwhede: "Dude, is my code constant time?", 2016).
//!
//! Each operation runs with inputs of two classes in random order: one fixed secret, and random
//! ones. Welch's t-test compares the times of the classes, with and without the longest times,
//! which interruptions cause. A |t| above the limit shows that the times differ. A smaller one does
//! not prove that they are equal. The last operation leaks on purpose, and must be detected.

#![expect(clippy::print_stdout, reason = "the results are printed")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;
use std::{array, env};

use bytes::BytesMut;
use zmtp_proto::command::Command;
use zmtp_proto::frame::Header;
use zmtp_proto::mechanism::curve::{CurveKeypair, CurveSecretKey, Seed, Session};
use zmtp_proto::mechanism::{HandshakeMechanism, SecurityHandshake};
use zmtp_proto::metadata::Metadata;

fn main() -> ExitCode {
    // Without the argument of `cargo bench`, the operations only run.
    let is_test = !env::args().any(|argument| argument == "--bench");
    let scale = if is_test { 100 } else { 1 };
    println!("{:<42}{:>8}{:>9}", "secret", "samples", "max |t|");
    let mut greatest = 0.0_f64;
    for (size, texts) in [(64, 200_000), (4_096, 20_000)] {
        greatest = greatest.max(compare_texts(size, texts / scale));
        greatest = greatest.max(compare_keys(size, 10_000 / scale, Direction::Seal));
        greatest = greatest.max(compare_keys(size, 10_000 / scale, Direction::Open));
    }
    greatest = greatest.max(compare_tags(200_000 / scale));
    greatest = greatest.max(compare_public_halves(20_000 / scale));
    greatest = greatest.max(compare_agreements(20_000 / scale));
    let control = compare_leaking(20_000 / scale);
    if is_test {
        return ExitCode::SUCCESS;
    }
    if control < LIMIT {
        println!("The control was not detected. Repeat the run on an idle machine.");
        return ExitCode::FAILURE;
    }
    if greatest < LIMIT { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The class of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Fixed,
    Random,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Seal,
    Open,
}

fn compare_texts(size: usize, samples: usize) -> f64 {
    let (mut session, _) = sessions(&[0x55; 32]);
    let mut frame = BytesMut::with_capacity(2 * size + 100);
    compare(
        &format!("text of {size} bytes, sealed"),
        samples,
        |class| secret_bytes(class, size),
        |text| {
            frame.clear();
            session.sealer.put_message(&mut frame, text);
            black_box(&frame);
        },
    )
}

fn compare_keys(size: usize, samples: usize, direction: Direction) -> f64 {
    let text = vec![0x5A; size];
    let mut frame = BytesMut::with_capacity(2 * size + 100);
    let input = |class| {
        let (mut from, to) = sessions(&secret(class));
        let mut frame = BytesMut::new();
        from.sealer.put_message(&mut frame, &text);
        let header = Header::decode(&frame).expect(FRAME).expect(FRAME);
        let command = header.body(&frame).expect(FRAME).to_vec();
        (from, to, command)
    };
    match direction {
        Direction::Seal => {
            let name = format!("key of a session, {size} bytes sealed");
            compare(&name, samples, input, |(from, _, _)| {
                frame.clear();
                from.sealer.put_message(&mut frame, &text);
                black_box(&frame);
            })
        }
        Direction::Open => {
            let name = format!("key of a session, {size} bytes opened");
            compare(&name, samples, input, |(_, to, command)| {
                black_box(to.opener.open(command)).expect("the remote has sealed the message");
            })
        }
    }
}

/// Compares forged tags that differ from the right one in the first byte with others.
fn compare_tags(samples: usize) -> f64 {
    let (mut from, mut to) = sessions(&[0x55; 32]);
    let mut frame = BytesMut::new();
    from.sealer.put_message(&mut frame, &[0x5A; 64]);
    let header = Header::decode(&frame).expect(FRAME).expect(FRAME);
    let command = header.body(&frame).expect(FRAME).to_vec();
    let input = |class| {
        let mut forged = command.clone();
        let at = if class == Class::Fixed { 0 } else { fastrand::usize(1..16) };
        forged[16 + at] ^= 0x01;
        forged
    };
    compare("right tag, next to a forged one", samples, input, |forged| {
        black_box(to.opener.open(forged)).expect_err("the tag is forged");
    })
}

fn compare_public_halves(samples: usize) -> f64 {
    let input = |class| CurveSecretKey::from_bytes(secret(class));
    compare("secret key, public half", samples, input, |key| {
        black_box(key.public_key());
    })
}

/// Compares secret keys of servers. The HELLO is for another server, so that each ends with an
/// error.
fn compare_agreements(samples: usize) -> f64 {
    let other = CurveKeypair::from(CurveSecretKey::from_bytes([0x66; 32])).public_key();
    let client = HandshakeMechanism::curve_client(other);
    let hello = body(handshake(client, &[0x33; 32]).poll_command());
    let input = |class| {
        let keypair = CurveKeypair::from(CurveSecretKey::from_bytes(secret(class)));
        handshake(HandshakeMechanism::CurveServer { keypairs: [keypair].into() }, &[0x55; 32])
    };
    compare("secret key, agreement", samples, input, |server| {
        black_box(server.handle_command(&hello)).expect_err("the HELLO is for another server");
    })
}

/// Compares bytes in the way that must not be used for secrets.
fn compare_leaking(samples: usize) -> f64 {
    let right = [0x00; 1_024];
    let input = |class| {
        let mut bytes = right;
        bytes[if class == Class::Fixed { 0 } else { fastrand::usize(1..1_024) }] = 0x01;
        bytes
    };
    compare("control: bytes that are compared in turn", samples, input, |bytes| {
        black_box(bytes.iter().zip(&right).all(|(byte, right)| black_box(byte) == right));
    })
}

/// Times an operation, and prints and returns the greatest |t|.
fn compare<I>(
    secret: &str,
    samples: usize,
    mut input: impl FnMut(Class) -> I,
    mut operation: impl FnMut(&mut I),
) -> f64 {
    // All inputs exist before the first operation, so that both classes find the same caches.
    let mut inputs: Vec<_> = (0..samples)
        .map(|_| if fastrand::bool() { Class::Fixed } else { Class::Random })
        .map(|class| (class, input(class)))
        .collect();
    let mut times: Vec<_> = inputs
        .iter_mut()
        .map(|(class, input)| {
            let start = Instant::now();
            operation(input);
            (*class, start.elapsed().as_nanos() as f64)
        })
        .collect();
    // The first operations find cold caches and predictors.
    times.drain(..samples / 10);
    let mut sorted: Vec<_> = times.iter().map(|(_, time)| *time).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let of_all = CUTS.iter().map(|cut| {
        let longest = sorted[((sorted.len() - 1) as f64 * cut) as usize];
        welch(times.iter().filter(|(_, time)| *time <= longest))
    });
    let t = of_all.fold(0.0, f64::max);
    println!("{secret:<42}{samples:>8}{t:>9.2}");
    t
}

/// Returns |t| of Welch's test.
fn welch<'a>(times: impl Iterator<Item = &'a (Class, f64)>) -> f64 {
    let mut of_classes: [Vec<f64>; 2] = array::from_fn(|_| Vec::new());
    for (class, time) in times {
        of_classes[usize::from(*class == Class::Random)].push(*time);
    }
    let [fixed, random] = of_classes.map(|times| {
        let len = times.len().max(2) as f64;
        let mean = times.iter().sum::<f64>() / len;
        let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (len - 1.0);
        (mean, variance / len)
    });
    ((fixed.0 - random.0) / (fixed.1 + random.1).sqrt().max(f64::MIN_POSITIVE)).abs()
}

fn secret(class: Class) -> [u8; 32] {
    match class {
        Class::Fixed => [0x11; 32],
        Class::Random => array::from_fn(|_| fastrand::u8(..)),
    }
}

fn secret_bytes(class: Class, len: usize) -> Vec<u8> {
    match class {
        Class::Fixed => vec![0x00; len],
        Class::Random => (0..len).map(|_| fastrand::u8(..)).collect(),
    }
}

/// Returns the sessions of both ends after a handshake. Their key follows from the client's
/// short-term key.
fn sessions(short_term: &[u8; 32]) -> (Session, Session) {
    let keypair = CurveKeypair::from(CurveSecretKey::from_bytes([0x50; 32]));
    let server_key = keypair.public_key();
    let of_client = CurveKeypair::from(CurveSecretKey::from_bytes([0xC0; 32]));
    let mut client =
        handshake(HandshakeMechanism::CurveClient { server_key, keypair: of_client }, short_term);
    let mut server =
        handshake(HandshakeMechanism::CurveServer { keypairs: [keypair].into() }, &[0x55; 32]);
    let done = "both ends are valid";
    server.handle_command(&body(client.poll_command())).expect(done);
    client.handle_command(&body(server.poll_command())).expect(done);
    server.handle_command(&body(client.poll_command())).expect(done);
    server.poll_credentials().expect(done);
    server.handle_verdict(Ok(())).expect(done);
    client.handle_command(&body(server.poll_command())).expect(done);
    (client.take_session().expect(done), server.take_session().expect(done))
}

fn handshake(mechanism: HandshakeMechanism, short_term: &[u8; 32]) -> SecurityHandshake {
    let mut seed = [0x77; Seed::LEN];
    seed[..32].copy_from_slice(short_term);
    SecurityHandshake::new(mechanism, Some(Metadata::default()), Seed::new(&seed))
}

/// Returns the frame of a command without its header.
fn body(command: Option<Command>) -> Vec<u8> {
    let mut frame = BytesMut::new();
    command.expect("a command is due").encode(&mut frame);
    let header = Header::decode(&frame).expect(FRAME).expect(FRAME);
    header.body(&frame).expect(FRAME).to_vec()
}

const FRAME: &str = "the frame is whole";

/// The shares of times that are compared.
const CUTS: [f64; 6] = [1.0, 0.99, 0.95, 0.9, 0.75, 0.5];

/// |t| from which dudect considers a difference certain enough to investigate.
const LIMIT: f64 = 5.0;
