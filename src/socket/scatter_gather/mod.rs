//! SCATTER and GATHER (RFC 49).

mod gather;
mod scatter;

pub use self::gather::Gather;
pub use self::scatter::Scatter;
