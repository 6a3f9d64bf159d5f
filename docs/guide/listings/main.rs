//! Draws the pictures of the guide.
//!
//! `cargo run -p guide`

use std::error::Error;
use std::fs;
use std::path::Path;

use guide::picture;

fn main() -> Result<(), Box<dyn Error>> {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let drawn = picture::draw_all(&book)?;
    fs::write(book.join(picture::DEFINITIONS), picture::definitions(&drawn))?;
    for (name, svg) in drawn {
        fs::write(book.join(picture::DIRECTORY).join(format!("{name}.svg")), svg)?;
    }
    Ok(())
}
