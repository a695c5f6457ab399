//! When functions take two values for the same.

use loam_provider::Value;

/// Returns whether two known values are equal as `==` has it.
pub(in crate::eval) fn same(left: &Value, right: &Value) -> bool {
    super::super::operators::equal(left, right) == Some(true)
}
