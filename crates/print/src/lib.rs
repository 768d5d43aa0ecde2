//! How cards look: the symbols a till, a scanner or a phone reads, as small PNG images.
//!
//! [`code128`] and [`qr`] turn a payload into an [`Image`]; the image gives PNG bytes or a
//! `data:` URI that a browser, a receipt template or a mail shows as it is.

mod code128;
mod image;
mod mask;
mod packing;
mod payload;
mod qr;

pub use code128::code128;
pub use image::Image;
pub use payload::{PAYLOAD_CHARS_MAX, PrintError};
pub use qr::qr;
