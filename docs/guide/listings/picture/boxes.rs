//! Boxes on a grid, and arrows between them.
//!
//! ```text
//! boxes
//! cell 150 80
//! client 0 0: Client
//! server 2 0: *Server|a second line
//! client -> server: request
//! server --> client
//! ```
//!
//! A cell has a width and a height. A box has a name, twice its column and row, and then its text.

use std::collections::BTreeMap;

use super::svg::{Point, Svg, width};

/// Draws the lines after the form.
///
/// # Errors
///
/// If a line is not valid. The error is this line.
pub fn draw<'a>(mut lines: impl Iterator<Item = &'a str>) -> Result<String, String> {
    let cell = lines.next().unwrap_or_default();
    let (columns, rows) = point(cell.strip_prefix("cell ").unwrap_or_default()).ok_or(cell)?;
    let mut boxes = BTreeMap::new();
    let mut arrows = Vec::new();
    for line in lines {
        if line.contains(" -> ") || line.contains(" --> ") {
            arrows.push(line);
        } else {
            let (name, shape) = parse_box(line, (columns, rows)).ok_or(line)?;
            boxes.insert(name, shape);
        }
    }
    let end = |select: fn(Point) -> i32| {
        boxes.values().map(|shape| select(shape.center)).max().unwrap_or_default()
    };
    let size = (end(|(x, _)| x) + columns / 2, end(|(_, y)| y) + rows / 2);
    let mut svg = Svg::default();
    for line in arrows {
        draw_arrow(&mut svg, line, &boxes).ok_or(line)?;
    }
    for shape in boxes.values() {
        svg.text_box(shape.center, shape.size, shape.text);
    }
    Ok(svg.finish(size))
}

struct Shape<'a> {
    center: Point,
    size: Point,
    text: &'a str,
}

fn parse_box(line: &str, (columns, rows): Point) -> Option<(&str, Shape<'_>)> {
    let (position, text) = line.split_once(": ")?;
    let (name, position) = position.split_once(' ')?;
    let (column, row) = point(position)?;
    let center = (columns / 2 + columns * column / 2, rows / 2 + rows * row / 2);
    let lines = i32::try_from(text.split('|').count()).ok()?;
    Some((name, Shape { center, size: (width(text) + 20, 16 * lines + 16), text }))
}

fn draw_arrow(svg: &mut Svg, line: &str, boxes: &BTreeMap<&str, Shape<'_>>) -> Option<()> {
    let (way, text) = line.split_once(": ").unwrap_or((line, ""));
    let dashed = way.split_once(" --> ");
    let (from, to) = dashed.or_else(|| way.split_once(" -> "))?;
    let (from, to) = (boxes.get(from)?, boxes.get(to)?);
    let (start, end) = (border(from, to.center), border(to, from.center));
    svg.arrow(start, end, dashed.is_some());
    if !text.is_empty() {
        svg.text(((start.0 + end.0) / 2, (start.1 + end.1) / 2), text);
    }
    Some(())
}

/// Returns where a line from the center of a box to a point crosses the border.
fn border(shape: &Shape<'_>, (x, y): Point) -> Point {
    let (center_x, center_y) = shape.center;
    let (dx, dy) = (x - center_x, y - center_y);
    let (half_width, half_height) = (shape.size.0 / 2 + 2, shape.size.1 / 2 + 2);
    if dx.abs() * half_height > dy.abs() * half_width {
        (center_x + half_width * dx.signum(), center_y + dy * half_width / dx.abs())
    } else if dy == 0 {
        shape.center
    } else {
        (center_x + dx * half_height / dy.abs(), center_y + half_height * dy.signum())
    }
}

fn point(text: &str) -> Option<Point> {
    let (x, y) = text.trim().split_once(' ')?;
    Some((x.parse().ok()?, y.parse().ok()?))
}
