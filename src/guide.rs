//! Guides to subjects that concern several types.
//!
//! These modules contain documentation only.

#[doc = include_str!("guide/browsers.md")]
pub mod browsers {}

#[doc = include_str!("guide/endpoints.md")]
pub mod endpoints {}

#[doc = include_str!("guide/from_pyzmq.md")]
pub mod from_pyzmq {}

#[doc = include_str!("guide/keys.md")]
pub mod keys {}

#[doc = include_str!("guide/limits.md")]
pub mod limits {}

#[doc = include_str!("guide/observability.md")]
pub mod observability {}

#[cfg(feature = "tls")]
#[doc = include_str!("guide/tls.md")]
pub mod tls {}
