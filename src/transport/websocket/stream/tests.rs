//! Tests of the stream over pairs of streams in memory.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufWriter, duplex};

use super::*;

#[tokio::test(start_paused = true)]
async fn bytes_that_arrive_in_time_are_a_sign_of_life_even_if_they_are_read_late() {
    let (near, mut far) = duplex(0x1000);
    let mut stream = stream(near);
    let mut greeting = [0; 64];
    stream.read_exact(&mut greeting).await.unwrap();
    // Sends a ping.
    time::timeout(INTERVAL + TIMEOUT / 2, stream.read_u8()).await.unwrap_err();

    far.write_all(&[0x82, 0x82, 0, 0, 0, 0, 0, b'x']).await.unwrap();
    time::sleep(TIMEOUT * 10).await;
    let mut frame = [0; 3];
    stream.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame, [0, 1, b'x']);

    let error = stream.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_accepts_bytes_slowly_is_alive() {
    let (near, mut far) = duplex(1);
    let (mut reader, mut writer) = tokio::io::split(stream(near));
    let reading = tokio::spawn(async move {
        let mut greeting = [0; 64];
        reader.read_exact(&mut greeting).await.unwrap();
        reader.read_u8().await
    });
    let writing = tokio::spawn(async move {
        writer.write_all(&[[0; 64].as_slice(), &[0, 200], &[7; 200]].concat()).await.unwrap();
        writer.flush().await.unwrap();
    });
    for _ in 0..100 {
        far.read_u8().await.unwrap();
        time::sleep(TIMEOUT / 2).await;
    }
    assert!(!reading.is_finished() && !writing.is_finished());
    far.read_exact(&mut [0; 100]).await.unwrap();
    let error = reading.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn control_frames_lose_no_message_before_or_after_them() {
    let (near, mut far) = duplex(0x1000);
    let mut stream = stream(near);
    let ping = [0x89, 0x80, 0, 0, 0, 0];
    let pong = [0x8A, 0x80, 0, 0, 0, 0];
    let close = [0x88, 0x80, 0, 0, 0, 0];
    let input = [&ping[..], &frame(1), &ping, &frame(2), &pong, &frame(3), &close].concat();
    far.write_all(&input).await.unwrap();
    let mut read = Vec::new();
    stream.read_to_end(&mut read).await.unwrap();
    assert_eq!(read[64..], [0, 1, 1, 0, 1, 2, 0, 1, 3]);
    let mut answers = [0; 6];
    far.read_exact(&mut answers).await.unwrap();
    assert_eq!(answers, [0x8A, 0, 0x8A, 0, 0x88, 0]);
}

#[tokio::test(start_paused = true)]
async fn messages_before_a_violation_are_read() {
    let (near, mut far) = duplex(0x1000);
    let mut stream = stream(near);
    let text = [0x81, 0x81, 0, 0, 0, 0, b'x'];
    far.write_all(&[&frame(1)[..], &text].concat()).await.unwrap();
    let mut read = Vec::new();
    let error = stream.read_to_end(&mut read).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert_eq!(read[64..], [0, 1, 1]);
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_sends_pings_and_does_not_read_fills_a_limited_buffer() {
    let (near, mut far) = duplex(0x100);
    let mut stream = stream(near);
    let ping = [&[0x89, 0x80 | 100, 0, 0, 0, 0][..], &[0; 100]].concat();
    let mut greeting = [0; 64];
    stream.read_exact(&mut greeting).await.unwrap();
    for _ in 0..2_000 {
        let (written, read) = tokio::join!(far.write_all(&ping), async {
            time::timeout(Duration::from_millis(1), stream.read_u8()).await
        });
        written.unwrap();
        read.unwrap_err();
    }
    assert!(stream.output.len() <= OUTPUT_MAX + 102, "{}", stream.output.len());
}

#[tokio::test(start_paused = true)]
async fn a_pong_is_flushed_when_the_stream_has_room_again() {
    let (near, mut far) = duplex(1);
    let stream = stream(BufWriter::new(near));
    let (mut reader, _writer) = tokio::io::split(stream);
    tokio::spawn(async move {
        let mut read = Vec::new();
        reader.read_to_end(&mut read).await
    });
    far.write_all(&[0x89, 0x82, 0, 0, 0, 0, b'h', b'i']).await.unwrap();
    let mut pong = [0; 4];
    far.read_exact(&mut pong).await.unwrap();
    assert_eq!(pong, [0x8A, 2, b'h', b'i']);
}

#[tokio::test(start_paused = true)]
async fn an_idle_stream_has_no_buffers() {
    let (near, mut far) = duplex(0x4_0000);
    let mut stream = stream(near);
    far.write_all(&frame(1).repeat(0x2000)).await.unwrap();
    let mut read = vec![0; 64 + 3 * 0x2000];
    stream.read_exact(&mut read).await.unwrap();
    stream.write_all(&[&[0; 64][..], &[0, 1, 7].repeat(0x2000)].concat()).await.unwrap();
    stream.flush().await.unwrap();
    time::timeout(Duration::from_millis(1), stream.read_u8()).await.unwrap_err();
    assert_eq!((stream.input.capacity(), stream.output.capacity()), (0, 0));
}

/// Returns a message of the client with one byte, which is not changed by its mask.
fn frame(byte: u8) -> Vec<u8> {
    vec![0x82, 0x82, 0, 0, 0, 0, 0, byte]
}

fn stream<S: AsyncRead + AsyncWrite>(io: S) -> WebSocketStream<S> {
    let config = HeartbeatConfig {
        interval: Some(INTERVAL),
        timeout: Some(TIMEOUT),
        ..HeartbeatConfig::default()
    };
    let (role, mechanism) = (WebSocketRole::Server, MechanismName::NULL);
    WebSocketStream::new(io, role, mechanism, BytesMut::new()).with_pings(config)
}

const INTERVAL: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(4);
