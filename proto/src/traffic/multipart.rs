//! Decoding of messages of any number of parts (RFC 37, Framing).

use super::parts::{ArrivedParts, PartRule};
use super::{TrafficDecoder, TrafficError};

/// The limits of a message of any number of parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct PartLimits {
    parts: usize,
    /// The limit of the sum of all parts.
    bytes: u64,
}

impl PartLimits {
    pub(super) const fn of(decoder: &TrafficDecoder) -> Self {
        Self { parts: decoder.max_message_parts, bytes: decoder.max_message_size }
    }
}

impl PartRule for PartLimits {
    fn limit(self, arrived: &ArrivedParts) -> (u64, u64) {
        (arrived.bytes, self.bytes)
    }

    #[inline]
    fn accepts_alone(self, size: usize) -> bool {
        self.parts > 0 && size as u64 <= self.bytes
    }

    #[inline]
    fn check_header(
        self,
        arrived: &ArrivedParts,
        _more: bool,
        size: u64,
    ) -> Result<(), TrafficError> {
        if arrived.parts >= self.parts {
            return Err(TrafficError::TooManyParts { limit: self.parts });
        }
        let size = arrived.bytes.saturating_add(size);
        if size > self.bytes {
            return Err(TrafficError::MessageTooLarge { size, limit: self.bytes });
        }
        Ok(())
    }
}

/// The same limits where a message of one part can be a subscription.
#[derive(Clone, Copy, Debug)]
pub(super) struct SubscriptionRule(pub(super) PartLimits);

impl PartRule for SubscriptionRule {
    const TAKES_SUBSCRIPTIONS: bool = true;

    fn limit(self, arrived: &ArrivedParts) -> (u64, u64) {
        self.0.limit(arrived)
    }

    #[inline]
    fn accepts_alone(self, size: usize) -> bool {
        self.0.accepts_alone(size)
    }

    #[inline]
    fn check_header(
        self,
        arrived: &ArrivedParts,
        more: bool,
        size: u64,
    ) -> Result<(), TrafficError> {
        self.0.check_header(arrived, more, size)
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::super::command::{Command, CommandError};
    use super::super::super::frame::{put_message_header, put_part_header};
    use super::super::super::mechanism::curve::Sealer;
    use super::super::super::message_shape::{MessageShape, parts};
    use super::super::super::ping_pong::Ping;
    use super::super::super::subscription;
    use super::super::super::topic::{Topic, TopicError};
    use super::super::sealed::tests::ends;
    use super::super::tests::decode_in_pieces;
    use super::super::{READ_SIZE, Traffic};
    use super::*;

    #[test]
    fn a_message_of_one_part_is_returned_as_its_frame() {
        let mut input = BytesMut::from(&b"\x00\x02ab\x01\x01c\x00\x00\x01\x01d"[..]);
        let mut decoder = decoder(None, usize::MAX);
        let Ok(Some(Traffic::Messages(mut batch))) = decoder.decode(&mut input) else {
            panic!("messages are due");
        };
        assert_eq!(batch.messages(), 2);
        assert_eq!(batch.first(), Some(&b"\x00\x02ab"[..]));
        let (bytes, len) = batch.pop_short::<8>().unwrap();
        assert_eq!(bytes[..len], b"\x00\x02ab"[..]);
        assert_eq!(batch.pop().unwrap(), b"\x01\x01c\x00\x00"[..]);
        assert!(batch.pop().is_none());
        assert!(decoder.decode(&mut input).unwrap().is_none());
        assert_eq!(input, b"\x01\x01d"[..], "an incomplete message stays in the input");
    }

    #[test]
    fn a_message_above_a_limit_is_refused_by_the_header_of_the_part_that_exceeds_it() {
        let too_large = TrafficError::MessageTooLarge { size: 5, limit: 4 };
        let too_many = TrafficError::TooManyParts { limit: 3 };
        let cases: [(&[&[u8]], TrafficError); 4] = [
            (&[b"\x01\x02ab", b"\x01\x02cd", b"\x01\x01"], too_large.clone()),
            (&[b"\x01\x04abcd", b"\x00\x01"], too_large.clone()),
            (&[b"\x02\0\0\0\0\0\0\0\x05"], too_large),
            (&[b"\x01\x00", b"\x01\x00", b"\x01\x00", b"\x00\x00"], too_many),
        ];
        for (frames, error) in cases {
            let mut input = BytesMut::from(&b"\x01\x02ab\x01\x02cd\x00\x00"[..]);
            let mut decoder = decoder(Some(4), 3);
            assert!(matches!(decoder.decode(&mut input), Ok(Some(Traffic::Messages(_)))));
            let (last, whole) = frames.split_last().unwrap();
            for frame in whole {
                input.extend_from_slice(frame);
                assert!(decoder.decode(&mut input).unwrap().is_none());
            }
            input.extend_from_slice(last);
            assert_eq!(decoder.decode(&mut input).unwrap_err(), error, "{frames:?}");
        }
    }

    #[test]
    fn the_limits_apply_to_the_content_of_encrypted_frames() {
        let too_large = TrafficError::MessageTooLarge { size: 5, limit: 4 };
        let too_many = TrafficError::TooManyParts { limit: 3 };
        let cases: [(&[&[u8]], TrafficError); 2] =
            [(&[b"ab", b"cd", b"e"], too_large), (&[b"", b"", b"", b""], too_many)];
        for (parts, error) in cases {
            let (mut sealer, decoder) = ends(Some(4));
            let decoder = decoder.with_shape(MessageShape::Multipart);
            let mut decoder = decoder.with_max_message_parts(3);
            let mut input = BytesMut::new();
            put_sealed(&mut sealer, &mut input, &["ab", "cd", ""]);
            assert!(matches!(decoder.decode(&mut input), Ok(Some(Traffic::Messages(_)))));
            put_sealed(&mut sealer, &mut input, parts);
            assert_eq!(decoder.decode(&mut input).unwrap_err(), error, "{parts:?}");
        }
    }

    /// libzmq accepts both forms from every remote.
    #[test]
    fn a_message_of_one_part_that_begins_with_0_or_1_is_a_subscription() {
        let topic = |text: &str| Topic::try_from(text).unwrap();
        let (mut sealer, sealed) = ends(None);
        let mut of_sealed = BytesMut::new();
        for message in [&["\x01A"][..], &["user"], &["\x00A"], &[""], &["\x01a", "b"]] {
            put_sealed(&mut sealer, &mut of_sealed, message);
        }
        sealer.put_command(&mut of_sealed, b"\x06CANCELB");
        let sealed = sealed.with_shape(MessageShape::Multipart);
        let clear = b"\x00\x02\x01A\x00\x04user\x00\x02\x00A\x00\x00\x01\x02\x01a\x00\x01b";
        let clear = BytesMut::from(&[&clear[..], b"\x04\x08\x06CANCELB"].concat()[..]);
        for (decoder, mut input) in [(decoder(None, usize::MAX), clear), (sealed, of_sealed)] {
            let mut decoder = decoder.with_subscriptions(true);
            let (mut messages, mut commands) = (Vec::new(), Vec::new());
            while let Some(traffic) = decoder.decode(&mut input).unwrap() {
                match traffic {
                    Traffic::Messages(mut batch) => {
                        messages.extend(std::iter::from_fn(|| batch.pop()));
                    }
                    Traffic::Command(command) => commands.push(command),
                    Traffic::Progress => {}
                }
            }
            assert!(input.is_empty());
            assert_eq!(messages, [&b"\x00\x04user"[..], b"\x00\x00", b"\x01\x02\x01a\x00\x01b"]);
            let [a, b] = ["A", "B"].map(topic);
            let expected = [Command::Subscribe(a.clone()), Command::Cancel(a), Command::Cancel(b)];
            assert_eq!(commands, expected);
        }
    }

    #[test]
    fn a_topic_that_is_too_long_is_an_error_after_the_messages_before_it() {
        let len = Topic::LEN_MAX + 1;
        let body = vec![0x01; 1 + len];
        let (mut sealer, sealed) = ends(None);
        let (mut of_sealed, mut clear) = (BytesMut::new(), BytesMut::new());
        put_sealed(&mut sealer, &mut of_sealed, &[b"a"]);
        put_sealed(&mut sealer, &mut of_sealed, &[&body]);
        put_message_header(&mut clear, 1);
        clear.extend_from_slice(b"a");
        put_message_header(&mut clear, body.len());
        clear.extend_from_slice(&body);
        let sealed = sealed.with_shape(MessageShape::Multipart);
        for (decoder, mut input) in [(decoder(None, usize::MAX), clear), (sealed, of_sealed)] {
            let mut decoder = decoder.with_subscriptions(true);
            assert!(matches!(decoder.decode(&mut input), Ok(Some(Traffic::Messages(_)))));
            let error = TrafficError::Command(CommandError::Topic(TopicError::TooLong { len }));
            assert_eq!(decoder.decode(&mut input).unwrap_err(), error);
        }
    }

    /// If each call examined all parts that have arrived, decoding would take quadratic time.
    #[test]
    fn a_million_parts_are_decoded_in_small_pieces_in_linear_time() {
        let mut decoder = decoder(None, usize::MAX);
        let mut input = BytesMut::new();
        for _ in 1..1_000_000 {
            input.extend_from_slice(b"\x01\x00");
            while decoder.decode(&mut input).unwrap().is_some() {}
        }
        assert!(input.capacity() <= 3 * input.len());
        input.extend_from_slice(b"\x00\x00");
        let Ok(Some(Traffic::Messages(mut batch))) = decoder.decode(&mut input) else {
            panic!("the message is due");
        };
        assert_eq!(parts(&batch.pop().unwrap()).count(), 1_000_000);
    }

    #[test]
    fn commands_within_a_long_message_do_not_move_it() {
        let mut decoder = decoder(None, usize::MAX);
        let mut input = BytesMut::new();
        put_part_header(&mut input, 10 * READ_SIZE);
        input.extend_from_slice(&[7; 10 * READ_SIZE]);
        while decoder.decode(&mut input).unwrap().is_some() {}
        decoder.take_work();
        let address = input.as_ptr();
        for _ in 0..100 {
            input.extend_from_slice(b"\x04\x07\x04PING\x00\x0a");
            assert!(matches!(decoder.decode(&mut input), Ok(Some(Traffic::Command(_)))));
        }
        assert_eq!(input.as_ptr(), address);
        assert!(decoder.take_work() <= 100 * 9, "only what was read counts as work");
        input.extend_from_slice(b"\x00\x01x");
        assert!(matches!(decoder.decode(&mut input), Ok(Some(Traffic::Messages(_)))));
    }

    #[test]
    fn the_input_may_be_discarded_within_a_message() {
        let (mut sealer, sealed) = ends(None);
        let mut of_sealed = BytesMut::new();
        put_sealed(&mut sealer, &mut of_sealed, &["a", "b"]);
        of_sealed.truncate(of_sealed.len() - 1);
        let sealed = sealed.with_shape(MessageShape::Multipart);
        let clear = (decoder(None, usize::MAX), BytesMut::from(&b"\x01\x01a\x00"[..]));
        for (mut decoder, mut input) in [clear, (sealed, of_sealed)] {
            assert!(decoder.decode(&mut input).unwrap().is_none());
            assert!(!input.is_empty());
            input.clear();
            assert!(decoder.decode(&mut input).unwrap().is_none());
        }
    }

    #[test]
    fn a_large_announced_size_reserves_little_memory() {
        let mut decoder = decoder(None, usize::MAX);
        let mut input = BytesMut::from(&b"\x01\x01a\x03\x7f\xff\xff\xff\xff\xff\xff\xffabc"[..]);
        assert!(decoder.decode(&mut input).unwrap().is_none());
        assert!(input.capacity() <= 2 * READ_SIZE);
    }

    proptest! {
        #[test]
        fn messages_are_decoded_wherever_reads_end(
            sent in vec(vec((body(), any::<bool>()), 1..6), 1..12),
            cuts in vec(1_usize..900, 1..40),
            splits in vec(1_usize..4, 1..8),
        ) {
            let mut wire = BytesMut::new();
            for message in &sent {
                for (at, (part, has_ping)) in message.iter().enumerate() {
                    if *has_ping {
                        wire.extend_from_slice(b"\x04\x07\x04PING\x00\x0a");
                    }
                    let put = if at + 1 < message.len() { put_part_header } else { put_message_header };
                    put(&mut wire, part.len());
                    wire.extend_from_slice(part);
                }
            }
            check(decoder(None, usize::MAX), &wire, &sent, &cuts, &splits)?;
        }

        #[test]
        fn encrypted_messages_are_decoded_wherever_reads_end(
            sent in vec(vec((body(), any::<bool>()), 1..6), 1..12),
            cuts in vec(1_usize..900, 1..40),
            splits in vec(1_usize..4, 1..8),
        ) {
            let (mut sealer, decoder) = ends(None);
            let ping = Command::Ping(Ping::decode(b"\x00\x0a").unwrap()).body();
            let mut wire = BytesMut::new();
            for message in &sent {
                for (at, (part, has_ping)) in message.iter().enumerate() {
                    if *has_ping {
                        sealer.put_command(&mut wire, &ping);
                    }
                    let more = u8::from(at + 1 < message.len());
                    sealer.put(&mut wire, more, part);
                }
            }
            check(decoder.with_shape(MessageShape::Multipart), &wire, &sent, &cuts, &splits)?;
        }
    }

    proptest! {
        #[test]
        fn subscriptions_are_decoded_wherever_reads_end(
            sent in vec(vec(0..3_u8, 0..300), 1..12).prop_map(|bodies| {
                bodies.into_iter().map(|body| vec![body]).collect::<Vec<_>>()
            }),
            last in vec(body(), 2..4),
            cuts in vec(1_usize..900, 1..40),
        ) {
            let sent = [sent, vec![last]].concat();
            let (mut sealer, sealed) = ends(None);
            let (mut of_sealed, mut clear) = (BytesMut::new(), BytesMut::new());
            for parts in &sent {
                put_sealed(&mut sealer, &mut of_sealed, parts);
                for (at, part) in parts.iter().enumerate() {
                    let more = at + 1 < parts.len();
                    let put = if more { put_part_header } else { put_message_header };
                    put(&mut clear, part.len());
                    clear.extend_from_slice(part);
                }
            }
            let expected = sent.iter().map(|parts| match &parts[..] {
                [part] => subscription::command_of(part).map(Result::unwrap).ok_or(parts),
                _ => Err(parts),
            });
            let sealed = sealed.with_shape(MessageShape::Multipart);
            for (decoder, wire) in [(decoder(None, usize::MAX), clear), (sealed, of_sealed)] {
                let mut decoder = decoder.with_subscriptions(true);
                let (mut input, mut rest, mut cuts) = (BytesMut::new(), wire, cuts.iter().cycle());
                let mut expected = expected.clone();
                while !rest.is_empty() {
                    let cut = rest.len().min(*cuts.next().unwrap());
                    input.extend_from_slice(&rest.split_to(cut));
                    while let Some(traffic) = decoder.decode(&mut input).unwrap() {
                        match traffic {
                            Traffic::Messages(mut batch) => while let Some(frames) = batch.pop() {
                                let parts: Vec<_> = parts(&frames).map(<[u8]>::to_vec).collect();
                                prop_assert_eq!(expected.next(), Some(Err(&parts)));
                            },
                            Traffic::Command(command) => {
                                prop_assert_eq!(expected.next(), Some(Ok(command)));
                            }
                            Traffic::Progress => {}
                        }
                    }
                }
                prop_assert_eq!(expected.next(), None);
            }
        }
    }

    /// Decodes the wire in pieces, and compares the result with what was sent: the parts of each
    /// message, and whether a PING precedes each part.
    fn check(
        mut decoder: TrafficDecoder,
        wire: &[u8],
        sent: &[Vec<(Vec<u8>, bool)>],
        cuts: &[usize],
        splits: &[usize],
    ) -> Result<(), TestCaseError> {
        let (received, pings) = decode_in_pieces(&mut decoder, wire, cuts, splits);
        let received: Vec<Vec<&[u8]>> =
            received.iter().map(|frames| parts(frames).collect()).collect();
        let bodies = |message: &'_ Vec<(Vec<u8>, bool)>| -> Vec<Vec<u8>> {
            message.iter().map(|(part, _)| part.clone()).collect()
        };
        prop_assert_eq!(received, sent.iter().map(bodies).collect::<Vec<_>>());
        prop_assert_eq!(pings, sent.iter().flatten().filter(|(_, has_ping)| *has_ping).count());
        Ok(())
    }

    /// Generates bodies of all forms of headers, most of them short.
    fn body() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![3 => vec(any::<u8>(), 0..20), 1 => vec(any::<u8>(), 0..600)]
    }

    fn put_sealed<T: AsRef<[u8]>>(sealer: &mut Sealer, dst: &mut BytesMut, parts: &[T]) {
        let (last, others) = parts.split_last().unwrap();
        others.iter().for_each(|part| sealer.put_part(dst, part.as_ref()));
        sealer.put_message(dst, last.as_ref());
    }

    fn decoder(max_message_size: Option<u64>, parts: usize) -> TrafficDecoder {
        let decoder = TrafficDecoder::new(max_message_size, None);
        decoder.with_shape(MessageShape::Multipart).with_max_message_parts(parts)
    }
}
