//! Published test vectors of the primitives and of boxes.

use super::authenticator::authenticate_with_both;
use super::key_stream::KeyStream;
use super::secret_box::SharedKey;
use super::tests::bytes;
use super::{CurvePublicKey, CurveSecretKey};

#[test]
fn x25519_agrees_with_the_vectors_of_wycheproof() {
    for [number, public, secret, shared] in vectors(include_str!("x25519.txt")) {
        let public: [u8; 32] = bytes(public).try_into().unwrap();
        let secret = CurveSecretKey::from_bytes(bytes(secret).try_into().unwrap());
        let agreed = secret.agree(&CurvePublicKey::from_bytes(public));
        let shared = bytes(shared);
        // The vectors accept both decisions about such public keys.
        let is_refused = shared == [0x00; 32] || public[31] & 0x80 != 0x00;
        let expected = (!is_refused).then_some(&shared[..]);
        assert_eq!(agreed.as_ref().map(|key| &key.as_bytes()[..]), expected, "vector {number}");
    }
}

#[test]
fn poly1305_agrees_with_the_edge_cases_of_wycheproof() {
    for [number, key, message, tag] in vectors(include_str!("poly1305.txt")) {
        let key = bytes(key).try_into().unwrap();
        let tag: [u8; 16] = bytes(tag).try_into().unwrap();
        let computed = authenticate_with_both(&key, &bytes(message));
        assert_eq!(computed, [tag; 2], "vector {number}");
    }
}

#[test]
fn the_key_stream_agrees_with_the_vector_of_estream() {
    // Set 1, vector 0, for Salsa20 with 256-bit keys.
    let mut key = [0x00; 32];
    key[0] = 0x80;
    let mut stream = [0x00; 64];
    KeyStream::new(&key, &[0x00; 8]).apply(0, &mut stream);
    assert_eq!(stream[..], bytes(ESTREAM));
}

#[test]
fn a_box_agrees_with_the_vector_of_nacl_and_libsodium() {
    let secret = CurveSecretKey::from_bytes(bytes(ALICE_SECRET).try_into().unwrap());
    let public = CurvePublicKey::from_bytes(bytes(BOB_PUBLIC).try_into().unwrap());
    let agreed = SharedKey::agree(&secret, &public).unwrap();
    let own = SharedKey::own(&bytes(SHARED_KEY).try_into().unwrap());
    let nonce = bytes(NONCE).try_into().unwrap();
    for key in [agreed, own] {
        assert_eq!(key.seal(&nonce, &bytes(TEXT)), bytes(BOX));
        assert_eq!(*key.open(&nonce, &bytes(BOX)).unwrap(), bytes(TEXT));
    }
}

/// Returns the fields of each line.
fn vectors(file: &str) -> impl Iterator<Item = [&str; 4]> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| {
        let fields: Vec<_> = line.split(' ').collect();
        fields.try_into().expect("a line has four fields")
    })
}

const ESTREAM: &str = "\
    e3be8fdd8beca2e3ea8ef9475b29a6e7003951e1097a5c38d23b7a5fad9f6844\
    b22c97559e2723c7cbbd3fe4fc8d9a0744652a83e72a9c461876af4d7ef1a117\
";

// NaCl, tests/box.c and tests/secretbox.c; libsodium, test/default/box.c and secretbox.c.
const ALICE_SECRET: &str = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
const BOB_PUBLIC: &str = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
const SHARED_KEY: &str = "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389";
const NONCE: &str = "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37";
const TEXT: &str = "\
    be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c\
    61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f\
    21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705\
";
const BOX: &str = "\
    f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1\
    186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab9321645\
    48e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b\
    1f654cb45a74e355a5\
";
