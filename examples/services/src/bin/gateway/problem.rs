//! Failures of requests as HTTP problems.

use std::fmt;

use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use tokio_zmtp::rpc::{CallError, ErrorCode, Failure};

/// The reason why a request has no reply.
#[derive(Debug)]
pub(super) enum Problem {
    Call(CallError),
    NoServer,
    Overloaded,
    /// The timeout header is not a number.
    InvalidTimeout,
}

impl Problem {
    fn status(&self) -> StatusCode {
        match self {
            Self::Call(error) => status_of(error),
            Self::NoServer | Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::InvalidTimeout => StatusCode::BAD_REQUEST,
        }
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(error) => error.fmt(f),
            Self::NoServer => f.write_str("no server is connected"),
            Self::Overloaded => f.write_str("the service is overloaded"),
            Self::InvalidTimeout => f.write_str("the timeout is not a number of milliseconds"),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let text = format!("{self}\n");
        if status == StatusCode::SERVICE_UNAVAILABLE {
            // The request was not started and can safely be repeated.
            (status, [(RETRY_AFTER, "1")], text).into_response()
        } else {
            (status, text).into_response()
        }
    }
}

fn status_of(error: &CallError) -> StatusCode {
    match error {
        _ if error.is_retryable() => StatusCode::SERVICE_UNAVAILABLE,
        CallError::Closed => StatusCode::SERVICE_UNAVAILABLE,
        CallError::DeadlineExceeded | CallError::NotSent => StatusCode::GATEWAY_TIMEOUT,
        CallError::Failed(failure) => status_of_failure(failure),
        // It is unknown whether the task was performed.
        _ => StatusCode::BAD_GATEWAY,
    }
}

/// Returns the status of an error. Application numbers that are HTTP status codes of client errors
/// keep their meaning.
fn status_of_failure(failure: &Failure) -> StatusCode {
    match failure.code() {
        ErrorCode::APPLICATION => u16::try_from(failure.detail())
            .ok()
            .and_then(|detail| StatusCode::from_u16(detail).ok())
            .filter(StatusCode::is_client_error)
            .unwrap_or(StatusCode::BAD_GATEWAY),
        ErrorCode::DEADLINE_EXCEEDED => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_GATEWAY,
    }
}
