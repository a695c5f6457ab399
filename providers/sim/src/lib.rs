//! A scripted cloud with delays, faults and lost replies, for tests.
//!
//! The world is a directory, so it outlives a loam that is killed: every object bears its address, state id
//! and op token, and `effects.log` has one line for every effect. A fault script says which calls fail, and how.
//! Nothing is random: the same calls meet the same faults.
//!
//! [`World`] keeps the objects, [`Script`] decides on faults, [`SimFactory`] offers both as a provider,
//! and [`SimWorld`] is a test's own hand in the world.

mod factory;
mod kinds;
mod provider;
mod script;
mod sim_world;
#[cfg(test)]
mod tests;
mod world;

pub use factory::SimFactory;
pub use script::{Count, Fault, Rule, Script, ScriptError, Verb};
pub use sim_world::SimWorld;
pub use world::{Effect, Extent, Object, World, WorldError};
