//! The server from the outside, through real sockets.

mod bounds;
mod measured;
mod slow;
mod stop;
mod support;
mod tls;
