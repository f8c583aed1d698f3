//! The local times at which a rule says that something happens, in order.
//!
//! RFC 5545, section 3.3.10: of each period (a year, a month, … of `FREQ`, each `INTERVAL`-th) the days that all of the
//! `BY` parts allow, at the times that they name; what they do not name is taken from the start. Of these `BYSETPOS` picks
//! some.

use jiff::{
    Span, ToSpan,
    civil::{Date, DateTime, Time, Weekday},
};

use super::rule::{ByDay, Frequency, Rule};

/// The local times of a rule. It ends with `COUNT`, at the end of the year 9999, or after more periods without any time
/// than a rule that ever recurs has; `UNTIL` is the caller's.
pub(super) struct Occurrences<'a> {
    rule: &'a Rule,
    filter: DayFilter<'a>,
    starts: DateTime,
    /// Which period comes next, counted from the one of the start.
    period: i64,
    /// Times of the period that was looked at last, the last of them first.
    found: Vec<DateTime>,
    returned: u64,
}

/// How many periods without any time are looked at: 28 years have each date on each day of the week, and so many of the
/// periods of a rule by the day.
const MOST_EMPTY: u32 = 28 * 366;
const DAY_SECONDS: i64 = 86_400;

impl<'a> Occurrences<'a> {
    pub(super) fn new(rule: &'a Rule, starts: DateTime) -> Self {
        Self {
            rule,
            filter: DayFilter::of(rule, starts),
            starts,
            period: 0,
            found: Vec::new(),
            returned: 0,
        }
    }

    /// Looks at the next period. `None`: there is no more.
    fn look(&mut self) -> Option<()> {
        let number = self.period.checked_mul(self.rule.interval)?;
        self.period += 1;
        let mut times = match self.rule.frequency {
            Frequency::Secondly => self.short_period(number, 1)?,
            Frequency::Minutely => self.short_period(number, 60)?,
            Frequency::Hourly => self.short_period(number, 3_600)?,
            _ => self.long_period(number)?,
        };
        times.sort_unstable();
        let mut picked = pick(times, &self.rule.positions);
        picked.retain(|time| *time >= self.starts);
        picked.reverse();
        self.found = picked;
        Some(())
    }

    /// The times of a day, week, month or year.
    fn long_period(&self, number: i64) -> Option<Vec<DateTime>> {
        let (first, next) = self.bounds(number)?;
        let times = self.times_of_day();
        let mut found = Vec::new();
        let mut day = first;
        while day < next {
            if self.filter.allows(day) {
                found.extend(times.iter().map(|time| day.to_datetime(*time)));
            }
            day = day.tomorrow().ok()?;
        }
        Some(found)
    }

    /// The first day of a period, and that of the one after it.
    fn bounds(&self, number: i64) -> Option<(Date, Date)> {
        let starts = self.starts.date();
        let (base, unit): (Date, fn(i64) -> Option<Span>) = match self.rule.frequency {
            Frequency::Yearly => (starts.first_of_year(), |n| Span::new().try_years(n).ok()),
            Frequency::Monthly => (starts.first_of_month(), |n| Span::new().try_months(n).ok()),
            Frequency::Weekly => (week_start(starts, self.rule.week_start)?, |n| {
                Span::new().try_weeks(n).ok()
            }),
            _ => (starts, |n| Span::new().try_days(n).ok()),
        };
        let at = |number: i64| base.checked_add(unit(number)?).ok();
        Some((at(number)?, at(number + 1)?))
    }

    /// The times of an hour, a minute or a second. Periods that a part does not allow are passed over at once: the next one
    /// that is looked at is the first in the next hour or on the next day.
    fn short_period(&mut self, number: i64, seconds: i64) -> Option<Vec<DateTime>> {
        let rule = self.rule;
        let into_period = match rule.frequency {
            Frequency::Hourly => {
                i64::from(self.starts.minute()) * 60 + i64::from(self.starts.second())
            }
            Frequency::Minutely => i64::from(self.starts.second()),
            _ => 0,
        };
        let base = self
            .starts
            .checked_sub(Span::new().try_seconds(into_period).ok()?)
            .ok()?;
        let elapsed = number.checked_mul(seconds)?;
        let at = base
            .checked_add(Span::new().try_seconds(elapsed).ok()?)
            .ok()?;
        let of_day =
            i64::from(at.hour()) * 3_600 + i64::from(at.minute()) * 60 + i64::from(at.second());
        let mut skip = |to_next: i64| {
            // The number of the first period that begins so much later, or after that.
            let ahead = (elapsed + to_next).div_euclid(seconds)
                + i64::from((elapsed + to_next).rem_euclid(seconds) > 0);
            let steps =
                ahead.div_euclid(rule.interval) + i64::from(ahead.rem_euclid(rule.interval) > 0);
            self.period = self.period.max(steps);
            Some(Vec::new())
        };
        if !self.filter.allows(at.date()) {
            return skip(DAY_SECONDS - of_day);
        }
        let allows = |list: &[i16], value: i8| list.is_empty() || list.contains(&i16::from(value));
        if !allows(&rule.hours, at.hour()) {
            return skip(3_600 - of_day % 3_600);
        }
        if rule.frequency < Frequency::Hourly && !allows(&rule.minutes, at.minute()) {
            return skip(60 - of_day % 60);
        }
        if rule.frequency == Frequency::Secondly && !allows(&rule.seconds, at.second()) {
            return Some(Vec::new());
        }
        let minutes = match rule.frequency {
            Frequency::Hourly => or_own(&rule.minutes, self.starts.minute()),
            _ => vec![at.minute()],
        };
        let seconds = match rule.frequency {
            Frequency::Secondly => vec![at.second()],
            _ => or_own(&rule.seconds, self.starts.second()),
        };
        let mut found = Vec::new();
        for minute in minutes {
            for second in &seconds {
                let time = Time::new(at.hour(), minute, *second, 0).ok()?;
                found.push(at.date().to_datetime(time));
            }
        }
        Some(found)
    }

    fn times_of_day(&self) -> Vec<Time> {
        let mut times = Vec::new();
        for hour in or_own(&self.rule.hours, self.starts.hour()) {
            for minute in or_own(&self.rule.minutes, self.starts.minute()) {
                for second in or_own(&self.rule.seconds, self.starts.second()) {
                    times.extend(Time::new(hour, minute, second, 0).ok());
                }
            }
        }
        times
    }
}

impl Iterator for Occurrences<'_> {
    type Item = DateTime;

    fn next(&mut self) -> Option<DateTime> {
        if self.rule.count.is_some_and(|count| self.returned >= count) {
            return None;
        }
        let mut empty = 0;
        while self.found.is_empty() {
            if empty > MOST_EMPTY * 100 {
                return None;
            }
            // Years and months are long: so many of them without a time go by only if there never is one.
            empty += match self.rule.frequency {
                Frequency::Yearly => 36_600,
                Frequency::Monthly => 3_000,
                Frequency::Weekly => 700,
                Frequency::Daily => 100,
                _ => 1,
            };
            self.look()?;
        }
        self.returned += 1;
        self.found.pop()
    }
}

/// The values of a part, or that of the start.
fn or_own(list: &[i16], own: i8) -> Vec<i8> {
    if list.is_empty() {
        return vec![own];
    }
    list.iter()
        .filter_map(|value| i8::try_from(*value).ok())
        .collect()
}

/// Those at the positions that are wanted, counted from 1, or from the end where they are negative.
fn pick(times: Vec<DateTime>, positions: &[i16]) -> Vec<DateTime> {
    if positions.is_empty() {
        return times;
    }
    let many = times.len() as i64;
    let mut picked: Vec<DateTime> = positions
        .iter()
        .filter_map(|position| {
            let position = i64::from(*position);
            let place = if position > 0 {
                position - 1
            } else {
                many + position
            };
            usize::try_from(place)
                .ok()
                .and_then(|place| times.get(place).copied())
        })
        .collect();
    picked.sort_unstable();
    picked.dedup();
    picked
}

/// The first day of the week that holds a day.
fn week_start(day: Date, first: Weekday) -> Option<Date> {
    let into_week = i64::from(day.weekday().since(first));
    day.checked_sub(into_week.days()).ok()
}

/// Which days the parts allow.
struct DayFilter<'a> {
    rule: &'a Rule,
    months: Vec<i16>,
    month_days: Vec<i16>,
    days: Vec<ByDay>,
}

impl<'a> DayFilter<'a> {
    fn of(rule: &'a Rule, starts: DateTime) -> Self {
        let (mut months, mut month_days, mut days) = (
            rule.months.clone(),
            rule.month_days.clone(),
            rule.days.clone(),
        );
        let names_a_day = !rule.year_days.is_empty() || !month_days.is_empty() || !days.is_empty();
        // What the rule does not say is as at the start.
        if !names_a_day {
            let weekday = ByDay {
                nth: None,
                weekday: starts.weekday(),
            };
            match rule.frequency {
                Frequency::Yearly if !rule.weeks.is_empty() => days.push(weekday),
                Frequency::Yearly => {
                    if months.is_empty() {
                        months.push(i16::from(starts.month()));
                    }
                    month_days.push(i16::from(starts.day()));
                }
                Frequency::Monthly => month_days.push(i16::from(starts.day())),
                Frequency::Weekly => days.push(weekday),
                _ => {}
            }
        }
        Self {
            rule,
            months,
            month_days,
            days,
        }
    }

    fn allows(&self, day: Date) -> bool {
        let counted = |list: &[i16], own: i16, many: i16| {
            list.is_empty() || list.contains(&own) || list.contains(&(own - many - 1))
        };
        let month_length = i16::from(day.days_in_month());
        (self.months.is_empty() || self.months.contains(&i16::from(day.month())))
            && counted(&self.month_days, i16::from(day.day()), month_length)
            && counted(&self.rule.year_days, day.day_of_year(), day.days_in_year())
            && (self.rule.weeks.is_empty() || self.is_in_week(day))
            && (self.days.is_empty() || self.days.iter().any(|by| self.is_day(day, *by)))
    }

    fn is_day(&self, day: Date, by: ByDay) -> bool {
        if day.weekday() != by.weekday {
            return false;
        }
        let Some(nth) = by.nth else {
            return true;
        };
        let of_year = self.rule.frequency == Frequency::Yearly && self.rule.months.is_empty();
        let (place, many) = if of_year {
            (day.day_of_year(), day.days_in_year())
        } else {
            (i16::from(day.day()), i16::from(day.days_in_month()))
        };
        let own = if nth > 0 {
            (place - 1) / 7 + 1
        } else {
            -((many - place) / 7 + 1)
        };
        own == nth
    }

    /// Whether a day is in one of the weeks. The first week of a year is the first that has four days in it.
    fn is_in_week(&self, day: Date) -> bool {
        let week = || {
            let first = self.rule.week_start;
            let start = week_start(day, first)?;
            // The year that the week belongs to is that of its fourth day.
            let year = start.checked_add(3.days()).ok()?.year();
            let first_week = |year: i16| week_start(Date::new(year, 1, 4).ok()?, first);
            let since = |from: Date| from.until(start).ok().map(|span| span.get_days() / 7);
            let number = since(first_week(year)?)? + 1;
            let until_next = -since(first_week(year.checked_add(1)?)?)?;
            Some((number as i16, -(until_next as i16)))
        };
        week().is_some_and(|(number, from_the_end)| {
            let weeks = &self.rule.weeks;
            weeks.contains(&number) || weeks.contains(&from_the_end)
        })
    }
}
