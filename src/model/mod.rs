//! Types that later stages pass to each other. Types only: no stage, no I/O, nothing that can
//! hold an invalid value.

pub mod consequence;
pub mod crontab;
pub mod facts;
pub mod grid;
pub mod host;
pub mod key_type;
pub mod name;
pub mod own;
mod pattern;
pub mod plan;
pub mod settled;
pub mod value;
pub mod view;
