//! What a PNG reader finds in the images: size, depth, resolution and whole modules.

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, Unit};
use print::{Image, code128, qr};

/// An image read back: its pixels, dark as true, and how many of them make a metre.
struct Read {
    rows: Vec<Vec<bool>>,
    pixels_per_metre: u32,
}

fn read(image: &Image) -> Read {
    let mut reader = Decoder::new(Cursor::new(image.png())).read_info().expect("a PNG header");
    let info = reader.info();
    assert_eq!((info.color_type, info.bit_depth), (ColorType::Grayscale, BitDepth::One));
    let resolution = info.pixel_dims.expect("a pHYs chunk");
    assert!(matches!(resolution.unit, Unit::Meter));
    assert_eq!(resolution.xppu, resolution.yppu);
    let (width, line_bytes) = (info.width as usize, info.raw_row_length() - 1);
    let mut bytes = vec![0; reader.output_buffer_size().expect("a small image")];
    reader.next_frame(&mut bytes).expect("whole image data");
    let row = |line: &[u8]| (0..width).map(|x| line[x / 8] & 0x80 >> (x % 8) == 0).collect();
    Read { rows: bytes.chunks(line_bytes).map(row).collect(), pixels_per_metre: resolution.xppu }
}

fn are_all_light(row: &[bool]) -> bool {
    row.iter().all(|&dark| !dark)
}

#[test]
fn code128_is_two_pixels_a_module_with_quiet_zones() {
    for (payload, modules) in [("123456", 68), ("1234567890123456789", 156), ("12345678901234567890", 145)] {
        let rows = read(&code128(payload).expect("digits can be drawn")).rows;
        assert_eq!(rows[0].len(), (modules + 20) * 2, "{payload}");
        assert!(are_all_light(&rows[0][..20]) && are_all_light(&rows[0][rows[0].len() - 20..]));
        assert!(rows[0][20] && rows[0][rows[0].len() - 21], "bars begin and end the symbol");
        assert!(rows.iter().all(|row| row == &rows[0]), "all rows show the same bars");
        assert!(rows[0].chunks(2).all(|module| module[0] == module[1]), "modules are whole");
    }
}

#[test]
fn code128_prints_at_a_quarter_millimetre_a_module_and_ten_high() {
    let image = read(&code128("123456").expect("digits can be drawn"));
    let module_um = 2 * 1_000_000 / image.pixels_per_metre;
    let height_um = image.rows.len() as u64 * 1_000_000 / u64::from(image.pixels_per_metre);
    assert_eq!(module_um, 254);
    assert!((10_000..=12_000).contains(&height_um), "{height_um} µm");
}

#[test]
fn qr_is_four_pixels_a_module_with_a_quiet_zone() {
    // Sides in modules of the first versions: 21, 25, 29.
    for (payload, side) in [("1234567890123456", 21), ("a-code-of-26-characters-12", 25)] {
        let rows = read(&qr(payload).expect("ASCII can be drawn")).rows;
        let width_px = (side + 8) * 4;
        assert_eq!((rows.len(), rows[0].len()), (width_px, width_px), "{payload}");
        assert!(rows[..16].iter().chain(&rows[width_px - 16..]).all(|row| are_all_light(row)));
        assert!(rows.iter().all(|row| are_all_light(&row[..16]) && are_all_light(&row[width_px - 16..])));
        assert!(rows.chunks(4).all(|lines| lines.iter().all(|line| line == &lines[0])));
        assert!(rows.iter().all(|row| row.chunks(4).all(|px| px.iter().all(|p| p == &px[0]))));
        assert!(rows[16][16..16 + 7 * 4].iter().all(|&dark| dark), "the finder pattern's upper edge");
    }
}

#[test]
fn qr_prints_at_four_tenths_of_a_millimetre_a_module() {
    let image = read(&qr("1234567890123456").expect("digits can be drawn"));
    assert_eq!(4 * 1_000_000 / image.pixels_per_metre, 400);
}

#[test]
fn images_of_a_card_stay_small() {
    let payload = "DINCARD:7Kq9#mR2xWv4?Zt8Lp3!Ns6Yb1Hd5Fg0CjQe";
    let code128_bytes = code128(payload).expect("ASCII can be drawn").png().len();
    let qr_bytes = qr(payload).expect("ASCII can be drawn").png().len();
    assert!(code128_bytes < 600, "{code128_bytes} bytes");
    assert!(qr_bytes < 1024, "{qr_bytes} bytes");
}
