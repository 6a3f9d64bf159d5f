//! Cameras push images to a store. Each image is one message of several parts.
//!
//! `cargo run --example parts`
//!
//! The first part is the name of the camera, the second the number of the image, and each further
//! part one of its rows. The store has a PULL, which receives only whole images: if a camera stops
//! in the middle of one, its rows are dropped. Limits bound the memory of an incomplete image.
//!
//! PUSH and PULL are classic socket types. Programs in other languages can be cameras with any
//! release of libzmq, for example in Python: `push.send_multipart([b"attic", b"\x01", row, row])`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use tokio_zmtp::{Multipart, Pull, Push};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = Pull::builder()
        .max_message_parts(2 + ROWS)
        .max_message_size(1 << 20)
        .bind("tcp://127.0.0.1:*")
        .await?;
    let endpoint = store.last_endpoint().ok_or("the store is not bound")?;
    for name in ["attic", "cellar", "garden"] {
        let camera = Push::builder().connect(&endpoint).await?;
        tokio::spawn(async move {
            for number in 1..=IMAGES {
                camera.send(image(name, number)).await?;
            }
            camera.close().await;
            Ok::<_, tokio_zmtp::SendError<Multipart>>(())
        });
    }

    let mut stored = 0;
    for _ in 0..3 * IMAGES {
        let message = store.recv().await?;
        // The rows share the memory of the message.
        let [name, number, rows @ ..] = &message.into_parts()[..] else {
            println!("store: an image has too few parts");
            continue;
        };
        stored += rows.len();
        if *number == IMAGES.to_be_bytes()[..] {
            println!("store: the last image of {} has {} rows", name.escape_ascii(), rows.len());
        }
    }
    println!("store: {stored} rows in total");
    Ok(())
}

/// Returns an image with rows of different brightness.
fn image(name: &str, number: u32) -> Multipart {
    let number = number.to_be_bytes();
    let rows = (0..ROWS).map(|row| vec![row as u8; COLUMNS]);
    [name.as_bytes().to_vec(), number.to_vec()].into_iter().chain(rows).collect()
}

const ROWS: usize = 48;

const COLUMNS: usize = 64;

const IMAGES: u32 = 10;
