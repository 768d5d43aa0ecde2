//! What each command of the finished program does.

#[path = "../common/mod.rs"]
mod common;

mod commands;
mod issue;
mod operator;
mod quickstart;
mod relocate;
mod serve;
mod upkeep;
mod verify;
