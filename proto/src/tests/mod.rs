//! Tests that involve several modules.

mod tampering;
