//! The table on a terminal, and the keys.

use std::io;
use std::thread;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets;
use tokio::sync::mpsc;

use super::programs::Programs;
use super::table::{COLUMNS, RowKind, Table};

/// The terminal, which is restored when this is dropped.
#[derive(Debug)]
pub(super) struct Screen {
    terminal: DefaultTerminal,
    keys: mpsc::Receiver<Key>,
}

/// What the user requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    End,
    Sort,
    Remotes,
    Redraw,
}

impl Screen {
    pub(super) fn open() -> io::Result<Self> {
        let terminal = ratatui::try_init()?;
        let (sender, keys) = mpsc::channel(1);
        // It ends with the process: reading a key cannot be cancelled.
        thread::spawn(move || {
            while let Ok(event) = event::read() {
                if key(&event).is_some_and(|key| sender.blocking_send(key).is_err()) {
                    break;
                }
            }
        });
        Ok(Self { terminal, keys })
    }

    /// Waits for a key. Returns `None` if there are no more.
    pub(super) async fn key(&mut self) -> Option<Key> {
        self.keys.recv().await
    }

    pub(super) fn draw(&mut self, table: &Table, programs: &Programs) -> io::Result<()> {
        let rows = table.rows.iter().map(|row| {
            let cells = row.cells.iter().enumerate().map(|(at, cell)| {
                let line = Line::from(cell.as_str());
                if at < 2 { line } else { line.right_aligned() }
            });
            widgets::Row::new(cells).style(style(row.kind))
        });
        let titles = COLUMNS.iter().enumerate().map(|(at, title)| {
            let line = Line::from(*title);
            if at < 2 { line } else { line.right_aligned() }
        });
        let titles = widgets::Row::new(titles).style(Style::new().add_modifier(Modifier::REVERSED));
        let widths = [
            Constraint::Fill(1),
            Constraint::Length(8),
            Constraint::Length(7),
            Constraint::Length(7),
            Constraint::Length(7),
            Constraint::Length(7),
            Constraint::Length(7),
            Constraint::Length(11),
            Constraint::Length(9),
        ];
        let drawn = widgets::Table::new(rows, widths).header(titles);
        let footer = if table.rows.is_empty() {
            "waiting for statistics   q: end".to_owned()
        } else {
            let mut footer =
                format!("q: end   s: sort ({:?})   r: remotes", programs.order()).to_lowercase();
            if programs.malformed() > 0 {
                footer.push_str(&format!("   {} other messages", programs.malformed()));
            }
            footer
        };
        self.terminal.draw(|frame| {
            let parts = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]);
            let [body, end] = parts.areas(frame.area());
            frame.render_widget(drawn, body);
            frame.render_widget(Line::from(footer), end);
        })?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

fn key(event: &Event) -> Option<Key> {
    let key = match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => key,
        Event::Resize(..) => return Some(Key::Redraw),
        _ => return None,
    };
    match key.code {
        // The terminal sends no signal in this mode.
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Key::End),
        KeyCode::Char('q') | KeyCode::Esc => Some(Key::End),
        KeyCode::Char('s') => Some(Key::Sort),
        KeyCode::Char('r') => Some(Key::Remotes),
        _ => None,
    }
}

/// Color is not the only difference, and is left out with `NO_COLOR`.
fn style(kind: RowKind) -> Style {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colored = |color| if no_color { Style::new() } else { Style::new().fg(color) };
    match kind {
        RowKind::Program => Style::new().add_modifier(Modifier::BOLD),
        RowKind::Stale => colored(Color::Red).add_modifier(Modifier::BOLD),
        RowKind::Proxy => colored(Color::Cyan),
        RowKind::Socket => Style::new(),
        RowKind::Remote => Style::new().add_modifier(Modifier::DIM),
    }
}
