//! Messages between participants, in the order of time.
//!
//! ```text
//! sequence
//! Client | Server
//! Client -> Server: request
//! = the server is restarted
//! Server --> Client: reply
//! Server: a note
//! ```

use super::svg::{Svg, width};

/// Draws the lines after the form.
///
/// # Errors
///
/// If a line is not valid. The error is this line.
pub fn draw<'a>(mut lines: impl Iterator<Item = &'a str>) -> Result<String, String> {
    let names: Vec<_> = lines.next().unwrap_or_default().split('|').map(str::trim).collect();
    let steps = lines.map(|line| parse(line, &names).ok_or(line)).collect::<Result<Vec<_>, _>>()?;
    let column = steps.iter().map(Step::column).max().unwrap_or_default().max(150);
    let x = |column_of: usize| column / 2 + column * i32::try_from(column_of).unwrap_or_default();
    let size = (x(names.len()) - column / 2, 70 + HEIGHT * steps.len() as i32);
    let mut svg = Svg::default();
    for (number, name) in names.iter().enumerate() {
        svg.line((x(number), 40), (x(number), size.1 - 12));
        svg.text_box((x(number), 26), (width(name) + 24, 28), name);
    }
    for (y, step) in (70..).step_by(HEIGHT as usize).zip(&steps) {
        match *step {
            Step::Message { from, to, is_dashed, text } => {
                svg.arrow((x(from), y + 6), (x(to), y + 6), is_dashed);
                svg.text(((x(from) + x(to)) / 2, y - 4), text);
            }
            Step::Note { at, text } => svg.text_box((x(at), y), (width(text) + 16, 24), text),
            Step::Divider(text) => {
                svg.line((10, y), (size.0 - 10, y));
                svg.text((size.0 / 2, y), text);
            }
        }
    }
    Ok(svg.finish(size))
}

enum Step<'a> {
    Message { from: usize, to: usize, is_dashed: bool, text: &'a str },
    Note { at: usize, text: &'a str },
    Divider(&'a str),
}

impl Step<'_> {
    /// Returns the width of a column that has room for the step.
    fn column(&self) -> i32 {
        match *self {
            Self::Message { from, to, text, .. } => {
                (width(text) + 30) / i32::try_from(from.abs_diff(to)).unwrap_or(1).max(1)
            }
            Self::Note { text, .. } => width(text) + 24,
            Self::Divider(_) => 0,
        }
    }
}

fn parse<'a>(line: &'a str, names: &[&str]) -> Option<Step<'a>> {
    if let Some(text) = line.strip_prefix("= ") {
        return Some(Step::Divider(text));
    }
    let position = |name: &str| names.iter().position(|it| *it == name.trim());
    let (way, text) = line.split_once(": ")?;
    Some(match (way.split_once(" --> "), way.split_once(" -> ")) {
        (Some((from, to)), _) => {
            Step::Message { from: position(from)?, to: position(to)?, is_dashed: true, text }
        }
        (None, Some((from, to))) => {
            Step::Message { from: position(from)?, to: position(to)?, is_dashed: false, text }
        }
        (None, None) => Step::Note { at: position(way)?, text },
    })
}

const HEIGHT: i32 = 40;
