//! Passes the name of the Cargo profile to the program, which states it with its results.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // `target/<profile>/build/<package>/out`; the variable `PROFILE` has the inherited profile.
    let out = std::env::var("OUT_DIR").unwrap_or_default();
    let name = Path::new(&out).ancestors().nth(3).and_then(Path::file_name);
    let name = name.map_or_else(|| "unknown".into(), |name| name.to_string_lossy());
    println!("cargo::rustc-env=CARGO_PROFILE_NAME={name}");
}
