//! What handles and connections share things by.
//!
//! These are the types of `std`, but for the models of `socket`: there they are those of a model
//! checker, which decides at each of their steps who goes on.

#[cfg(all(test, shuttle))]
pub(crate) use shuttle::sync::atomic::AtomicU8;
#[cfg(all(test, shuttle))]
pub(crate) use shuttle::sync::{Mutex, MutexGuard};
#[cfg(not(all(test, shuttle)))]
pub(crate) use std::sync::atomic::AtomicU8;
#[cfg(not(all(test, shuttle)))]
pub(crate) use std::sync::{Mutex, MutexGuard};
