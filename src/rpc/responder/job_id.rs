//! The key of a request.

use crate::rpc::return_path::ReturnPath;
use crate::socket::tracked::PipeKey;

/// The key of a request: the pipe of its remote, the tag of its requester, and the id of its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct JobId {
    pub(super) pipe: PipeKey,
    pub(super) tag: u64,
    pub(super) call: u64,
}

impl JobId {
    #[inline]
    pub(super) fn new(pipe: PipeKey, path: &impl ReturnPath, call: u64) -> Self {
        Self { pipe, tag: path.tag(), call }
    }
}
