//! QR codes (ISO/IEC 18004).

use qrcode::EcLevel;
use qrcode::canvas::Canvas;
use qrcode::ec::construct_codewords;

use crate::image::{Image, Lines};
use crate::mask::{self, Grid};
use crate::packing::pack;
use crate::payload::{Payload, PrintError};

const MODULE_PX: usize = 4;
/// A dark module's pixels in one line.
const DARK: u32 = 0b1111;
/// Light modules each side; ISO/IEC 18004 asks for 4.
const QUIET_MODULES: usize = 4;
/// 4 pixels for a module of 0.4 mm, so a pixel is 0.1 mm.
const PIXELS_PER_METRE: u32 = 10_000;
/// Restores 15 % of the symbol: what scratches and a thumb take.
const LEVEL: EcLevel = EcLevel::M;

/// Draws a payload as a QR code: level M, 0.4 mm a module, 4 pixels a module, a quiet zone of
/// 4 modules all around. Digits, capitals and the rest are packed each in the mode that makes the
/// symbol smallest.
///
/// # Errors
///
/// [`PrintError`] when the payload is not 1 to [`PAYLOAD_CHARS_MAX`](crate::PAYLOAD_CHARS_MAX)
/// characters of printable ASCII.
pub fn qr(payload: &str) -> Result<Image, PrintError> {
    let grid = symbol(Payload::try_from(payload)?);
    let modules = grid.side() + 2 * QUIET_MODULES;
    let mut lines = Lines::with_capacity(modules * (modules * MODULE_PX).div_ceil(8));
    let quiet = [0; QUIET_MODULES];
    for &row in quiet.iter().chain(grid.rows()).chain(&quiet) {
        // The side quiet zones are light modules before and after the row's own.
        let row = row << QUIET_MODULES;
        for module in 0..modules {
            let is_dark = row >> module & 1 == 1;
            lines.push(if is_dark { DARK } else { 0 }, DARK.count_ones());
        }
        lines.end_line();
    }
    Ok(Image::new(lines, MODULE_PX, PIXELS_PER_METRE))
}

fn symbol(payload: Payload<'_>) -> Grid {
    let bits = pack(payload, LEVEL);
    let version = bits.version();
    let (data, correction) = construct_codewords(&bits.into_bytes(), version, LEVEL)
        .expect("data that was packed for this version and level");
    let mut canvas = Canvas::new(version, LEVEL);
    canvas.draw_all_functional_patterns();
    canvas.draw_data(&data, &correction);
    let side = usize::try_from(version.width()).expect("a width is positive");
    mask::easiest(&canvas, side)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::SIDE_MAX;
    use crate::payload::PAYLOAD_CHARS_MAX;

    #[test]
    fn longest_payload_fits_the_largest_symbol_planned_for() {
        let longest = "a".repeat(PAYLOAD_CHARS_MAX);
        let grid = symbol(Payload::try_from(longest.as_str()).expect("ASCII can be drawn"));
        assert_eq!(grid.side(), SIDE_MAX);
    }
}
