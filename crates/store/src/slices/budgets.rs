//! The objectives of events: what is left of their budgets and how they stand, group by group, from what is kept of what was
//! counted.

use std::{collections::HashMap, time::Duration};

use domain::{
    Labels, SeriesId, Span, SpanSet, Timestamp,
    budget::{EventsBudget, EventsQuestion, Timeline},
    events::{CountedRow, LOOKBACK},
    message::group_id,
    sla::{Definition, EventsObjective, SlaName},
};

use super::{
    Counted, CountedGroup,
    cover::Question,
    rows::{self, GroupRows},
};
use crate::{Store, StoreError};

/// The budgets of an objective at one time.
#[derive(Debug)]
pub struct CountedBudgets {
    /// Of each group that has events or was measured in the window, the least left first; of all events together where the
    /// objective has no `by`.
    pub groups: Vec<GroupBudget>,
    /// That of all events together.
    pub all: EventsBudget,
}

/// The budget of one group.
#[derive(Debug)]
pub struct GroupBudget {
    /// The values of the labels that it is counted by.
    pub labels: Labels,
    /// Its identity.
    pub id: SeriesId,
    /// Its budget.
    pub budget: EventsBudget,
    /// The end of the newest slice in which one of its counters stood.
    pub last_measured: Option<Timestamp>,
    /// Whether nothing was measured for a day while something was of another group.
    pub is_ended: bool,
}

/// Objectives that are read together.
const OBJECTIVES_AT_ONCE: usize = 256;
/// How often finer rows are asked for: what an exclusion cuts, where a frozen alert had its last word, and once more where
/// that was somewhere else among finer rows.
const MOST_QUESTIONS: usize = 4;
/// A group of which nothing was measured for so long, while something was of another, is ended.
const ENDED_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// An objective whose budgets are asked for.
#[derive(Clone, Copy, Debug)]
pub struct AskedBudgets<'a> {
    /// The SLA's name.
    pub sla: &'a SlaName,
    /// The objective.
    pub objective: &'a EventsObjective,
    /// When; `None`: before the first complete evaluation, when nothing counts.
    pub as_of: Option<Timestamp>,
    /// What is taken out of it.
    pub excluded: &'a SpanSet,
    /// What stands for `as_of` where that is `None`.
    pub moment: Timestamp,
}

impl CountedBudgets {
    /// The budgets of `objective` at `as_of`, `excluded` taken out. `None`: before the first complete evaluation nothing
    /// counts.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn read(
        store: &Store,
        sla: &SlaName,
        objective: &EventsObjective,
        as_of: Option<Timestamp>,
        (excluded, moment): (&SpanSet, Timestamp),
    ) -> Result<Self, StoreError> {
        let asked = AskedBudgets {
            sla,
            objective,
            as_of,
            excluded,
            moment,
        };
        Ok(Self::read_all(store, &[asked]).await?.swap_remove(0))
    }

    /// The same of many objectives, of which no two are the same, in their order: by few statements however many there are.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn read_all(
        store: &Store,
        asked: &[AskedBudgets<'_>],
    ) -> Result<Vec<Self>, StoreError> {
        let mut all = Vec::with_capacity(asked.len());
        for asked in asked.chunks(OBJECTIVES_AT_ONCE) {
            all.extend(Self::read_at_once(store, asked).await?);
        }
        Ok(all)
    }

    async fn read_at_once(
        store: &Store,
        asked: &[AskedBudgets<'_>],
    ) -> Result<Vec<Self>, StoreError> {
        let definitions: Vec<Definition> =
            asked.iter().map(|own| own.objective.definition()).collect();
        let counted: Vec<Counted<'_>> = asked
            .iter()
            .zip(&definitions)
            .map(|(own, definition)| Counted::new(own.sla, &own.objective.id, definition))
            .collect();
        let groups = store.counted_groups_of(&counted).await?;
        let mut reading: Vec<Reading<'_>> = asked
            .iter()
            .zip(counted)
            .zip(groups)
            .map(|((own, counted), groups)| Reading::new(*own, counted, groups))
            .collect();
        for _ in 0..MOST_QUESTIONS {
            let questions = reading.iter().enumerate().filter_map(|(place, own)| {
                let question = own.question.as_ref()?;
                Some((place, own.counted, question.clone()))
            });
            let questions: Vec<_> = questions.collect();
            if questions.is_empty() {
                break;
            }
            let rows: Vec<rows::Asked<'_>> = questions
                .iter()
                .map(|(_, counted, question)| rows::Asked {
                    counted: *counted,
                    question: Question::new(question.asked, &question.fine, question.slices),
                })
                .collect();
            let found = store.counted_rows_of(&rows, None).await?;
            for ((place, ..), rows) in questions.iter().zip(found) {
                reading[*place].take(rows);
            }
        }
        Ok(reading.into_iter().map(Reading::done).collect())
    }

    /// The budgets of an objective of which nothing was counted.
    pub fn nothing(objective: &EventsObjective, excluded: &SpanSet, as_of: Timestamp) -> Self {
        Found::default().at(objective, excluded, as_of)
    }

    /// The groups that are not ended.
    pub fn standing(&self) -> impl Iterator<Item = &GroupBudget> {
        self.groups.iter().filter(|group| !group.is_ended)
    }
}

/// The rows of one group that a question asks for, in order of time.
///
/// # Errors
/// When the database is away.
pub async fn rows_of(
    store: &Store,
    sla: &SlaName,
    objective: &EventsObjective,
    group: SeriesId,
    question: &EventsQuestion,
) -> Result<Vec<CountedRow>, StoreError> {
    let definition = objective.definition();
    let EventsQuestion {
        asked,
        fine,
        slices,
    } = question;
    let rows = store
        .counted_rows(
            sla,
            &objective.id,
            &definition,
            Some(&group),
            *asked,
            fine,
            *slices,
        )
        .await?;
    Ok(rows.into_iter().flat_map(|(_, rows)| rows).collect())
}

/// What was counted of one group, asked for again where an exclusion cuts rows.
///
/// # Errors
/// When the database is away.
pub async fn timeline(
    store: &Store,
    sla: &SlaName,
    objective: &EventsObjective,
    group: SeriesId,
    mut question: EventsQuestion,
    excluded: &SpanSet,
) -> Result<Timeline, StoreError> {
    let mut left = MOST_QUESTIONS;
    loop {
        left -= 1;
        let rows = rows_of(store, sla, objective, group, &question).await?;
        let timeline = Timeline::new(objective, &rows, excluded);
        match question.finer(timeline.cut()) {
            Some(finer) if left > 0 => question = finer,
            _ => return Ok(timeline),
        }
    }
}

/// The time that an exclusion leaves out of an objective, in whole slices: also those after it that reach back into it.
///
/// # Errors
/// When the database is away.
pub async fn left_out(
    store: &Store,
    sla: &SlaName,
    objective: &EventsObjective,
    excluded: Span,
) -> Result<Span, StoreError> {
    let together = group_id(sla, &objective.id, &Labels::default());
    let set = SpanSet::from(excluded);
    let after = Span {
        start: excluded.end,
        end: excluded.end + LOOKBACK,
    };
    let question = EventsQuestion::of_slices(objective, after);
    let timeline = timeline(store, sla, objective, together, question, &set).await?;
    let spans = timeline.excluded().spans();
    Ok(Span {
        start: spans.first().map_or(excluded.start, |span| span.start),
        end: spans.last().map_or(excluded.end, |span| span.end),
    })
}

/// An objective whose rows are being read.
struct Reading<'a> {
    asked: AskedBudgets<'a>,
    counted: Counted<'a>,
    labels: HashMap<SeriesId, Labels>,
    /// What is to be asked next; `None` once all is known.
    question: Option<EventsQuestion>,
    found: Found,
}

impl<'a> Reading<'a> {
    fn new(asked: AskedBudgets<'a>, counted: Counted<'a>, groups: Vec<CountedGroup>) -> Self {
        let question = asked
            .as_of
            .map(|as_of| EventsQuestion::of(asked.objective, &[as_of], asked.excluded));
        let groups = groups.into_iter();
        Self {
            asked,
            counted,
            labels: groups.map(|group| (group.id, group.group)).collect(),
            question,
            found: Found::default(),
        }
    }

    /// Takes what the question found, instead of what was found before.
    fn take(&mut self, rows: GroupRows) {
        let AskedBudgets {
            sla,
            objective,
            as_of,
            excluded,
            moment,
        } = self.asked;
        let as_of = as_of.unwrap_or(moment);
        let together = group_id(sla, &objective.id, &Labels::default());
        let mut wanted = Vec::new();
        let mut found = Found::default();
        for (id, rows) in rows {
            let timeline = Timeline::new(objective, &rows, excluded);
            let budget = EventsBudget::of(objective, &timeline, as_of);
            wanted.extend_from_slice(budget.wanted());
            if id == together {
                found.all = Some(budget.clone());
            }
            if let Some(labels) = self.labels.get(&id)
                && (id != together || objective.by.is_empty())
            {
                let last_measured = timeline.last_measured();
                found
                    .groups
                    .push((labels.clone(), id, budget, last_measured));
            }
        }
        self.found = found;
        let question = self.question.take();
        self.question = question.and_then(|question| question.finer(&wanted));
    }

    fn done(self) -> CountedBudgets {
        let AskedBudgets {
            objective,
            as_of,
            excluded,
            moment,
            ..
        } = self.asked;
        self.found.at(objective, excluded, as_of.unwrap_or(moment))
    }
}

/// What the rows of one question say.
#[derive(Default)]
struct Found {
    all: Option<EventsBudget>,
    groups: Vec<(Labels, SeriesId, EventsBudget, Option<Timestamp>)>,
}

impl Found {
    fn at(
        self,
        objective: &EventsObjective,
        excluded: &SpanSet,
        as_of: Timestamp,
    ) -> CountedBudgets {
        let recent = as_of - ENDED_AFTER;
        let is_recent = |measured: Option<Timestamp>| measured > Some(recent);
        let any_is_recent = self
            .groups
            .iter()
            .any(|(_, _, _, measured)| is_recent(*measured));
        let mut groups: Vec<GroupBudget> = self
            .groups
            .into_iter()
            .map(|(labels, id, budget, measured)| GroupBudget {
                labels,
                id,
                budget,
                last_measured: measured,
                is_ended: any_is_recent && !is_recent(measured),
            })
            .collect();
        groups.sort_by(|one, other| {
            let left = one.budget.left().total_cmp(&other.budget.left());
            left.then_with(|| one.labels.cmp(&other.labels))
        });
        let nothing = || {
            let nothing = Timeline::new(objective, &[], excluded);
            EventsBudget::of(objective, &nothing, as_of)
        };
        CountedBudgets {
            groups,
            all: self.all.unwrap_or_else(nothing),
        }
    }
}
