//! Tests of the real binary, and of the rules that hold for the whole project.

mod architecture;
