//! `GET /ui/sla/{name}`: one SLA.

use http_api::{ApiError, Call, Reply, html};
use pages::{Moment, SlaPage, Sort, arranged};
use serde_json::Value;

use super::{
    forms, frame,
    known::{Known, worths},
    read_list, read_reply,
};
use crate::{SlaManager, exclusions, name_in, set, violations};

pub(crate) async fn page(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let as_of = query.moment("as_of", call.now);
    query.finish()?;
    let name = name_in(call)?;
    let known = Known::read(manager, call, &name, as_of).await?;
    let worths = worths(manager, Some(&name), as_of).await;
    let sla = arranged(vec![known.shown(&worths)], Sort::Worst, None, None);
    let sla = sla.into_iter().next().ok_or_else(|| set::missing(&name))?;
    let mut limited = vec![("limit", "20".to_owned())];
    limited.extend(as_of.map(|as_of| ("to", as_of.to_string())));
    let violations = violations::answer(manager, &call.asking(&name, "", &limited)).await?;
    let (violations, _) = read_list(&violations, "violations")?;
    let exclusions = exclusions::list(manager, &call.asking(&name, "", &[])).await?;
    let (exclusions, _) = read_list(&exclusions, "exclusions")?;
    let document = match set::get(manager, &call.asking(&name, "", &[])).await {
        Ok(reply) => {
            let document: Value = read_reply(&reply)?;
            serde_json::to_string_pretty(&document).map_err(ApiError::internal)?
        }
        // It was retired since, and is shown as it was.
        Err(ApiError::NotFound(reason)) => reason,
        Err(error) => return Err(error),
    };
    let moment = sla.as_of.map(|as_of| Moment {
        as_of,
        stale: sla.stale,
    });
    let page = SlaPage {
        sla,
        violations,
        exclusions,
        document,
        in_force: forms::in_force(manager, &name).await?,
    };
    let base = (call.path_of(""), call.base_url());
    Ok(html::page(call, |now| {
        pages::sla(&frame(call, &base, now, as_of, moment), &page)
    }))
}
