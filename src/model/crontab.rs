//! When something runs, as a crontab says it: five fields, or a word for them.
//!
//! Sources: crontab(5) of Debian's cron 3.0pl1 and of cronie 1.5; `entry.c` of both. What only one
//! of them takes (`~`, names in ranges and lists) is refused, and so is what they take and never
//! do: a range that runs backwards, a day that no month has.

use std::collections::BTreeSet;
use std::fmt;

use super::name::Wrong;

/// A schedule that any cron takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Crontab(String);

/// A field: what it counts, from where to where, and the names of its numbers.
struct Field {
    what: &'static str,
    least: u32,
    most: u32,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { what: "minute", least: 0, most: 59, names: &[] },
    Field { what: "hour", least: 0, most: 23, names: &[] },
    Field { what: "day of the month", least: 1, most: 31, names: &[] },
    Field { what: "month", least: 1, most: 12, names: &MONTHS },
    // 0 and 7 are both Sunday
    Field { what: "day of the week", least: 0, most: 7, names: &DAYS },
];

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// What a month has at the most.
const LENGTHS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// What stands for five fields, or for the start of the host.
const WORDS: [&str; 8] =
    ["@reboot", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

impl Crontab {
    /// # Errors
    /// What is wrong with it, field by field.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        if let [word] = words.as_slice()
            && word.starts_with('@')
        {
            let help = format!("cron knows {}", WORDS.join(", "));
            let known = WORDS.contains(word).then(|| Self((*word).to_owned()));
            return known.ok_or_else(|| Wrong::new("is no word of cron's", help));
        }
        let [minute, hour, day, month, weekday] = words.as_slice() else {
            let help = "write minute, hour, day, month and day of the week, as `17 3 * * *`";
            return Err(Wrong::new(format!("has {} of five fields", words.len()), help));
        };
        FIELDS[0].parse(minute)?;
        FIELDS[1].parse(hour)?;
        let days = FIELDS[2].parse(day)?;
        let months = FIELDS[3].parse(month)?;
        FIELDS[4].parse(weekday)?;
        // a day of either kind is enough, but for a field that starts with a star
        let either = !day.starts_with('*') && !weekday.starts_with('*');
        let comes = |month: &u32| days.iter().any(|day| *day <= LENGTHS[*month as usize - 1]);
        if !either && !months.iter().any(comes) {
            let help = "write a day that the month has, or another month";
            return Err(Wrong::new("is a day that never comes", help));
        }
        Ok(Self(words.join(" ")))
    }
}

impl fmt::Display for Crontab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Field {
    /// The numbers that a field names: parts between commas, each a star, a number or a range,
    /// the star and the range with a step.
    fn parse(&self, text: &str) -> Result<BTreeSet<u32>, Wrong> {
        if let Some(at) = self.names.iter().position(|name| text.eq_ignore_ascii_case(name)) {
            return Ok(BTreeSet::from([u32::try_from(at).unwrap_or_default() + self.least]));
        }
        let mut numbers = BTreeSet::new();
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(step)),
                None => (part, None),
            };
            let (from, to) = self.range(range, step)?;
            let step = step.map_or(Ok(1), |step| self.step(step))?;
            numbers.extend((from..=to).step_by(step as usize));
        }
        Ok(numbers)
    }

    fn range(&self, range: &str, step: Option<&str>) -> Result<(u32, u32), Wrong> {
        if range == "*" {
            return Ok((self.least, self.most));
        }
        if let Some((from, to)) = range.split_once('-') {
            let (from, to) = (self.number(from)?, self.number(to)?);
            if from <= to {
                return Ok((from, to));
            }
            let why = format!("has the {} `{range}`, which runs backwards", self.what);
            let help = format!("write two parts, as `{from}-{},{}-{to}`", self.most, self.least);
            return Err(Wrong::new(why, help));
        }
        let number = self.number(range)?;
        if let Some(step) = step {
            let why = format!("has the {} `{range}/{step}`, a step without a range", self.what);
            return Err(Wrong::new(why, format!("write `{range}-{}/{step}`", self.most)));
        }
        Ok((number, number))
    }

    fn number(&self, text: &str) -> Result<u32, Wrong> {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit());
        let number = text.parse().ok().filter(|_| digits);
        if let Some(number) = number.filter(|it| (self.least..=self.most).contains(it)) {
            return Ok(number);
        }
        let why = format!("has the {} `{text}`", self.what);
        let mut help = format!("write a number, {} to {}", self.least, self.most);
        if let [first, .., last] = self.names {
            help.push_str(&format!(", or one name alone, `{first}` to `{last}`"));
        }
        Err(Wrong::new(why, help))
    }

    fn step(&self, text: &str) -> Result<u32, Wrong> {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit());
        let step: Option<u32> = text.parse().ok().filter(|_| digits);
        step.filter(|it| (1..=self.most).contains(it)).ok_or_else(|| {
            let why = format!("has the step `{text}` of the {}", self.what);
            Wrong::new(why, format!("write a number, 1 to {}", self.most))
        })
    }
}
