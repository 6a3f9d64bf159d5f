//! Elements of SVG.

use std::fmt::Write;

/// A picture in progress.
#[derive(Debug, Default)]
pub(super) struct Svg {
    body: String,
}

/// A position or an extent, in pixels.
pub(super) type Point = (i32, i32);

impl Svg {
    pub(super) fn finish(self, (width, height): Point) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"13\" \
             fill=\"#222\">\n\
             <defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" \
             markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0 8 4 0 8z\"/></marker></defs>\n\
             <rect width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"#fff\"/>\n{}</svg>\n",
            self.body
        )
    }

    /// Draws a box around lines of text, which `|` separates. `*` before the text marks the box.
    pub(super) fn text_box(&mut self, (x, y): Point, (width, height): Point, text: &str) {
        let (text, fill) = match text.strip_prefix('*') {
            Some(text) => (text, "#ffe9c7"),
            None => (text, "#e8f0fb"),
        };
        let (left, top) = (x - width / 2, y - height / 2);
        let _ = writeln!(
            self.body,
            "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" rx=\"5\" \
             fill=\"{fill}\" stroke=\"#5b7cab\"/>"
        );
        self.text((x, y), text);
    }

    /// Writes lines of text, which `|` separates, around a point.
    pub(super) fn text(&mut self, (x, y): Point, text: &str) {
        let lines: Vec<_> = text.split('|').collect();
        let count = i32::try_from(lines.len()).unwrap_or(1);
        for (number, line) in (0..).zip(lines) {
            let y = y + 5 + 16 * number - 8 * (count - 1);
            let line = line.replace('&', "&amp;").replace('<', "&lt;");
            let _ = writeln!(
                self.body,
                "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" stroke=\"#fff\" \
                 stroke-width=\"4\" stroke-opacity=\".7\" paint-order=\"stroke\">{line}</text>"
            );
        }
    }

    pub(super) fn arrow(&mut self, (x1, y1): Point, (x2, y2): Point, is_dashed: bool) {
        let dashes = if is_dashed { " stroke-dasharray=\"5 4\"" } else { "" };
        let _ = writeln!(
            self.body,
            "<path d=\"M{x1} {y1} {x2} {y2}\" stroke=\"#222\"{dashes} marker-end=\"url(#head)\"/>"
        );
    }

    pub(super) fn line(&mut self, (x1, y1): Point, (x2, y2): Point) {
        let _ = writeln!(self.body, "<path d=\"M{x1} {y1} {x2} {y2}\" stroke=\"#aaa\"/>");
    }
}

/// Returns the width of the longest of the lines that `|` separates, estimated.
pub(super) fn width(text: &str) -> i32 {
    let longest = text.split('|').map(|line| line.chars().count()).max().unwrap_or_default();
    i32::try_from(longest).unwrap_or(i32::MAX / 8) * 7
}
