//! The store in a PostgreSQL that many programs share. See `docs/adr/0006-postgresql-by-lanes.md`.

mod columns;
mod fault;
mod locks;
mod read;
