use domain::{
    Labels,
    message::{SlicesDocument, group_id},
    sla::{Definition, ObjectiveId, SlaName},
};
use sqlx::{MySql, QueryBuilder};

/// What slices belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Counted<'a> {
    pub(crate) sla: &'a str,
    pub(crate) objective: &'a str,
    pub(crate) definition: &'a str,
}

impl<'a> Counted<'a> {
    pub(super) fn new(
        sla: &'a SlaName,
        objective: &'a ObjectiveId,
        definition: &'a Definition,
    ) -> Self {
        Self {
            sla: sla.as_str(),
            objective: objective.as_str(),
            definition: definition.as_str(),
        }
    }

    pub(crate) fn of(document: &'a SlicesDocument) -> Self {
        Self::new(&document.sla, &document.objective.id, &document.definition)
    }

    /// `sla = … AND objective = … AND definition = …`
    pub(crate) fn push(&self, query: &mut QueryBuilder<MySql>) {
        query.push("sla = ").push_bind(self.sla.to_owned());
        query
            .push(" AND objective = ")
            .push_bind(self.objective.to_owned());
        query
            .push(" AND definition = ")
            .push_bind(self.definition.to_owned());
    }
}

/// The id of the group of all events together; none where the names are none.
pub(super) fn together(sla: &str, objective: &str) -> Option<String> {
    let (sla, objective) = (sla.parse().ok()?, objective.parse().ok()?);
    Some(group_id(&sla, &objective, &Labels::default()).to_string())
}
