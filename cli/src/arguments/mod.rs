//! Arguments that several commands share.

mod admission;
mod context;
mod options;
mod security;
mod socket;
mod spec;
mod times;

pub(crate) use self::context::{Contexts, secrets_hidden};
use self::security::SecurityArguments;
pub(crate) use self::socket::{SocketArguments, check};
pub(crate) use self::spec::SocketSpec;
pub(crate) use self::times::time;
