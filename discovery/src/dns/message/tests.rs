use proptest::prelude::*;

use super::*;

const ID: u16 = 0x1234;

/// The question of the tests: `_a._tcp.b`, the SRV records of the class IN. The name is at the
/// offset 12, and `b` at 20.
const QUESTION: &[u8] = b"\x02_a\x04_tcp\x01b\0\0\x21\0\x01";

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// Returns a message with the flags, and with the number of answers and of authorities.
fn message(flags: u16, counts: [u8; 2], records: &[&[u8]]) -> Vec<u8> {
    let mut message = Vec::new();
    message.extend(ID.to_be_bytes());
    message.extend(flags.to_be_bytes());
    message.extend([0, 1, 0, counts[0], 0, counts[1], 0, 0]);
    message.extend(QUESTION);
    records.iter().for_each(|record| message.extend(*record));
    message
}

fn parsed(message: &[u8]) -> Result<Answer, AnswerError> {
    answer(message, ID, &name("_a._tcp.b"), RecordType::Srv)
}

fn service(priority: u16, port: u16, target: &str) -> Record {
    Record::Service { priority, port, target: name(target) }
}

#[test]
fn a_query_has_one_question_and_the_size_of_datagrams() {
    let expected = [
        b"\x12\x34\x01\0\0\x01\0\0\0\0\0\x01".as_slice(),
        QUESTION,
        b"\0\0\x29\x04\xD0\0\0\0\0\0\0",
    ];
    assert_eq!(query(ID, &name("_A._tcp.b."), RecordType::Srv), expected.concat());
}

#[test]
fn records_are_read_with_the_shortest_ttl_and_compressed_names() {
    let message = message(
        0x8180,
        [2, 0],
        &[
            b"\xC0\x0C\0\x21\0\x01\0\0\0\x05\0\x0A\0\x01\0\x02\x15\xB3\x01x\xC0\x14",
            b"\xC0\x0C\0\x21\0\x01\0\0\0\x03\0\x0B\0\x02\0\0\x15\xB4\x01y\x01B\0",
        ],
    );
    let records = vec![service(1, 5555, "x.b"), service(2, 5556, "y.b")];
    assert_eq!(parsed(&message), Ok(Answer::Records { records, ttl: 3 }));
}

#[test]
fn aliases_are_followed() {
    let message = message(
        0x8180,
        [2, 0],
        &[
            b"\xC0\x0C\0\x05\0\x01\0\0\0\x02\0\x04\x01z\xC0\x14",
            b"\x01Z\xC0\x14\0\x21\0\x01\0\0\0\x09\0\x0A\0\0\0\0\x15\xB3\x01x\xC0\x14",
        ],
    );
    let records = vec![service(0, 5555, "x.b")];
    assert_eq!(parsed(&message), Ok(Answer::Records { records, ttl: 2 }));
}

#[test]
fn aliases_of_each_other_are_refused() {
    let message = message(
        0x8180,
        [2, 0],
        &[
            b"\xC0\x0C\0\x05\0\x01\0\0\0\x02\0\x04\x01z\xC0\x14",
            b"\x01z\xC0\x14\0\x05\0\x01\0\0\0\x02\0\x02\xC0\x0C",
        ],
    );
    assert_eq!(parsed(&message), Err(AnswerError::Malformed));
}

#[test]
fn a_negative_answer_has_the_ttl_of_the_zone() {
    // The primary server and the mailbox are `b`, and the minimum is 7 s.
    let soa = b"\xC0\x14\0\x06\0\x01\0\0\0\x09\0\x18\xC0\x14\xC0\x14\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x07";
    for code in [0, 3] {
        let with_zone = message(0x8180 | code, [0, 1], &[soa]);
        assert_eq!(parsed(&with_zone), Ok(Answer::Negative { ttl: 7 }));
        assert_eq!(parsed(&message(0x8180 | code, [0, 0], &[])), Ok(Answer::Negative { ttl: 0 }));
    }
}

#[test]
fn a_referral_and_an_error_are_no_negative_answers() {
    let referral = message(0x8180, [0, 1], &[b"\xC0\x14\0\x02\0\x01\0\0\0\x09\0\x02\xC0\x14"]);
    assert_eq!(parsed(&referral), Err(AnswerError::Referral));
    let failure = message(0x8182, [0, 0], &[]);
    assert_eq!(parsed(&failure), Err(AnswerError::Refused { code: 2 }));
}

#[test]
fn other_messages_are_not_the_answer() {
    let valid = message(0x8180, [0, 0], &[]);
    let mut other_id = valid.clone();
    other_id[1] ^= 1;
    assert_eq!(parsed(&other_id), Err(AnswerError::Unrelated));
    assert_eq!(parsed(&message(0x0100, [0, 0], &[])), Err(AnswerError::Unrelated));
    let other_name = answer(&valid, ID, &name("_a._tcp.c"), RecordType::Srv);
    assert_eq!(other_name, Err(AnswerError::Unrelated));
    let other_type = answer(&valid, ID, &name("_a._tcp.b"), RecordType::A);
    assert_eq!(other_type, Err(AnswerError::Unrelated));
    assert_eq!(parsed(&message(0x8380, [9, 9], &[])), Ok(Answer::Truncated));
}

#[test]
fn pointers_lead_only_to_earlier_names() {
    // To itself, forward, and beyond the end.
    for pointer in [b"\xC0\x1B", b"\xC0\x20", b"\xFF\xFF"] {
        assert_eq!(parsed(&message(0x8180, [1, 0], &[pointer])), Err(AnswerError::Malformed));
    }
}

#[test]
fn names_have_limits() {
    let longest = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".");
    assert_eq!(name(&longest).to_string(), longest);
    assert_eq!(Name::parse(&format!("{longest}d")), None);
    assert_eq!(Name::parse(&"a".repeat(64)), None);
    assert_eq!(Name::parse("a..b"), None);
    assert!(name(".").is_root());
}

proptest! {
    #[test]
    fn no_message_panics(bytes: Vec<u8>, record_type in 0..3_usize) {
        let types = [RecordType::A, RecordType::Aaaa, RecordType::Srv];
        let mut message = message(0x8180, [3, 3], &[]);
        message.extend(&bytes);
        let _ = answer(&message, ID, &name("_a._tcp.b"), types[record_type]);
        let _ = answer(&bytes, ID, &name("_a._tcp.b"), types[record_type]);
    }

    #[test]
    fn no_damaged_answer_panics(at in 0..90_usize, byte: u8, len in 0..100_usize) {
        let mut damaged = message(
            0x8180,
            [2, 1],
            &[
                b"\xC0\x0C\0\x05\0\x01\0\0\0\x02\0\x04\x01z\xC0\x14",
                b"\x01Z\xC0\x14\0\x21\0\x01\0\0\0\x09\0\x0A\0\0\0\0\x15\xB3\x01x\xC0\x14",
                b"\xC0\x14\0\x06\0\x01\0\0\0\x09\0\x18\xC0\x14\xC0\x14\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x07",
            ],
        );
        if let Some(damage) = damaged.get_mut(at) {
            *damage = byte;
        }
        damaged.truncate(len);
        let _ = parsed(&damaged);
    }
}
