//! A small replicated key-value server to try networks with.
