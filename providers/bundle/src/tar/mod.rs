//! Canonical tar.
