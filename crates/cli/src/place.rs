//! Where everything is remembered: in a data directory, or in a database that servers share.

use service::Secret;

use crate::data::DataFolder;

/// Where everything is remembered.
#[derive(Clone)]
pub enum Place {
    /// A directory that one server has alone.
    Folder(DataFolder),
    /// A PostgreSQL database, by its URL, which any number of servers share.
    Database(Secret),
}

impl Place {
    /// The data directory, where it is one.
    pub fn folder(&self) -> Option<&DataFolder> {
        match self {
            Self::Folder(folder) => Some(folder),
            Self::Database(_) => None,
        }
    }
}
