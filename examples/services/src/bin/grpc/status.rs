//! Failures of calls as gRPC statuses.

use tokio_zmtp::rpc::{CallError, ErrorCode, Failure};
use tonic::{Code, Status};

/// Converts an error to a status. `UNAVAILABLE`, which many clients retry automatically, is for
/// requests that were certainly not started.
pub(super) fn of(error: &CallError) -> Status {
    let code = match error {
        _ if error.is_retryable() => Code::Unavailable,
        CallError::DeadlineExceeded | CallError::NotSent => Code::DeadlineExceeded,
        CallError::Failed(failure) => of_failure(failure),
        // It is unknown whether the task was performed.
        CallError::Closed | CallError::ConnectionLost => Code::Unknown,
        _ => Code::Internal,
    };
    Status::new(code, error.to_string())
}

/// Returns the code of an error. Application numbers are HTTP status codes.
fn of_failure(failure: &Failure) -> Code {
    match failure.code() {
        ErrorCode::APPLICATION => match failure.detail() {
            400 => Code::InvalidArgument,
            401 => Code::Unauthenticated,
            403 => Code::PermissionDenied,
            404 => Code::NotFound,
            409 => Code::Aborted,
            429 => Code::ResourceExhausted,
            _ => Code::FailedPrecondition,
        },
        ErrorCode::CANCELLED => Code::Cancelled,
        ErrorCode::DEADLINE_EXCEEDED => Code::DeadlineExceeded,
        _ => Code::Internal,
    }
}
