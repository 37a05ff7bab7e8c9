//! Holds: listed, put on a landing or a dataset, released. Retention passes over
//! what is held.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use landfall_access::Context;
use landfall_access::http::{Problem, json};
use landfall_catalog::holds::{Hold, Subject};
use landfall_model::{Action, Error, ErrorKind, Result, limits};
use serde::{Deserialize, Serialize};

use crate::control::{Control, Inner};
use crate::page::{PageQuery, answer};
use crate::purges::gone;

/// A hold as it is shown.
#[derive(Serialize, utoipa::ToSchema)]
pub struct HoldItem {
    /// The landing's id, or the name of the dataset.
    subject: String,
    /// The id that was asked for, where that landing was merged into the one that is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<String>,
    dataset: String,
    /// Null where all of the dataset is held.
    landing: Option<String>,
    reason: String,
    /// Who holds it.
    principal: String,
    created_at: String,
}

impl HoldItem {
    fn of(hold: &Hold) -> HoldItem {
        HoldItem {
            subject: hold.subject.clone(),
            asked: None,
            dataset: hold.dataset.to_string(),
            landing: hold.landing().map(str::to_owned),
            reason: hold.reason.clone(),
            principal: hold.principal.clone(),
            created_at: hold.created_at.to_string(),
        }
    }
}

/// What a new hold says.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHold {
    /// Why it is held, for whoever asks later: 1 to 1,000 characters.
    reason: String,
}

/// What `asked` is held by: a merged landing by the batch that it was merged into, for that is what retention looks at.
async fn resolve(control: &Control, context: &Context, asked: &str) -> Result<Subject> {
    let Inner { catalog, gate, definitions, .. } = &*control.0;
    let subject = Subject::parse(asked)
        .map_err(|why| Error::new(why.kind, format!("a hold is on a landing or on all of a dataset: {}", why.message)))?;
    let id = match &subject {
        Subject::Dataset(name) => {
            gate.authorize(context, Action::Administer, name, None)?;
            definitions.get(name)?;
            return Ok(subject);
        }
        Subject::Landing(id) => id,
    };
    if let Some((_, row)) = control.0.bodies().landing(id).await? {
        gate.authorize(context, Action::Administer, &row.dataset, None)?;
        return Ok(Subject::Landing(row.id));
    }
    if let Some(purge) = catalog.purge_of(id).await? {
        gate.authorize(context, Action::Administer, &purge.dataset, None)?;
        return Err(gone(&purge));
    }
    Err(Error::new(ErrorKind::NotFound, format!("there is no landing `{id}`")))
}

/// Holds by subject.
#[utoipa::path(get, path = "/v1/holds", tag = "show", params(PageQuery), responses((status = 200, description = "A page")))]
pub async fn list(State(control): State<Control>, context: Context, uri: Uri) -> Result<Response, Problem> {
    let page = PageQuery::read(&uri, &context, &control)?;
    let holds = control.0.catalog.list_holds(&page).await?;
    Ok(answer(&holds, page.limit, |hold| hold.subject.clone(), HoldItem::of))
}

/// Keeps a landing, or all of a dataset, from retention until it is released. Holding it again changes the reason.
#[utoipa::path(
    put, path = "/v1/holds/{subject}", tag = "change", request_body = NewHold,
    params(("subject" = String, Path, description = "`lnd_...`, or the name of a dataset")),
    responses(
        (status = 200, description = "It is held", body = HoldItem),
        (status = 404, description = "Nothing of that name", content_type = "application/problem+json"),
        (status = 410, description = "Its retention has ended already", content_type = "application/problem+json"),
    )
)]
pub async fn put(
    State(control): State<Control>,
    context: Context,
    Path(asked): Path<String>,
    request: Request,
) -> Result<Json<HoldItem>, Problem> {
    let subject = resolve(&control, &context, &asked).await?;
    let new: NewHold = json(request, "{\"reason\"}", &control.0.budget).await?;
    let (reason, most) = (new.reason.trim(), limits::HOLD_REASON_CHARS_MAX);
    let length = reason.chars().count();
    if !(1..=most).contains(&length) {
        let message =
            format!("`reason` must have from 1 to {most} characters beside the space around it, not {length}: say why it is held");
        return Err(Error::new(ErrorKind::BadRequest, message).into());
    }
    let hold = control.0.catalog.hold(subject, reason, &context.principal.to_string()).await?;
    let asked = Some(asked).filter(|asked| *asked != hold.subject);
    Ok(Json(HoldItem { asked, ..HoldItem::of(&hold) }))
}

/// Ends a hold: retention takes what was held as soon as its time is over.
#[utoipa::path(
    delete, path = "/v1/holds/{subject}", tag = "change",
    params(("subject" = String, Path, description = "`lnd_...`, or the name of a dataset")),
    responses(
        (status = 204, description = "It is not held any more"),
        (status = 404, description = "It is not held", content_type = "application/problem+json"),
    )
)]
pub async fn release(State(control): State<Control>, context: Context, Path(asked): Path<String>) -> Result<StatusCode, Problem> {
    let subject = resolve(&control, &context, &asked).await?;
    if control.0.catalog.release(subject).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Error::new(ErrorKind::NotFound, format!("`{asked}` is not held")).into())
}
