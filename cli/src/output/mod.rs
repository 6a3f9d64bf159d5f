//! What the program writes: messages to the standard output, notices to the standard error.

pub(crate) mod format;
pub(crate) mod notice;
mod stdout;

pub(crate) use self::format::{Format, FormatArguments};
pub(crate) use self::stdout::Stdout;
