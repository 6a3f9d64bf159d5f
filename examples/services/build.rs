//! Generates Rust from the service definition. protox compiles it, so `protoc` is not needed.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let definition = "proto/tasks/v1/tasks.proto";
    println!("cargo:rerun-if-changed={definition}");
    let descriptors = protox::compile([definition], ["proto"])?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
