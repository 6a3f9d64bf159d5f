//! Tests of several modules together.

mod tampering;
