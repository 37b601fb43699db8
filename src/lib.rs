//! clustergen compiles one description of a high-availability cluster into one bundle per host.

pub mod check;
pub mod declare;
pub mod decode;
pub mod diag;
pub mod identity;
pub mod inventory;
pub mod lower;
pub mod model;
pub mod platform;
pub mod products;
pub mod quote;
pub mod render;
pub mod schema;
pub mod services;
pub mod source;
pub mod syntax;
