use maud::{Markup, html};

use crate::{Budget, Frame, Place, Row, ShownSla, Sort, State, clock, name, number, spark};

/// What the list shows.
#[derive(Debug)]
pub struct List {
    /// The SLAs, in order, of this page alone.
    pub slas: Vec<ShownSla>,
    /// How many objectives of all SLAs that hold the text are in each state.
    pub counts: Vec<(State, usize)>,
    /// How many SLAs there are at all.
    pub total: usize,
    /// How many fit the question.
    pub fitting: usize,
    /// What the reader asked for.
    pub asked: Asked,
}

/// What the reader asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// In which order.
    pub sort: Sort,
    /// In which state alone.
    pub state: Option<State>,
    /// With which text alone.
    pub text: Option<String>,
    /// How many SLAs are left out before the page begins.
    pub skip: usize,
}

impl Asked {
    /// A link to this list, asked otherwise.
    fn link(&self, frame: &Frame<'_>, change: impl FnOnce(&mut Self)) -> String {
        let mut asked = Self {
            skip: 0,
            ..self.clone()
        };
        change(&mut asked);
        let sort = match asked.sort {
            Sort::Worst => "",
            other => other.word(),
        };
        let skip = match asked.skip {
            0 => String::new(),
            skip => skip.to_string(),
        };
        frame.link(
            "/ui",
            &[
                ("sort", sort),
                ("state", asked.state.map_or("", State::word)),
                ("q", asked.text.as_deref().unwrap_or_default()),
                ("skip", &skip),
            ],
        )
    }
}

/// All SLAs, the worst first.
pub fn list(frame: &Frame<'_>, list: &List) -> String {
    let main = html! {
        h1 { "SLAs" }
        @if list.total == 0 { (empty(frame)) } @else {
            p class="lead" { (sentence(frame, list)) }
            div class="bar" { (counters(frame, list)) (search(frame, list)) }
            @if list.slas.is_empty() {
                p class="none" { "No objective fits this question. " a href=(Asked::default().link(frame, |_| {})) { "Show all" } }
            } @else {
                (table(frame, list))
                (pages(frame, list))
            }
        }
    };
    frame.page(&title(list), Some(Place::Slas), &main)
}

/// What the tab says: the worst there is.
fn title(list: &List) -> String {
    let of = |state| {
        list.counts
            .iter()
            .find(|(own, _)| *own == state)
            .map_or(0, |(_, count)| *count)
    };
    let (firing, pending) = (of(State::Firing), of(State::Pending));
    match (firing, pending) {
        (0, 0) => "SLAs".to_owned(),
        (firing, 0) => format!("{firing} firing"),
        (0, pending) => format!("{pending} pending"),
        (firing, pending) => format!("{firing} firing, {pending} pending"),
    }
}

fn empty(frame: &Frame<'_>) -> Markup {
    html! {
        p class="lead" { "There is no SLA yet. An SLA says which values of which series are good." }
        p { a class="button" href=(frame.path("/ui/sla")) { "Create the first one" } " or send it:" }
        pre tabindex="0" { "curl -X POST " (frame.address) "/sla -d '{\"name\":\"web\",\"objectives\":[{\"metric\":\"cpuUsage\",\"max\":80,\"for\":\"1m\"}]}'" }
    }
}

/// What matters most, in a sentence or two.
fn sentence(frame: &Frame<'_>, list: &List) -> Markup {
    let rows = || {
        list.slas
            .iter()
            .flat_map(|sla| sla.rows.iter().map(move |row| (sla, row)))
    };
    let standing = |state, kind: &str| -> Vec<(&ShownSla, &Row)> {
        rows()
            .filter(|(_, row)| row.check.state == state && row.check.kind == kind)
            .collect()
    };
    let (firing, burning) = (
        standing(State::Firing, "range"),
        standing(State::Firing, "events"),
    );
    let (pending, hasty) = (
        standing(State::Pending, "range"),
        standing(State::Pending, "events"),
    );
    let counted = |state| {
        let own = list.counts.iter().find(|(own, _)| *own == state);
        own.map_or(0, |(_, count)| *count as u64)
    };
    let (silent, fire) = (counted(State::NoData), counted(State::Firing));
    let longest = pending
        .iter()
        .map(|(_, row)| row.check.for_seconds)
        .fold(0.0, f64::max);
    let is_calm = [&firing, &burning, &pending, &hasty]
        .iter()
        .all(|found| found.is_empty());
    let likely = rows()
        .filter(|(_, row)| !matches!(row.check.state, State::Firing | State::Pending))
        .filter_map(|(sla, row)| Some((sla, row, row.probability()?)))
        .filter(|(_, _, probability)| *probability >= 0.1)
        .max_by(|(.., one), (.., other)| one.total_cmp(other));
    let used_up = rows()
        .filter(|(_, row)| row.check.state != State::Firing && row.is_used_up())
        .count() as u64;
    html! {
        (said(frame, &firing, " is ", "out of its range now", " are ", "out of their ranges now"))
        (said(frame, &burning, " ", "burns its budget too fast", " ", "burn their budgets too fast"))
        @if !pending.is_empty() {
            @let ago = number::duration(longest);
            (said(frame, &pending, " ", &format!("left its range less than {ago} ago"), " ", &format!("left their ranges less than {ago} ago")))
        }
        (said(frame, &hasty, " burns its budget ", "faster than it lasts", " burn their budgets ", "faster than they last"))
        // A question about another state, or a later page, leaves out what fires.
        @if is_calm && fire > 0 { (number::count(fire, "objective is", "objectives are")) " firing, and not on this page. " }
        @else if is_calm { "Nothing is out of its range. " }
        @if let Some((sla, row, probability)) = likely {
            (linked(frame, (sla, row))) " may follow: " b { (number::probability(probability)) } " likely within 10 minutes. "
        }
        @if used_up > 0 { (number::count(used_up, "budget is", "budgets are")) " used up. " }
        @if silent > 0 { (number::count(silent, "objective has", "objectives have")) " no data." }
    }
}

fn linked(frame: &Frame<'_>, (sla, row): (&ShownSla, &Row)) -> Markup {
    html! { a href=(objective_link(frame, sla, row)) { (name::of_entry(&row.check)) } }
}

/// What holds of these objectives, the first two by name: what is said of one, or of several.
fn said(
    frame: &Frame<'_>,
    found: &[(&ShownSla, &Row)],
    is: &str,
    one: &str,
    are: &str,
    several: &str,
) -> Markup {
    html! {
        @match found {
            [] => {},
            [only] => { (linked(frame, *only)) (is) b { (one) } ". " },
            [first, second] => { (linked(frame, *first)) " and " (linked(frame, *second)) (are) b { (several) } ". " },
            [first, second, rest @ ..] => {
                (linked(frame, *first)) ", " (linked(frame, *second)) " and " (number::count(rest.len() as u64, "other", "others")) (are) b { (several) } ". "
            },
        }
    }
}

fn counters(frame: &Frame<'_>, list: &List) -> Markup {
    // What is stale has no data too.
    let states = list
        .counts
        .iter()
        .filter(|(state, _)| *state != State::Stale);
    let all: usize = states.map(|(_, count)| count).sum();
    let asked = &list.asked;
    html! {
        nav aria-label="By state" {
            ul class="count" {
                li { a href=(asked.link(frame, |asked| asked.state = None)) aria-current=[asked.state.is_none().then_some("true")] { b { (all) } " all" } }
                @for (state, count) in &list.counts {
                    @if *count > 0 || !matches!(state, State::Ended | State::Stale) || asked.state == Some(*state) {
                        li {
                            a class=(if *count == 0 { "quiet none" } else { state.class() }) href=(asked.link(frame, |asked| asked.state = Some(*state)))
                                aria-current=[(asked.state == Some(*state)).then_some("true")] { b { (count) } (state.shown()) }
                        }
                    }
                }
            }
        }
    }
}

fn search(frame: &Frame<'_>, list: &List) -> Markup {
    let asked = &list.asked;
    html! {
        form method="get" action=(frame.path("/ui")) role="search" {
            @if asked.sort != Sort::Worst { input type="hidden" name="sort" value=(asked.sort.word()); }
            @if let Some(state) = asked.state { input type="hidden" name="state" value=(state.word()); }
            div { label for="q" { "Search" } input id="q" name="q" type="search" placeholder="name, metric or label=value" value=(asked.text.as_deref().unwrap_or_default()); }
            div { label for="as_of" { "As known at, UTC" } input id="as_of" name="as_of" placeholder="now, -3h or 08:12" autocomplete="off" value=(frame.pinned.map(clock::instant).unwrap_or_default()); }
            button { "Show" }
        }
    }
}

fn heading(frame: &Frame<'_>, list: &List, sort: Sort, words: &str, class: &str) -> Markup {
    let is_own = list.asked.sort == sort;
    html! {
        th scope="col" role="columnheader" class=[(!class.is_empty()).then_some(class)] aria-sort=[is_own.then_some(if sort == Sort::Probability { "descending" } else { "ascending" })] {
            a href=(list.asked.link(frame, |asked| asked.sort = sort)) { (words) }
        }
    }
}

fn table(frame: &Frame<'_>, list: &List) -> Markup {
    let rows: usize = list.slas.iter().map(|sla| sla.rows.len()).sum();
    html! {
        div class="slas scroll" tabindex="0" role="group" aria-label="Table of SLAs" {
            table role="table" {
                caption class="sr" { (number::count(rows as u64, "objective", "objectives")) " of " (number::count(list.slas.len() as u64, "SLA", "SLAs")) ", by " (list.asked.sort.word()) }
                thead role="rowgroup" {
                    tr role="row" {
                        (heading(frame, list, Sort::Name, "SLA", ""))
                        (heading(frame, list, Sort::Worst, "State", ""))
                        th scope="col" role="columnheader" { "Objective" }
                        th scope="col" role="columnheader" { "Last 3 h, next 10 min" }
                        (heading(frame, list, Sort::Probability, "Next 10 min", "n"))
                        th scope="col" role="columnheader" class="n" { "SLI" }
                        (heading(frame, list, Sort::Left, "Budget left", "n"))
                        th scope="col" role="columnheader" class="n" { "Burn, 1 h" }
                        th scope="col" role="columnheader" class="n" { "Coverage" }
                    }
                }
                @for sla in &list.slas { (group(frame, sla)) }
            }
        }
    }
}

/// The headings without links.
pub(crate) fn plain_head() -> Markup {
    html! {
        thead role="rowgroup" {
            tr role="row" {
                @for (words, class) in [("SLA", ""), ("State", ""), ("Objective", ""), ("Last 3 h, next 10 min", ""), ("Next 10 min", "n"), ("SLI", "n"), ("Budget left", "n"), ("Burn, 1 h", "n"), ("Coverage", "n")] {
                    th scope="col" role="columnheader" class=[(!class.is_empty()).then_some(class)] { (words) }
                }
            }
        }
    }
}

pub(crate) fn group(frame: &Frame<'_>, sla: &ShownSla) -> Markup {
    html! {
        tbody role="rowgroup" {
            @for (position, row) in sla.rows.iter().enumerate() {
                tr role="row" class=(row.check.state.class()) {
                    @if position == 0 {
                        th scope="rowgroup" role="rowheader" rowspan=[(sla.rows.len() > 1).then_some(sla.rows.len())] {
                            a href=(frame.link(&format!("/ui/sla/{}", name::segment(&sla.name)), &[])) { (name::cut(&sla.name)) }
                            small {
                                "v" (sla.version)
                                @if sla.stale { ", stale" }
                                @else if !sla.complete && sla.as_of.is_some() { ", in part" }
                            }
                        }
                    }
                    (cells(frame, sla, row))
                }
            }
        }
    }
}

fn cells(frame: &Frame<'_>, sla: &ShownSla, row: &Row) -> Markup {
    let check = &row.check;
    let coverage = check
        .windows
        .as_ref()
        .map(|windows| windows.three_hours.coverage);
    let coverage = coverage.or_else(|| row.budget.as_ref().map(Budget::coverage));
    html! {
        td role="cell" class="st" {
            (check.state.shown())
            (since(row))
        }
        th scope="row" role="rowheader" {
            a href=(objective_link(frame, sla, row)) { (name::of_entry(check)) }
            small { (about(row)) }
        }
        td role="cell" { (spark::spark(row)) }
        (chance(row))
        (indicator(row))
        (budget(row))
        (burn(row))
        td role="cell" class="n" {
            @match coverage { Some(coverage) => (number::share(coverage)), None => "–" }
            @if check.as_of != sla.as_of { @if let Some(as_of) = check.as_of { small { "of " (clock::short(as_of, sla.as_of.unwrap_or(as_of))) } } }
        }
    }
}

/// Since when the state holds, as far as that is known, or why nothing is known.
fn since(row: &Row) -> Markup {
    let check = &row.check;
    let ongoing = check.episodes.iter().find(|episode| episode.ongoing);
    html! {
        @match (check.state, ongoing, check.as_of) {
            (State::Firing, Some(ongoing), Some(as_of)) => small { "for " (number::duration(as_of.seconds_since(ongoing.start))) },
            (State::Pending, ..) if check.kind != "events" && check.for_seconds > 0.0 => small { "for less than " (number::duration(check.for_seconds)) },
            (State::NoData, ..) => small { (check.reason.as_deref().map(name::reason).unwrap_or_default()) },
            _ => {},
        }
        @if check.in_exclusion { small { "excluded now" } }
        @else if check.state == State::Ok && row.is_used_up() { small { "budget used up" } }
    }
}

/// The rule, and of how many series this one is the worst.
fn about(row: &Row) -> String {
    let check = &row.check;
    let rule = rule(row);
    match check.series {
        0 | 1 => rule,
        series => {
            let firing = match check.firing {
                0 => String::new(),
                firing => format!(", {firing} firing"),
            };
            format!("{rule}; worst of {series}{firing}")
        }
    }
}

/// What an objective asks for.
pub(crate) fn rule(row: &Row) -> String {
    let target = row.budget.as_ref().and_then(Budget::target);
    match (row.check.kind.as_str(), &row.budget, target) {
        ("events", Some(budget), Some(target)) => {
            let (share, unit, window) = (number::share(target), budget.unit(), budget.window());
            format!("{share} of {unit} good over {window}")
        }
        ("events", ..) => "share of good events".to_owned(),
        _ => name::rule(&row.check),
    }
}

fn chance(row: &Row) -> Markup {
    let known = row.probability();
    let reason = row
        .prediction
        .as_ref()
        .and_then(|own| own.reason.as_deref());
    html! {
        @if let Some(known) = known {
            td role="cell" class="n" {
                (number::probability(known))
                small { (trusted(row, known)) }
            }
        } @else {
            td role="cell" class="n na" { "–" small { (reason.map(name::reason).unwrap_or_default()) } }
        }
    }
}

/// How often a violation came when such a probability was published.
fn trusted(row: &Row, probability: f64) -> String {
    let bin = row.trust.as_ref().and_then(|trust| trust.bin(probability));
    match bin {
        Some(bin) => format!("came true {}", number::probability(bin.happened)),
        None => "not scored yet".to_owned(),
    }
}

fn indicator(row: &Row) -> Markup {
    let budget = row.budget.as_ref();
    let sli = budget.and_then(Budget::sli);
    let target = budget.and_then(Budget::target);
    html! {
        @if let Some(sli) = sli {
            td role="cell" class="n" { (number::share(sli)) small { @match target { Some(target) => { "of " (number::share(target)) }, None => "no target" } } }
        } @else { td role="cell" class="n na" { "–" } }
    }
}

fn budget(row: &Row) -> Markup {
    html! {
        @if let Some(left) = row.left() {
            td role="cell" class=(if left <= 0.0 { "n bad" } else { "n" }) { (number::left(left)) (spark::budget_bar(left)) }
        } @else { td role="cell" class="n na" { "–" } }
    }
}

fn burn(row: &Row) -> Markup {
    let budget = row
        .budget
        .as_ref()
        .filter(|budget| budget.target().is_some());
    let burn = budget.and_then(|budget| budget.burn("1h"));
    html! {
        @if let Some(burn) = burn {
            td role="cell" class="n" {
                (number::times(burn))
                small {
                    @match budget.and_then(Budget::exhaustion_seconds) {
                        Some(0.0) => "used up",
                        Some(seconds) => { "gone in " (number::duration(seconds)) },
                        None => {},
                    }
                }
            }
        } @else { td role="cell" class="n na" { "–" } }
    }
}

fn pages(frame: &Frame<'_>, list: &List) -> Markup {
    let asked = &list.asked;
    let end = asked.skip + list.slas.len();
    html! {
        @if asked.skip > 0 || end < list.fitting {
            nav class="pages" aria-label="Pages" {
                @if asked.skip > 0 { a rel="prev" href=(asked.link(frame, |next| next.skip = asked.skip.saturating_sub(list.slas.len().max(1)))) { "previous" } }
                span { "SLAs " (asked.skip + 1) " to " (end) " of " (list.fitting) }
                @if end < list.fitting { a rel="next" href=(asked.link(frame, |next| next.skip = end)) { "next" } }
            }
        }
    }
}

/// Where an objective is shown.
pub(crate) fn objective_link(frame: &Frame<'_>, sla: &ShownSla, row: &Row) -> String {
    let path = format!(
        "/ui/sla/{}/{}",
        name::segment(&sla.name),
        name::segment(&row.check.objective)
    );
    frame.link(&path, &[])
}
