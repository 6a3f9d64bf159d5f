//! Pictures that are drawn from text.
//!
//! A text begins with the form of its picture, [`sequence`] or [`boxes`]. Blank lines, and lines
//! that begin with `%`, are ignored.

pub mod boxes;
pub mod sequence;
mod svg;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::{fs, io};

/// The directory of the pictures, in that of the book.
pub const DIRECTORY: &str = "src/pictures";

/// The file with the pictures as link definitions for rustdoc, in the directory of the book.
pub const DEFINITIONS: &str = "pictures/rustdoc.md";

/// The directory of the texts, in that of the book.
const TEXTS: &str = "pictures";

/// Draws all pictures, and returns them with their names. `book` is the directory of the book.
///
/// # Errors
///
/// If a text cannot be read, or is not valid.
pub fn draw_all(book: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut drawn = BTreeMap::new();
    for entry in fs::read_dir(book.join(TEXTS))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let svg = draw(&fs::read_to_string(&path)?)
                .map_err(|line| io::Error::other(format!("{name}.txt: not valid: {line}")))?;
            drawn.insert(name, svg);
        }
    }
    Ok(drawn)
}

/// Draws a picture.
///
/// # Errors
///
/// If a line is not valid. The error is this line.
pub fn draw(text: &str) -> Result<String, String> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('%'));
    match lines.next() {
        Some("boxes") => boxes::draw(lines),
        Some("sequence") => sequence::draw(lines),
        other => Err(other.unwrap_or_default().to_owned()),
    }
}

/// Returns link definitions whose targets contain the pictures: pages of rustdoc have no files.
#[must_use]
pub fn definitions(drawn: &BTreeMap<String, String>) -> String {
    let mut definitions = String::new();
    for (name, svg) in drawn {
        let _ = write!(definitions, "[{name}-picture]: data:image/svg+xml,");
        for c in svg.chars() {
            match c {
                '\n' => {}
                ' ' | '"' | '#' | '%' | '(' | ')' | '<' | '>' | '\\' => {
                    let _ = write!(definitions, "%{:02X}", u32::from(c));
                }
                _ => definitions.push(c),
            }
        }
        definitions.push('\n');
    }
    definitions
}
