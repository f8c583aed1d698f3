//! Recurrence rules as RFC 5545, section 3.3.10, writes them: `FREQ=WEEKLY;BYDAY=SU`.

use jiff::civil::Weekday;

use crate::time::Timestamp;

/// How long the periods are that a rule repeats in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Frequency {
    Secondly,
    Minutely,
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// A day of the week, each or the n-th of a month or year; from its end where n is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ByDay {
    pub(super) nth: Option<i16>,
    pub(super) weekday: Weekday,
}

/// A rule, without where it starts. Empty lists restrict nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Rule {
    pub(super) frequency: Frequency,
    pub(super) interval: i64,
    pub(super) count: Option<u64>,
    pub(super) until: Option<Timestamp>,
    pub(super) week_start: Weekday,
    pub(super) months: Vec<i16>,
    pub(super) weeks: Vec<i16>,
    pub(super) year_days: Vec<i16>,
    pub(super) month_days: Vec<i16>,
    pub(super) days: Vec<ByDay>,
    pub(super) hours: Vec<i16>,
    pub(super) minutes: Vec<i16>,
    pub(super) seconds: Vec<i16>,
    pub(super) positions: Vec<i16>,
}

/// What `INTERVAL` and `COUNT` may be at most.
const MOST: u64 = 1_000_000_000;
/// How many times of a day a rule names at most.
const MOST_TIMES: usize = 366;
/// The longest rule, bytes.
const LONGEST: usize = 2_000;

impl Rule {
    /// Reads a rule.
    ///
    /// # Errors
    /// With a sentence about the first part that is wrong.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("must not be longer than {LONGEST} bytes"));
        }
        let mut parts: Vec<(String, String)> = Vec::new();
        for part in text.split(';') {
            let Some((name, value)) = part.split_once('=') else {
                return Err(format!("has a part that is not NAME=VALUE: `{part}`"));
            };
            let (name, value) = (name.to_ascii_uppercase(), value.to_ascii_uppercase());
            if parts.iter().any(|(given, _)| *given == name) {
                return Err(format!("has {name} twice"));
            }
            parts.push((name, value));
        }
        let Some(at) = parts.iter().position(|(name, _)| name == "FREQ") else {
            return Err("must have FREQ, such as FREQ=WEEKLY;BYDAY=SU".to_owned());
        };
        let (_, frequency) = parts.remove(at);
        let mut rule = Self::of(Frequency::parse(&frequency)?);
        for (name, value) in &parts {
            rule.take(name, value)?;
        }
        rule.check()?;
        Ok(rule)
    }

    fn of(frequency: Frequency) -> Self {
        Self {
            frequency,
            interval: 1,
            count: None,
            until: None,
            week_start: Weekday::Monday,
            months: Vec::new(),
            weeks: Vec::new(),
            year_days: Vec::new(),
            month_days: Vec::new(),
            days: Vec::new(),
            hours: Vec::new(),
            minutes: Vec::new(),
            seconds: Vec::new(),
            positions: Vec::new(),
        }
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "INTERVAL" => self.interval = count(name, value)? as i64,
            "COUNT" => self.count = Some(count(name, value)?),
            "UNTIL" => self.until = Some(until(value)?),
            "WKST" => self.week_start = weekday(value).ok_or_else(|| day_wanted(name))?,
            "BYMONTH" => self.months = numbers(name, value, 1, 12, false)?,
            "BYWEEKNO" => self.weeks = numbers(name, value, 1, 53, true)?,
            "BYYEARDAY" => self.year_days = numbers(name, value, 1, 366, true)?,
            "BYMONTHDAY" => self.month_days = numbers(name, value, 1, 31, true)?,
            "BYDAY" => self.days = days(value)?,
            "BYHOUR" => self.hours = numbers(name, value, 0, 23, false)?,
            "BYMINUTE" => self.minutes = numbers(name, value, 0, 59, false)?,
            "BYSECOND" => {
                self.seconds = numbers(name, value, 0, 60, false)?;
                // Where there are no leap seconds, RFC 5545, section 3.3.12, takes the second before.
                self.seconds
                    .iter_mut()
                    .for_each(|second| *second = (*second).min(59));
                self.seconds.dedup();
            }
            "BYSETPOS" => self.positions = numbers(name, value, 1, 366, true)?,
            _ => {
                return Err(format!(
                    "has a part that RFC 5545 does not know: `{}`",
                    name.chars().take(32).collect::<String>()
                ));
            }
        }
        Ok(())
    }

    /// What RFC 5545 says must not be together.
    fn check(&self) -> Result<(), String> {
        use Frequency::{Daily, Monthly, Weekly, Yearly};
        let wrong = |is_wrong: bool, reason: &str| {
            if is_wrong {
                Err(reason.to_owned())
            } else {
                Ok(())
            }
        };
        let frequency = self.frequency;
        wrong(
            self.count.is_some() && self.until.is_some(),
            "must have COUNT or UNTIL, not both",
        )?;
        wrong(
            !self.weeks.is_empty() && frequency != Yearly,
            "must have BYWEEKNO with FREQ=YEARLY alone",
        )?;
        wrong(
            !self.year_days.is_empty() && matches!(frequency, Daily | Weekly | Monthly),
            "must not have BYYEARDAY with FREQ=DAILY, WEEKLY or MONTHLY",
        )?;
        wrong(
            !self.month_days.is_empty() && frequency == Weekly,
            "must not have BYMONTHDAY with FREQ=WEEKLY",
        )?;
        let numbered = self.days.iter().any(|day| day.nth.is_some());
        wrong(
            numbered && !matches!(frequency, Monthly | Yearly),
            "must have numbers in BYDAY with FREQ=MONTHLY or YEARLY alone",
        )?;
        wrong(
            numbered && !self.weeks.is_empty(),
            "must not have numbers in BYDAY with BYWEEKNO",
        )?;
        let named = |list: &[i16]| list.len().max(1);
        let times = named(&self.hours) * named(&self.minutes) * named(&self.seconds);
        wrong(
            times > MOST_TIMES && frequency >= Frequency::Hourly,
            "must not name more than 366 times of a day",
        )?;
        let others = [
            &self.months,
            &self.weeks,
            &self.year_days,
            &self.month_days,
            &self.hours,
            &self.minutes,
            &self.seconds,
        ];
        wrong(
            !self.positions.is_empty()
                && self.days.is_empty()
                && others.iter().all(|list| list.is_empty()),
            "must have BYSETPOS with another BY part alone",
        )
    }
}

impl Frequency {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(match text {
            "SECONDLY" => Self::Secondly,
            "MINUTELY" => Self::Minutely,
            "HOURLY" => Self::Hourly,
            "DAILY" => Self::Daily,
            "WEEKLY" => Self::Weekly,
            "MONTHLY" => Self::Monthly,
            "YEARLY" => Self::Yearly,
            _ => {
                return Err(
                    "must have as FREQ one of YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, MINUTELY, SECONDLY"
                        .to_owned(),
                );
            }
        })
    }
}

fn count(name: &str, value: &str) -> Result<u64, String> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse::<u64>().ok().filter(|_| digits);
    number
        .filter(|number| (1..=MOST).contains(number))
        .ok_or_else(|| format!("must have as {name} a whole number from 1 to {MOST}"))
}

/// `20261231T235959Z`.
fn until(value: &str) -> Result<Timestamp, String> {
    let wanted = || "must have as UNTIL a time in UTC such as 20261231T235959Z".to_owned();
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let bytes = value.as_bytes();
    let has_form = bytes.len() == 16
        && bytes[..8].iter().all(is_digit)
        && bytes[8] == b'T'
        && bytes[9..15].iter().all(is_digit)
        && bytes[15] == b'Z';
    if !has_form {
        return Err(wanted());
    }
    let part = |from: usize, to: usize| &value[from..to];
    let written = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(9, 11),
        part(11, 13),
        part(13, 15)
    );
    written.parse().map_err(|_| wanted())
}

/// Numbers from `least` to `greatest`, and their negatives where they may count from the end.
fn numbers(
    name: &str,
    value: &str,
    least: i16,
    greatest: i16,
    from_the_end: bool,
) -> Result<Vec<i16>, String> {
    let wanted = || {
        let or_negative = if from_the_end { ", or negative" } else { "" };
        format!("must have in {name} whole numbers from {least} to {greatest}{or_negative}")
    };
    let mut numbers = Vec::new();
    for one in value.split(',') {
        let number = signed(one).ok_or_else(wanted)?;
        let size = if from_the_end { number.abs() } else { number };
        if !(least..=greatest).contains(&size) {
            return Err(wanted());
        }
        numbers.push(number);
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

/// A number of at most 3 digits, with or without a sign.
fn signed(text: &str) -> Option<i16> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number =
        (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

fn days(value: &str) -> Result<Vec<ByDay>, String> {
    let mut days = Vec::new();
    for one in value.split(',') {
        let wanted = || day_wanted("BYDAY");
        let at = one.len().checked_sub(2).ok_or_else(wanted)?;
        let (nth, name) = one.split_at_checked(at).ok_or_else(wanted)?;
        let weekday = weekday(name).ok_or_else(wanted)?;
        let nth = match nth {
            "" => None,
            nth => Some(
                signed(nth)
                    .filter(|nth| (1..=53).contains(&nth.abs()))
                    .ok_or_else(wanted)?,
            ),
        };
        let day = ByDay { nth, weekday };
        if !days.contains(&day) {
            days.push(day);
        }
    }
    Ok(days)
}

fn day_wanted(name: &str) -> String {
    let or_numbered = if name == "BYDAY" {
        ", in months and years also numbered such as 1MO or -1SU"
    } else {
        ""
    };
    format!("must have in {name} days such as MO, TU, WE, TH, FR, SA, SU{or_numbered}")
}

fn weekday(name: &str) -> Option<Weekday> {
    Some(match name {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    })
}
