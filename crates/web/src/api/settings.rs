//! What the API is told when it is built.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Settings of the API.
#[derive(Clone, Debug, Default)]
pub struct ApiSettings {
    /// Origins whose pages may call the API, each exactly as browsers send it; none unless named.
    pub cors_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<AddressRange>,
    /// Under which URL clients reach the API; shown in its documentation.
    pub public_url: Option<String>,
    /// Set when the server is about to stop: it then answers that it is not ready.
    pub stopping: Arc<AtomicBool>,
    /// Whether others than this machine reach the public listener without HTTPS: no production account is made then.
    pub is_exposed: bool,
}

/// An address, or all addresses that begin with the same bits: `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    address: IpAddr,
    bits: u32,
}

/// The text is neither an address nor a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRangeFault;

impl fmt::Display for AddressRangeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be an IP address or a range such as 10.0.0.0/8")
    }
}

impl std::error::Error for AddressRangeFault {}

impl FromStr for AddressRange {
    type Err = AddressRangeFault;

    fn from_str(text: &str) -> Result<Self, AddressRangeFault> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| AddressRangeFault)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| AddressRangeFault)?;
        if bits <= most { Ok(Self { address, bits }) } else { Err(AddressRangeFault) }
    }
}

impl AddressRange {
    /// Whether the address lies in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let ignored = 32_u32.saturating_sub(self.bits);
                let differing = own.to_bits() ^ other.to_bits();
                differing.checked_shr(ignored).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let ignored = 128_u32.saturating_sub(self.bits);
                let differing = own.to_bits() ^ other.to_bits();
                differing.checked_shr(ignored).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(range: &str, address: &str) -> bool {
        let range: AddressRange = range.parse().expect("a range");
        range.contains(address.parse().expect("an address"))
    }

    #[test]
    fn a_range_holds_the_addresses_that_begin_alike() {
        assert!(contains("10.0.0.0/8", "10.255.0.1"));
        assert!(!contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("127.0.0.1", "127.0.0.1"));
        assert!(contains("127.0.0.1", "::ffff:127.0.0.1"));
        assert!(!contains("127.0.0.1", "127.0.0.2"));
        assert!(contains("0.0.0.0/0", "203.0.113.9"));
        assert!(!contains("0.0.0.0/0", "2001:db8::1"));
        assert!(contains("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(!contains("2001:db8::/32", "2001:db9::1"));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for bad in ["", "10.0.0.0/33", "10.0.0.0/-1", "::/129", "localhost", "10.0.0/8", "10.0.0.0/"] {
            assert_eq!(bad.parse::<AddressRange>(), Err(AddressRangeFault), "{bad}");
        }
    }
}
