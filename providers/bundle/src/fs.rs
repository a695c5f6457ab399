//! File system steps.
