//! Counting, by valgrind.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use micro::rounds::{MESSAGES, Round};

use crate::Failure;
use crate::subject::EventSource;

/// The argument with which this program does what is counted.
pub(crate) const ROLE: &str = "count";

/// How many instructions a message takes.
pub(crate) fn instructions(subject: EventSource) -> Result<f64, Failure> {
    let profile = profile(subject.name())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*measured_rounds*"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(env::current_exe()?)
        .args([ROLE, subject.name()])
        // Of the ways in which the C library copies memory, one that every processor has.
        .env("GLIBC_TUNABLES", PLAIN_COPIES)
        .output()
        .map_err(|error| format!("valgrind has to be installed: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let counted = total(&fs::read_to_string(&profile)?)
        .filter(|instructions| *instructions > 0)
        .ok_or_else(|| format!("nothing was counted in {}", profile.display()))?;
    Ok(counted as f64 / f64::from(ROUNDS) / MESSAGES as f64)
}

/// Where valgrind leaves what it has counted, by function.
pub(crate) fn profile(name: &str) -> Result<PathBuf, Failure> {
    Ok(env::current_exe()?.with_file_name(format!("{name}.callgrind")))
}

/// Does what is counted.
pub(crate) fn play(name: &str) -> Result<(), Failure> {
    let subject = EventSource::ALL.into_iter().find(|subject| subject.name() == name);
    let mut round = subject.ok_or("there is no such thing to count")?.round();
    for _ in 0..WARM_UP {
        round.prepare();
        round.run();
    }
    for _ in 0..ROUNDS {
        round.prepare();
        measured_rounds(&mut *round);
    }
    Ok(())
}

/// Valgrind knows it by its name, and counts while it runs.
#[inline(never)]
fn measured_rounds(round: &mut dyn Round) {
    round.run();
}

/// Of a profile, the line `totals: 1234`.
fn total(profile: &str) -> Option<u64> {
    profile.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok())
}

const ROUNDS: u16 = 20;

/// Until the queues and buffers have the memory that they will have.
const WARM_UP: u16 = 5;

/// Leaves the C library with SSE2, which is a part of the architecture. `rep movsb`, which ERMS and FSRM
/// stand for, is one instruction, of which valgrind counts each byte.
const PLAIN_COPIES: &str =
    "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM,-SSSE3";
