//! A secret value: it can be shown in one answer, and nowhere else by accident.

use zeroize::Zeroizing;

/// A token, a PIN or a client secret.
///
/// There is no `Debug`, `Display` or `Serialize`: whoever shows it says so by [`Secret::expose`]. It is wiped
/// when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a value into keeping.
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
