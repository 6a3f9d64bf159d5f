//! Prints the blocks that a Bitcoin node announces.
//!
//! ```sh
//! bitcoind -zmqpubhashblock=tcp://127.0.0.1:28332
//! cargo run --example bitcoin tcp://127.0.0.1:28332
//! ```
//!
//! The node publishes a message of three parts for each block that becomes the tip of its chain:
//! the topic `hashblock`, the hash in the order in which it is displayed, and a number that
//! increases by one. A node whose queue for a subscriber is full drops messages: the number shows
//! how many. With a second argument, the program ends after that many blocks.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::env;
use std::error::Error;
use std::time::Duration;

use tokio_zmtp::monitor::EventKind;
use tokio_zmtp::{Multipart, Sub};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let endpoint = arguments.next().unwrap_or_else(|| "tcp://127.0.0.1:28332".to_owned());
    let most = arguments.next().map_or(Ok(u64::MAX), |most| most.parse())?;

    // Without heartbeats, a node that fails without closing the connection would go unnoticed.
    let node = Sub::builder()
        .subscribe(TOPIC.parse()?)
        .heartbeat_interval(Duration::from_secs(10))
        .max_message_size(1_000)
        .build();
    let mut monitor = node.monitor();
    node.connect(endpoint).await?;
    let (mut blocks, mut expected) = (0, None);
    while blocks < most {
        tokio::select! {
            // Events precede the messages of their connection.
            biased;
            Some(Ok(event)) = monitor.recv() => match event.kind {
                EventKind::HandshakeSucceeded => println!("the node is connected"),
                EventKind::ConnectFailed { reason } => println!("no connection: {reason}"),
                EventKind::Disconnected { reason, .. } => println!("the node is gone: {reason}"),
                _ => {}
            },
            message = node.recv() => {
                let Some(block) = Block::read(&message?) else {
                    println!("a message is not a block");
                    continue;
                };
                match expected.map(|expected| block.number.wrapping_sub(expected)) {
                    None | Some(0) => {}
                    // When the node restarts, its numbers start again at 0.
                    Some(_) if block.number == 0 => println!("the node was restarted"),
                    Some(missed) => println!("{missed} blocks were missed"),
                }
                println!("block {}", block.hash);
                expected = Some(block.number.wrapping_add(1));
                blocks += 1;
            }
        }
    }
    Ok(())
}

/// The announcement of a block.
struct Block {
    /// In hexadecimal digits, as programs display it.
    hash: String,
    number: u32,
}

impl Block {
    /// Reads a message; returns `None` if it has another form.
    fn read(message: &Multipart) -> Option<Self> {
        // A topic is a prefix: the node may have another topic that begins with ours.
        let [TOPIC_BYTES, hash, number] = message.iter().collect::<Vec<_>>()[..] else {
            return None;
        };
        let hash: &[u8; 32] = hash.try_into().ok()?;
        let number = u32::from_le_bytes(number.try_into().ok()?);
        Some(Self { hash: hash.iter().map(|byte| format!("{byte:02x}")).collect(), number })
    }
}

const TOPIC: &str = "hashblock";

const TOPIC_BYTES: &[u8] = TOPIC.as_bytes();
