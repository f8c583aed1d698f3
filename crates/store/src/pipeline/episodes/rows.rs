use chrono::NaiveDateTime;
use domain::{
    Span, Timestamp,
    evaluation::{Episode, JudgedSpan, Side},
};
use sqlx::{Arguments, error::BoxDynError, mysql::MySqlArguments};

use super::{super::upsert::Row, Owner, side_name};
use crate::read::column_time;

fn bind_owner(owner: &Owner<'_>, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
    arguments.add(owner.sla)?;
    arguments.add(owner.objective)?;
    arguments.add(owner.version)?;
    arguments.add(owner.series_id)
}

fn bind_span(
    start: Timestamp,
    end: Timestamp,
    arguments: &mut MySqlArguments,
) -> Result<(), BoxDynError> {
    arguments.add(column_time(start))?;
    arguments.add(column_time(end))
}

#[derive(Debug)]
pub(super) struct EpisodeRow<'a> {
    pub(super) owner: Owner<'a>,
    pub(super) episode: Episode,
}

impl<'a> Row for EpisodeRow<'a> {
    const INTO: &'static str = "INSERT INTO episode (sla, objective, version, series_id, side, \
        `start`, `end`, start_known, ongoing, worst, worst_infinite) VALUES";
    const COLUMNS: usize = 11;
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE `end` = VALUES(`end`), \
        start_known = VALUES(start_known), ongoing = VALUES(ongoing), worst = VALUES(worst), \
        worst_infinite = VALUES(worst_infinite)";
    type Key = (Owner<'a>, Side, Timestamp);

    fn key(&self) -> Self::Key {
        (self.owner, self.episode.side, self.episode.start)
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        let episode = &self.episode;
        bind_owner(&self.owner, arguments)?;
        arguments.add(side_name(episode.side))?;
        bind_span(episode.start, episode.end, arguments)?;
        arguments.add(episode.start_known)?;
        arguments.add(episode.ongoing)?;
        arguments.add(episode.worst)?;
        arguments.add(episode.worst_infinite)
    }
}

#[derive(Debug)]
pub(super) struct GapRow<'a> {
    pub(super) owner: Owner<'a>,
    pub(super) gap: Span,
}

impl<'a> Row for GapRow<'a> {
    const INTO: &'static str =
        "INSERT INTO gap (sla, objective, version, series_id, `start`, `end`) VALUES";
    const COLUMNS: usize = 6;
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE `end` = VALUES(`end`)";
    type Key = (Owner<'a>, Timestamp);

    fn key(&self) -> Self::Key {
        (self.owner, self.gap.start)
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        bind_owner(&self.owner, arguments)?;
        bind_span(self.gap.start, self.gap.end, arguments)
    }
}

#[derive(Debug)]
pub(super) struct JudgedRow<'a> {
    pub(super) owner: Owner<'a>,
    pub(super) span: JudgedSpan,
}

impl<'a> Row for JudgedRow<'a> {
    const INTO: &'static str =
        "INSERT INTO judged (sla, objective, version, series_id, `start`, `end`, as_of) VALUES";
    const COLUMNS: usize = 7;
    const OTHERWISE: &'static str =
        "ON DUPLICATE KEY UPDATE `end` = VALUES(`end`), as_of = VALUES(as_of)";
    type Key = (Owner<'a>, NaiveDateTime);

    fn key(&self) -> Self::Key {
        (self.owner, column_time(self.span.start))
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        bind_owner(&self.owner, arguments)?;
        bind_span(self.span.start, self.span.end, arguments)?;
        arguments.add(column_time(self.span.as_of))
    }
}
