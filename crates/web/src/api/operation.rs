//! One operation: its route, its handler and everything the OpenAPI document says of it, in one place.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use serde_json::{Value, json};
use service::Permission;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem, Paths, PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Ref, Required, ResponseBuilder, SecurityRequirement};
use utoipa_axum::router::UtoipaMethodRouter;

use super::Api;
use super::body::Body;
use super::error::{ApiError, Code};
use super::intake::BodyLimit;
use super::wire::{Described, Parameters, Schemas};

/// An operation in the making.
pub(crate) struct Operation {
    path: &'static str,
    method: HttpMethod,
    route: MethodRouter<Arc<Api>>,
    doc: OperationBuilder,
    parameters: Vec<Parameter>,
    refusals: BTreeMap<u16, Vec<Refused>>,
    body_limit: Option<BodyLimit>,
    schemas: Schemas,
}

/// One way in which an operation may be refused.
type Refused = (Code, Cow<'static, str>);

macro_rules! methods {
    ($($name:ident $filter:ident $method:ident;)+) => {$(
        pub(crate) fn $name<H, T>(path: &'static str, handler: H) -> Self
        where
            H: Handler<T, Arc<Api>>,
            T: 'static,
        {
            Self::new(path, HttpMethod::$method, on(MethodFilter::$filter, handler))
        }
    )+};
}

impl Operation {
    methods! {
        get GET Get;
        post POST Post;
        patch PATCH Patch;
        delete DELETE Delete;
    }

    fn new(path: &'static str, method: HttpMethod, route: MethodRouter<Arc<Api>>) -> Self {
        let (refusals, body_limit) = (BTreeMap::new(), None);
        let (doc, parameters, schemas) = (OperationBuilder::new(), path_parameters(path), Schemas::new());
        let new = Self { path, method, route, doc, parameters, refusals, body_limit, schemas };
        new.refuses(Code::Internal, "A fault of the server; the log has more under the request's id")
    }

    /// Its name, its group, what it does in a few words and in more.
    pub(crate) fn named(mut self, id: &str, tag: &str, summary: &str, description: &str) -> Self {
        self.doc =
            self.doc.operation_id(Some(id)).tag(tag).summary(Some(summary)).description(Some(description));
        self
    }

    /// Which scopes permit it.
    pub(crate) fn permitted<P: Permission>(mut self) -> Self {
        let scopes: Vec<&str> = P::ANY_OF.iter().map(|scope| scope.as_str()).collect();
        let extension = Extensions::from_iter([("x-scopes", json!(scopes))]);
        let bearer = SecurityRequirement::new("bearer", Vec::<String>::new());
        self.doc = self.doc.security(bearer).extensions(Some(extension));
        self.refuses(Code::InvalidRequest, "Something in the request is malformed")
            .refuses(Code::Unauthorized, "No valid access token")
            .refuses(Code::Forbidden, "A token of another account, or none of the scopes that permit this")
    }

    /// Without an access token, but with the client's name and secret.
    pub(crate) fn with_basic(mut self) -> Self {
        self.doc = self.doc.security(SecurityRequirement::new("basic", Vec::<String>::new()));
        self
    }

    /// Open to everybody.
    pub(crate) fn open(mut self) -> Self {
        self.doc = self.doc.securities(Some([SecurityRequirement::default()]));
        self
    }

    /// Its query string.
    pub(crate) fn query<Q: Parameters>(mut self) -> Self {
        self.parameters.extend(Q::describe());
        self
    }

    /// Takes an `Idempotency-Key`.
    pub(crate) fn keyed(mut self) -> Self {
        let key = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(
                "The same key with an equal request gives the same answer for 24 hours, secrets included. 1 to 255 \
                 printable ASCII characters, bare or in quotes.",
            ))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(257))))
            .example(Some(json!("5f1c7f0e-8a52-4d0b-9c3e-2d1f6a7b8c90")));
        self.parameters.push(key.build());
        self.refuses(Code::IdempotencyKeyReused, "The Idempotency-Key came with another request before")
    }

    /// Its body, of JSON.
    pub(crate) fn body<B: Body>(self, example: Value) -> Self {
        self.body_as::<B>(example, &["application/json"])
    }

    /// Its body, in one of several forms.
    pub(crate) fn body_as<B: Body>(mut self, example: Value, kinds: &[&str]) -> Self {
        let schema = B::schema(&mut self.schemas);
        let content = ContentBuilder::new().schema(Some(schema)).example(Some(example)).build();
        let required = if B::MAY_BE_EMPTY { Required::False } else { Required::True };
        let body = RequestBodyBuilder::new().required(Some(required));
        let body = kinds.iter().fold(body, |body, kind| body.content(*kind, content.clone()));
        self.doc = self.doc.request_body(Some(body.build()));
        self.body_limit.get_or_insert_default();
        self.refuses(Code::InvalidRequest, "Something in the request is malformed")
            .refuses(Code::RequestTimeout, "The body did not arrive in time")
            .refuses(Code::UnsupportedMediaType, "The body is of another content type")
            .refuses(Code::Overloaded, "Too much is waiting; nothing was done")
    }

    /// How large its body may be, where the default is too much.
    pub(crate) fn body_within(mut self, limit: BodyLimit) -> Self {
        self.body_limit = Some(limit);
        self.route = self.route.layer(Extension(limit));
        self
    }

    /// What it answers.
    pub(crate) fn answers<A: Described + ?Sized>(self, example: Value) -> Self {
        self.answers_as::<A>(example, "application/json")
    }

    /// What it answers, in another form than JSON.
    pub(crate) fn answers_as<A: Described + ?Sized>(mut self, example: Value, kind: &str) -> Self {
        let schema = A::schema(&mut self.schemas);
        let content = ContentBuilder::new().schema(Some(schema)).example(Some(example)).build();
        let response = ResponseBuilder::new().description("Done").content(kind, content);
        self.doc = self.doc.response("200", response.build());
        self
    }

    /// One way in which it may be refused.
    pub(crate) fn refuses(mut self, code: Code, why: impl Into<Cow<'static, str>>) -> Self {
        let of_status = self.refusals.entry(code.status().as_u16()).or_default();
        if !of_status.iter().any(|(known, _)| *known == code) {
            of_status.push((code, why.into()));
        }
        self
    }

    /// Needs the store, which may be busy or away.
    pub(crate) fn stored(self) -> Self {
        self.refuses(Code::Overloaded, "Too much is waiting; nothing was done")
            .refuses(Code::Unavailable, "The server cannot work at present; nothing was done")
    }

    /// Changes something: as `stored`, and the outcome may be unknown.
    pub(crate) fn changing(self) -> Self {
        self.stored()
            .refuses(Code::OutcomeUnknown, "Whether the change happened is unknown; ask again to find out")
    }

    /// The route without its description, under another path.
    pub(crate) fn route_at(&self, path: &'static str) -> (&'static str, MethodRouter<Arc<Api>>) {
        (path, self.route.clone())
    }

    /// The route and its description.
    pub(crate) fn into_route(mut self) -> UtoipaMethodRouter<Arc<Api>> {
        if let Some(limit) = self.body_limit {
            self = self.refuses(Code::BodyTooLarge, format!("The body is larger than {limit}"));
        }
        let mut doc = self.doc;
        for parameter in self.parameters {
            doc = doc.parameter(parameter);
        }
        for (status, codes) in &self.refusals {
            doc = doc.response(status.to_string(), refusal(codes));
        }
        let paths: Paths = PathsBuilder::new().path(self.path, PathItem::new(self.method, doc)).build();
        (self.schemas.into_iter().collect(), paths, self.route)
    }
}

fn refusal(codes: &[Refused]) -> ResponseBuilder {
    let lines: Vec<String> = codes.iter().map(|(code, why)| format!("`{}`: {why}", code.as_str())).collect();
    let example = codes.first().and_then(|(code, why)| example(*code, why.clone()));
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Error"))).example(example).build();
    ResponseBuilder::new().description(lines.join("\n\n")).content("application/json", content)
}

fn example(code: Code, why: Cow<'static, str>) -> Option<Value> {
    serde_json::from_slice(&ApiError::new(code, why).body()).ok()
}

/// The parameters that a path template names.
fn path_parameters(path: &str) -> Vec<Parameter> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names
        .map(|name| {
            let (description, example) = told_of(name);
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .description(Some(description))
                .schema(Some(<str as Described>::schema(&mut Schemas::new())))
                .example(Some(json!(example)))
                .build()
        })
        .collect()
}

fn told_of(parameter: &str) -> (&'static str, &'static str) {
    match parameter {
        "aid" => ("The account: T or P and eight digits", "T12345678"),
        "card_id" => ("The id the client chose for the card, percent-encoded", "spring-0001"),
        "customer_id" => ("Whose cards, percent-encoded", "customer-17"),
        "mode" => ("`T` for test accounts, `P` for production accounts", "T"),
        _ => ("The id", "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"),
    }
}
