//! Code that the gateway, the gRPC service and the worker share: the tasks of workers, shutdown
//! signals, and the definition of the service.

mod shutdown;
mod tasks;
mod workers;

pub use self::shutdown::shutdown_signal;
pub use self::tasks::perform;
pub use self::workers::Workers;

/// The gRPC service, as `proto/tasks/v1/tasks.proto` defines it.
#[expect(missing_docs, unused_qualifications, reason = "it is generated")]
pub mod proto {
    tonic::include_proto!("tasks.v1");
}
