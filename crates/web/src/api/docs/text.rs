//! A short text for whoever reads no pages.

/// The text, for clients that reach the API under `base`.
pub(crate) fn llms(base: Option<&str>) -> String {
    let base = base.unwrap_or_default().trim_end_matches('/');
    format!(
        "# Gavekort

> Gift cards and other stored value over a REST API: make cards, sell them, take money from them.

Base path: {base}/v1/accounts/{{account id}}
Account ids: T and eight digits for test accounts, P and eight digits for production accounts.

## Access

POST {base}/v1/accounts/{{aid}}/auth/token with HTTP Basic (client_id, client_secret) and
{{\"grant_type\": \"client_credentials\", \"audience\": \"…/v1/accounts/{{aid}}\"}} gives an access_token.
Every other call carries it: Authorization: Bearer {{access_token}}.

## Main calls, below /v1/accounts/{{aid}}/wallets

- POST /cards/batch: up to 1,000 inactive cards, each with a token and a PIN, all or none.
- POST /cards: one card with money on it.
- GET /cards, GET /cards/{{card_id}}: read cards.
- POST /cards/{{card_id}}/activate: sell an inactive card.
- POST /transactions: take money from a card, by token or card_id.

## Rules of the road

- JSON in and out; success is always status 200.
- Amounts are whole numbers of minor units; times are RFC 3339.
- Tokens and PINs are shown once. Send an Idempotency-Key to be able to get a lost answer again.
- Refusals: {{\"error\": {{\"message\", \"code\", \"errors\": [{{\"code\", \"message\", \"path\"}}]}}}}.

## More

- [OpenAPI document]({base}/openapi.json)
- [Reference page]({base}/docs/)
- [Public keys of access tokens]({base}/.well-known/jwks.json)
"
    )
}
