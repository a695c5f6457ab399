//! A scripted cloud with delays, faults and lost replies, for tests.
