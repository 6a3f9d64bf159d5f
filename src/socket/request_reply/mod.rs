//! REQ and REP (RFC 28).

mod lock_step;
mod rep;
mod replier;
mod req;
mod requesting;

pub use self::lock_step::LockStep;
pub use self::rep::Rep;
pub use self::replier::Replier;
pub use self::req::Req;
pub(super) use self::requesting::Requesting;
