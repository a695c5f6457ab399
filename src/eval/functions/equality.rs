//! When functions take two values for the same.

use loam_provider::Value;

/// Returns whether two values are equal as `==` has it; `None` where that is not known.
pub(in crate::eval) fn equal(left: &Value, right: &Value) -> Option<bool> {
    super::super::operators::equal(left, right)
}

/// Returns whether two known values are equal as `==` has it.
pub(in crate::eval) fn same(left: &Value, right: &Value) -> bool {
    equal(left, right) == Some(true)
}
