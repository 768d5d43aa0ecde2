//! A bitmap of two colours, and its PNG.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use png::{BitDepth, ColorType, Compression, Encoder, Filter, PixelDimensions, Unit};

const DATA_URI_PREFIX: &str = "data:image/png;base64,";
/// Enough for a card's payload; longer ones grow the buffer once or twice.
const PNG_BYTES_USUAL: usize = 1024;

/// A symbol drawn in black on white, ready to be written as a PNG.
///
/// It knows the physical size of its pixels, so that printing it unscaled gives modules of the
/// intended width.
pub struct Image {
    width_px: u32,
    /// The lines that differ, each padded to whole bytes, a dark pixel 0 as in PNG.
    lines: Vec<u8>,
    /// How many pixel rows each of them fills: a symbol repeats itself downwards.
    line_height_px: usize,
    pixels_per_metre: u32,
}

impl Image {
    pub(crate) fn new(lines: Lines, line_height_px: usize, pixels_per_metre: u32) -> Self {
        debug_assert_eq!(lines.line_px, 0, "the last line has been ended");
        Self { width_px: lines.width_px, lines: lines.bytes, line_height_px, pixels_per_metre }
    }

    /// The image as a PNG file: one bit a pixel, grey, with its resolution in `pHYs`.
    pub fn png(&self) -> Vec<u8> {
        let mut file = Vec::with_capacity(PNG_BYTES_USUAL);
        self.encode(&mut file).expect("an image that is not empty, written to memory, has no way to fail");
        file
    }

    /// The image as `data:image/png;base64,…`.
    pub fn data_uri(&self) -> String {
        let mut uri = String::new();
        self.write_data_uri(&mut uri);
        uri
    }

    /// Appends what [`data_uri`](Self::data_uri) returns, for a caller who writes many into one text.
    pub fn write_data_uri(&self, out: &mut String) {
        let file = self.png();
        out.reserve(DATA_URI_PREFIX.len() + file.len().div_ceil(3) * 4);
        out.push_str(DATA_URI_PREFIX);
        STANDARD.encode_string(file, out);
    }

    fn encode(&self, file: &mut Vec<u8>) -> Result<(), png::EncodingError> {
        let rows = self.rows();
        let line_bytes = self.line_bytes();
        let height_px = u32::try_from(rows.len() / line_bytes).expect("an image has few rows");
        let mut encoder = Encoder::new(file, self.width_px, height_px);
        encoder.set_color(ColorType::Grayscale);
        encoder.set_depth(BitDepth::One);
        encoder.set_pixel_dims(Some(PixelDimensions {
            xppu: self.pixels_per_metre,
            yppu: self.pixels_per_metre,
            unit: Unit::Meter,
        }));
        // The fastest compressor knows only runs of zeros, which is what `Up` makes of a repeated
        // row. A real deflate saves half of the bytes and takes 40 times as long, nearly all of it
        // to set up its tables.
        encoder.set_compression(Compression::Fastest);
        encoder.set_filter(Filter::Up);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&rows)?;
        writer.finish()
    }

    fn rows(&self) -> Vec<u8> {
        let mut rows = Vec::with_capacity(self.lines.len() * self.line_height_px);
        for line in self.lines.chunks_exact(self.line_bytes()) {
            for _ in 0..self.line_height_px {
                rows.extend_from_slice(line);
            }
        }
        rows
    }

    fn line_bytes(&self) -> usize {
        usize::try_from(self.width_px.div_ceil(8)).expect("a line fits in memory")
    }
}

/// Shows the size only: the pixels spell out a payload that may be secret.
impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image").field("width_px", &self.width_px).finish_non_exhaustive()
    }
}

/// Lines of pixels in the making, all of the same width.
pub(crate) struct Lines {
    bytes: Vec<u8>,
    /// Pixels not yet in `bytes`: the low `pending_px` bits, dark as 1, fewer than 8 between calls.
    pending: u64,
    pending_px: u32,
    line_px: u32,
    width_px: u32,
}

impl Lines {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), pending: 0, pending_px: 0, line_px: 0, width_px: 0 }
    }

    /// Adds `px` pixels, at most 32, to the line: the low bits of `dark`, the leftmost one highest.
    pub(crate) fn push(&mut self, dark: u32, px: u32) {
        self.pending = self.pending << px | u64::from(dark);
        self.pending_px += px;
        self.line_px += px;
        while self.pending_px >= 8 {
            self.pending_px -= 8;
            let [.., low] = (self.pending >> self.pending_px).to_be_bytes();
            self.bytes.push(!low);
        }
    }

    /// Ends the line, filling its last byte with light pixels that lie outside the image.
    pub(crate) fn end_line(&mut self) {
        debug_assert!(self.width_px == 0 || self.width_px == self.line_px, "lines are of one width");
        self.width_px = self.line_px;
        if self.pending_px > 0 {
            self.push(0, 8 - self.pending_px);
        }
        self.line_px = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_packed_from_the_left_and_padded_with_light() {
        let mut lines = Lines::with_capacity(4);
        lines.push(0b101, 3);
        lines.push(0b1_1111_1110, 9);
        lines.end_line();
        lines.push(0, 12);
        lines.end_line();
        assert_eq!(lines.width_px, 12);
        assert_eq!(lines.bytes, [!0b1011_1111, !0b1110_0000, 0xFF, 0xFF]);
    }

    #[test]
    fn data_uri_is_appended_to_what_is_there() {
        let image = crate::code128("1234").expect("digits can be drawn");
        let mut out = String::from("src=");
        image.write_data_uri(&mut out);
        assert_eq!(out, format!("src={}", image.data_uri()));
    }

    #[test]
    fn data_uri_holds_the_png() {
        let image = crate::qr("1234").expect("digits can be drawn");
        let uri = image.data_uri();
        let base64 = uri.strip_prefix("data:image/png;base64,").expect("the prefix of a PNG");
        assert_eq!(STANDARD.decode(base64), Ok(image.png()));
    }

    #[test]
    fn debug_output_does_not_show_the_pixels() {
        let image = crate::code128("12").expect("digits can be drawn");
        assert_eq!(format!("{image:?}"), "Image { width_px: 132, .. }");
    }
}
