//! The API as its clients see it.

mod cards;
mod openapi;
mod world;
