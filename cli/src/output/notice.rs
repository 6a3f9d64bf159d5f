//! Lines for the user, on standard error.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::{AnsiColor, Style};

/// Whether only errors are written.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Writes only errors from now on.
pub(crate) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Reports why the program fails.
pub(crate) fn error(text: &str) {
    write(AnsiColor::Red.on_default().bold(), text);
}

/// Reports what the user may have to mend, while the program continues.
pub(crate) fn warning(text: &str) {
    if !QUIET.load(Ordering::Relaxed) {
        write(AnsiColor::Yellow.on_default().bold(), text);
    }
}

/// Reports what the program does.
pub(crate) fn info(text: &str) {
    if !QUIET.load(Ordering::Relaxed) {
        write(Style::new().dimmed(), text);
    }
}

/// Writes one line. It is not an error if it cannot be written: there is no other place for it.
fn write(style: Style, text: &str) {
    let text = text.replace(['\n', '\r'], " ");
    let _ = writeln!(anstream::stderr(), "{style}zmtp:{style:#} {text}");
}
