//! The description of the whole HTTP interface.

use utoipa::OpenApi;
use utoipa::openapi::Server;

#[derive(OpenApi)]
#[openapi(info(
    title = "Landfall",
    description = "Lands events and files durably, loads them exactly once into open tables, and answers SQL over them at once.\n\nErrors are problem documents (RFC 9457) with a stable `code`."
))]
struct Described;

/// The document of `routes`, with the address that clients reach them at.
pub fn document(routes: utoipa::openapi::OpenApi, public_url: Option<&str>) -> utoipa::openapi::OpenApi {
    let mut document = Described::openapi();
    document.merge(routes);
    // The router's word for a parameter that spans several segments is not OpenAPI's.
    document.paths.paths =
        std::mem::take(&mut document.paths.paths).into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    document.info.version = env!("CARGO_PKG_VERSION").into();
    document.servers = public_url.map(|url| vec![Server::new(url)]);
    document
}
