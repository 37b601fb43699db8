//! What benchmarks share: a command's time, and Markdown tables. Not here: what is measured.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) fn timed(command: &mut Command) -> Duration {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let start = Instant::now();
    let status = command.status().expect("the program is there");
    let time = start.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    time
}

pub(crate) fn line(cells: &[String]) {
    println!("| {} |", cells.join(" | "));
}

/// `1,234 (0.56)`.
pub(crate) fn against(time: Duration, copy: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    let ms = if ms < 10.0 {
        format!("{ms:.2}")
    } else {
        grouped(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    };
    format!("{ms} ({:.2})", time.as_secs_f64() / copy.as_secs_f64())
}

/// `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
