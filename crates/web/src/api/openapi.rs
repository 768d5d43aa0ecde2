//! The OpenAPI document.

use serde_json::Value;
use utoipa::openapi::schema::{ArrayBuilder, ComponentsBuilder, ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Server};

use super::routes;

const DESCRIPTION: &str = "Gift cards and other stored value: make cards, one or a thousand at a time, sell them, and \
take money from them. Money is in minor units (øre, cents). Times are RFC 3339 in UTC with milliseconds. Every \
success is status 200. Fields that are not known are ignored; `null` for an optional field is the same as leaving it \
out. Every refusal has one shape, and names every fault of a body at once.";

/// The document of the public API, as JSON with a newline at its end; equal programs write equal bytes.
pub fn openapi() -> String {
    openapi_for(None)
}

/// The document as clients see it who reach the API under `url`.
pub(crate) fn openapi_for(url: Option<&str>) -> String {
    let mut document = routes::public().into_openapi();
    document.servers = url.map(|url| vec![Server::new(url)]);
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// The document before any operation.
pub(crate) fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Gavekort")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()));
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some(
        "An access token of the account. `x-scopes` of an operation: any one of them is enough.",
    ));
    let basic = HttpBuilder::new()
        .scheme(HttpAuthScheme::Basic)
        .description(Some("A client's `client_id` and `client_secret`."));
    let components = ComponentsBuilder::new()
        .schema("Error", error_schema())
        .security_scheme("bearer", SecurityScheme::Http(bearer.build()))
        .security_scheme("basic", SecurityScheme::Http(basic.build()));
    OpenApiBuilder::new().info(info.build()).components(Some(components.build())).build()
}

fn error_schema() -> ObjectBuilder {
    let text = |description: &str| {
        ObjectBuilder::new().schema_type(Type::String).description(Some(description)).build()
    };
    let codes: Vec<Value> = super::error::Code::ALL.iter().map(|code| code.as_str().into()).collect();
    let code = || {
        let code = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes.clone()));
        code.description(Some("What kind of refusal it is; programs go by this")).build()
    };
    let path = ArrayBuilder::new()
        .items(ObjectBuilder::new().schema_type(utoipa::openapi::schema::SchemaType::AnyValue).build())
        .description(Some("Names of fields and places in lists, from 0; empty for the request as a whole"));
    let details = ObjectBuilder::new().description(Some("The numbers of the message, where it has any"));
    let fault = ObjectBuilder::new()
        .property("code", code())
        .property("message", text("What is wrong"))
        .property("path", path.build())
        .property("details", details.build())
        .required("code")
        .required("message")
        .required("path");
    let error = ObjectBuilder::new()
        .property("message", text("What is wrong, for a person"))
        .property("code", code())
        .property("errors", ArrayBuilder::new().items(fault.build()).build())
        .required("message")
        .required("code")
        .required("errors");
    ObjectBuilder::new()
        .description(Some("Why a request was not carried out"))
        .property("error", error.build())
        .required("error")
}
