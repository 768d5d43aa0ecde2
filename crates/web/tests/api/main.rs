//! The API as its clients see it.

mod access;
mod cards;
mod docs;
mod forged;
mod formats;
mod frame;
mod http;
mod inputs;
mod lists;
mod matrix;
mod operator;
mod replay;
mod transactions;
mod world;
