//! Encoding of frames into a buffer, and decoding from it.

use std::fmt;
use std::hint::black_box;

use bytes::{BufMut, BytesMut};
use zmtp_proto::frame::put_message_header;
use zmtp_proto::traffic::{Traffic, TrafficDecoder};

use super::Round;

/// Encodes messages into an existing buffer.
#[derive(Debug)]
pub struct Encoding {
    body: Vec<u8>,
    messages: usize,
    buffer: BytesMut,
}

/// Decodes messages that have arrived together, and takes each body.
pub struct Decoding {
    frames: BytesMut,
    messages: usize,
    decoder: TrafficDecoder,
    input: BytesMut,
}

impl Encoding {
    /// Creates rounds of this number of messages, each of `size` bytes.
    pub fn new(size: usize, messages: usize) -> Self {
        Self { body: vec![0x55; size], messages, buffer: BytesMut::new() }
    }
}

impl Round for Encoding {
    fn prepare(&mut self) {
        self.buffer.clear();
    }

    fn run(&mut self) {
        for _ in 0..self.messages {
            let body = black_box(self.body.as_slice());
            put_message_header(&mut self.buffer, body.len());
            self.buffer.put_slice(body);
        }
        black_box(&self.buffer);
    }
}

impl Decoding {
    /// Creates rounds of this number of messages, each of `size` bytes.
    pub fn new(size: usize, messages: usize) -> Self {
        let mut encoding = Encoding::new(size, messages);
        encoding.run();
        let decoder = TrafficDecoder::new(None, None);
        Self { frames: encoding.buffer, messages, decoder, input: BytesMut::new() }
    }
}

impl Round for Decoding {
    fn prepare(&mut self) {
        self.input = self.frames.clone();
    }

    fn run(&mut self) {
        let mut messages = 0;
        while let Ok(Some(Traffic::Messages(mut batch))) = self.decoder.decode(&mut self.input) {
            while let Some(body) = batch.pop() {
                black_box(&body);
                messages += 1;
            }
        }
        assert_eq!(messages, self.messages);
    }
}

impl fmt::Debug for Decoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoding").field("messages", &self.messages).finish_non_exhaustive()
    }
}
