//! What differs between systems. Everything else is portable.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
use self::other as system;
#[cfg(unix)]
use self::unix as system;

pub(crate) use self::system::{
    StandardOutput, create_private, reader_closed, shell, signals, standard_output,
};
