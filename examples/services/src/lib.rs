//! What the gateway and the gRPC service have in common: workers, and the definition of the service.

mod tasks;
mod workers;

pub use self::workers::Workers;

/// The gRPC service, as `proto/tasks/v1/tasks.proto` defines it.
#[expect(missing_docs, unused_qualifications, reason = "it is generated")]
pub mod proto {
    tonic::include_proto!("tasks.v1");
}
