//! Why a call has failed, in the words of gRPC.

use tokio_zmtp::rpc::{CallError, ErrorCode, Failure};
use tonic::{Code, Status};

/// What a caller is told of an error. `UNAVAILABLE`, upon which many call again by themselves, is for
/// what was certainly not begun.
pub(super) fn of(error: &CallError) -> Status {
    let code = match error {
        _ if error.is_retryable() => Code::Unavailable,
        CallError::Closed => Code::Unavailable,
        CallError::DeadlineExceeded => Code::DeadlineExceeded,
        CallError::Failed(failure) => of_failure(failure),
        // Whether the task was performed nobody knows.
        CallError::ConnectionLost => Code::Unknown,
        _ => Code::Internal,
    };
    Status::new(code, error.to_string())
}

/// Numbers of the application are those of HTTP.
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
