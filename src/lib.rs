//! clustergen compiles one description of a high-availability cluster into one bundle per host.

pub mod diag;
pub mod source;
pub mod syntax;
pub mod quote;
pub mod model;
pub mod schema;
pub mod platform;
