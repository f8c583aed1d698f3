use lambda_http::http::Method;
use schemars::{Schema, SchemaGenerator};

use crate::{Parameter, parameters::Place};

/// What the OpenAPI document says of a route.
#[derive(Debug)]
pub struct Operation {
    /// What clients that are generated call it.
    pub id: &'static str,
    /// The method.
    pub method: Method,
    /// The path; `{name}` and `{id}` stand for one segment each.
    pub path: &'static str,
    /// What it answers, in a line.
    pub summary: &'static str,
    /// What `curl` needs to try it; `{base}` stands for where the system is.
    pub curl: &'static str,
    /// What it takes beside its body.
    pub parameters: &'static [Parameter],
    /// The body that it takes.
    pub body: Option<RequestBody>,
    /// Whether it only reads, whatever its method is.
    pub reads: bool,
    /// Its answers that are no problems.
    pub answers: Vec<Answer>,
    /// The content types that the first of them has beside JSON's, for who asks for them.
    pub texts: &'static [&'static str],
    /// The schema of its errors, where they are no problem documents. Who shows no token gets a problem document nevertheless.
    pub errors: Option<fn(&mut SchemaGenerator) -> Schema>,
    /// The statuses of its problems that follow from nothing else here.
    pub other_problems: &'static [u16],
}

/// A body that a route takes.
#[derive(Clone, Copy, Debug)]
pub struct RequestBody {
    /// The name of its schema.
    pub schema: &'static str,
    /// Whether there has to be one.
    pub required: bool,
    /// Whether it is a form instead of JSON.
    pub is_form: bool,
}

/// An answer that is no problem.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// The headers that it always has.
    pub headers: &'static [&'static str],
    /// The schema of its body.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

impl Operation {
    /// The statuses of every problem that it may answer with: bad parameters and no token always, a token that permits
    /// reading alone where something is changed, an unknown name where the path has one, what may be wrong with a body
    /// where it takes one, If-Match where it needs that, and its own.
    pub fn problems(&self) -> Vec<u16> {
        let needs = |place: Place| self.parameters.iter().any(|own| own.place == place);
        let mut problems = vec![400, 401];
        if self.method != Method::GET && !self.reads {
            problems.push(403);
        }
        if needs(Place::Path) {
            problems.push(404);
        }
        match self.body {
            Some(body) if body.is_form => problems.extend([413, 415]),
            Some(_) => problems.extend([413, 415, 422]),
            None => {}
        }
        if needs(Place::Header) {
            problems.extend([412, 428]);
        }
        problems.extend(self.other_problems);
        problems.sort_unstable();
        problems.dedup();
        problems
    }
}
