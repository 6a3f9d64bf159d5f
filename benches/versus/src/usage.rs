//! Resource usage of a process, and its limits.

use std::fs;

use nix::sched::{self, CpuSet};
use nix::sys::resource::{self, Resource, UsageWho};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::Failure;

/// The resource usage of this process since its start.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// User and system processor time in seconds.
    pub(crate) processor: f64,
    /// Resident memory in bytes.
    pub(crate) memory: f64,
}

impl Usage {
    pub(crate) fn until_now() -> Self {
        let used = resource::getrusage(UsageWho::RUSAGE_SELF)
            .expect("a process can read its own resource usage");
        let seconds =
            |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
        Self {
            processor: seconds(used.user_time()) + seconds(used.system_time()),
            memory: resident(),
        }
    }
}

/// Raises the limit of open files to its maximum.
pub(crate) fn allow_many_files() -> Result<(), Failure> {
    let (_, most) = resource::getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(resource::setrlimit(Resource::RLIMIT_NOFILE, most, most)?)
}

/// Pins this process to one core.
pub(crate) fn stay_on_core(core: usize) -> Result<(), Failure> {
    let mut only = CpuSet::new();
    only.set(core)?;
    Ok(sched::sched_setaffinity(Pid::from_raw(0), &only)?)
}

/// Returns the resident memory as the kernel counts it, or zero if it is unknown.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    kib.and_then(|kib| kib.trim().trim_end_matches(" kB").parse::<f64>().ok())
        .map_or(0.0, |kib| kib * 1_024.0)
}
