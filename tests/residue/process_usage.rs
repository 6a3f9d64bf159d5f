//! Resource usage of the process.

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::task;

use crate::HEAP;

/// The resource usage of the whole process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProcessUsage {
    pub(crate) descriptors: usize,
    /// The allocated bytes.
    pub(crate) heap: usize,
    /// The resident bytes.
    pub(crate) resident: usize,
}

impl ProcessUsage {
    pub(crate) fn take() -> Self {
        let pages = fs::read_to_string("/proc/self/statm").unwrap();
        let pages: usize = pages.split(' ').nth(1).unwrap().parse().unwrap();
        let descriptors = fs::read_dir("/proc/self/fd").unwrap().count();
        Self { descriptors, heap: HEAP.allocated(), resident: pages * PAGE }
    }
}

/// Returns the number of tasks of this runtime. It is exact only on a single-threaded runtime: on
/// others, a task is counted for a moment after it has ended.
pub(crate) fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Waits until the number of tasks equals `count`.
pub(crate) async fn until_tasks_are(count: usize) {
    while tasks() != count {
        task::yield_now().await;
    }
}

/// Excludes the other tests of this binary.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The smallest page size of Linux.
const PAGE: usize = 0x1000;
