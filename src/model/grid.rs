//! Periods that a crontab can say without a gap at the end of the hour or the day, on which the
//! members of a group each have a minute of their own.

const HOUR: u32 = 60;
const DAY: u32 = 1440;

/// Whether cron can do something every so many minutes.
#[must_use]
pub fn fits(period: u32) -> bool {
    (1..=HOUR).contains(&period) && HOUR.is_multiple_of(period)
        || (HOUR..=DAY).contains(&period)
            && period.is_multiple_of(HOUR)
            && DAY.is_multiple_of(period)
}

/// The shortest period, in minutes, in which so many members each have a minute of their own.
#[must_use]
pub fn least(members: usize) -> Option<u32> {
    (1..=DAY).find(|period| fits(*period) && *period as usize >= members)
}

/// The five fields (crontab(5)) of every `period` minutes, `offset` minutes in.
#[must_use]
pub fn fields(period: u32, offset: u32) -> String {
    let (minute, hour) = (offset % HOUR, offset / HOUR);
    match period {
        1 => "* * * * *".to_owned(),
        2..HOUR => format!("{offset}-59/{period} * * * *"),
        HOUR => format!("{minute} * * * *"),
        DAY => format!("{minute} {hour} * * *"),
        _ => format!("{minute} {hour}-23/{} * * *", period / HOUR),
    }
}
