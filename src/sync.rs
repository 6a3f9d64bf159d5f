//! The mutex around what handles and connections share.

pub(crate) use std::sync::{Mutex, MutexGuard};
