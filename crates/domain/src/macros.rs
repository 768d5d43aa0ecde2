//! Types that differ only in name.

macro_rules! mac {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name {
            /// Which version of the key the hash was made with.
            pub key_version: u16,
            /// HMAC-SHA-256.
            pub mac: [u8; 32],
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "(version {})"), self.key_version)
            }
        }
    )+};
}

macro_rules! names {
    ($kind:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        impl $kind {
            /// Every value there is.
            pub const ALL: &'static [$kind] = &[$($kind::$variant),+];

            /// The word used in the API, the database and the reports.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($kind::$variant => $text),+
                }
            }

            /// The value a word stands for.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }
    };
}

pub(crate) use {mac, names};
