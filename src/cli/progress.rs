//! What a person sees of a long build, and what each stage took. The clock is here.
//!
//! In: what the core tells a [`Watch`]. Out: one line on a terminal, rewritten, and gone at the
//! end; a table where it is asked for. Into a pipe goes nothing but that table.

use std::io::{IsTerminal, stderr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::tell;
use crate::watch::Watch;

/// Shorter builds are over before anybody has read a line.
const LONG: Duration = Duration::from_secs(1);

/// How often the line is rewritten at the most.
const PACE: Duration = Duration::from_millis(100);

/// Room for the longest line.
const WIDTH: usize = 32;

/// Watches one build.
pub(super) struct Progress {
    start: Instant,
    timings: bool,
    terminal: bool,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Each stage, and when it began.
    stages: Vec<(&'static str, Duration)>,
    hosts: usize,
    drawn: Option<Duration>,
}

impl Progress {
    pub(super) fn new(timings: bool) -> Self {
        let (start, seen) = (now(), Mutex::default());
        Self { start, timings, terminal: stderr().is_terminal(), seen }
    }

    /// The build is over: the line goes, the table comes.
    pub(super) fn finish(&self) {
        let seen = self.seen();
        if seen.drawn.is_some() {
            tell(&format!("\r{:WIDTH$}\r", ""));
        }
        if self.timings {
            tell(&table(&seen.stages, self.start.elapsed()));
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw(&self, seen: &mut Seen, line: &str) {
        let elapsed = self.start.elapsed();
        let due = seen.drawn.map_or(LONG, |last| last + PACE);
        if self.terminal && elapsed >= due {
            seen.drawn = Some(elapsed);
            tell(&format!("\r{line:WIDTH$}"));
        }
    }
}

impl Watch for Progress {
    fn stage(&self, name: &'static str) {
        let mut seen = self.seen();
        seen.stages.push((name, self.start.elapsed()));
        self.draw(&mut seen, name);
    }

    fn host(&self, done: usize, of: usize) {
        let mut seen = self.seen();
        seen.hosts = seen.hosts.max(done);
        let line = format!("{} of {of} hosts", seen.hosts);
        self.draw(&mut seen, &line);
    }
}

/// A line for each stage, and one for all.
fn table(stages: &[(&str, Duration)], end: Duration) -> String {
    let ends = stages.iter().skip(1).map(|(_, begin)| *begin).chain([end]);
    let took =
        stages.iter().zip(ends).map(|((name, begin), end)| (*name, end.saturating_sub(*begin)));
    let lines = took.chain([("all", end)]);
    lines.fold(String::new(), |table, (name, took)| {
        let milliseconds = took.as_secs_f64() * 1000.0;
        table + &format!("{name:<24} {milliseconds:>10.1} ms\n")
    })
}

#[expect(clippy::disallowed_methods, reason = "this is the edge: nothing is built from the time")]
fn now() -> Instant {
    Instant::now()
}
