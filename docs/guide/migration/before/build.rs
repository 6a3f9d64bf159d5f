//! Generates the code of the gRPC service. protox compiles its definition, so `protoc` is not needed.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let definition = "proto/greeter/v1/greeter.proto";
    println!("cargo:rerun-if-changed={definition}");
    let descriptors = protox::compile([definition], ["proto"])?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
