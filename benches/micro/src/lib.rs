//! The parts of the hot path of `tokio-zmtp`, in a form that can be timed and counted.
//!
//! The library's inner modules are private. The modules of the hot path and the modules that they
//! import are included here by path, under their own names.

#![expect(
    dead_code,
    unexpected_cfgs,
    unnameable_types,
    unreachable_pub,
    unused_imports,
    reason = "a part of the library, without its features"
)]

pub mod rounds;

/// Includes modules of the library.
macro_rules! include_modules {
    ($($path:literal $module:ident)*) => {$(
        #[path = $path]
        mod $module;
    )*};
}

include_modules! {
    "../../../src/auth/mod.rs" auth
    "../../../src/connection/mod.rs" connection
    "../../../src/connection_id.rs" connection_id
    "../../../src/error.rs" error
    "../../../src/message/mod.rs" message
    "../../../src/monitor/mod.rs" monitor
    "../../../src/options/mod.rs" options
    "../../../src/pipe/mod.rs" pipe
    "../../../src/quota.rs" quota
    "../../../src/remote.rs" remote
    "../../../src/routing/mod.rs" routing
    "../../../src/routing_id.rs" routing_id
    "../../../src/stats.rs" stats
    "../../../src/sync.rs" sync
}
