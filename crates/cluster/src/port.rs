//! A port that nobody has.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use crate::Error;

/// Below those that the system gives to outgoing connections: one of these could take the port while the server is
/// down, or, trying to reach it, even connect to itself.
const FIRST: u16 = 15_000;
const PORTS: u16 = 15_000;

/// A port that is free now. Each call begins at another.
pub fn free() -> Result<u16, Error> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test programs that run side by side begin far from each other.
    let first = u16::try_from(std::process::id().wrapping_mul(97) % u32::from(PORTS)).unwrap_or_default();
    for _ in 0..PORTS {
        let place = u32::from(first) + u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = FIRST + u16::try_from(place % u32::from(PORTS)).unwrap_or_default();
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(_) => return Ok(port),
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => return Err(Error::of("a port of 127.0.0.1")(error)),
        }
    }
    Err(Error::new("no port of 127.0.0.1 is free"))
}
