//! The mutex around what handles and connections share.
//!
//! It is the one of `std`, but for the models of `socket`: there it is that of a model checker, which
//! decides at each of its locks who goes on.

#[cfg(all(test, shuttle))]
pub(crate) use shuttle::sync::{Mutex, MutexGuard};
#[cfg(not(all(test, shuttle)))]
pub(crate) use std::sync::{Mutex, MutexGuard};
