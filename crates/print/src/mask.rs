//! Which of the eight masks of a QR code is easiest to read (ISO/IEC 18004, 7.8.3).
//!
//! The `qrcode` crate can choose too, but looks at each module many times over and so spends more
//! than nine tenths of its time there. Here a whole line is one number, and a rule a few shifts.

use qrcode::canvas::{Canvas, MaskPattern};
use qrcode::types::Color;

/// Side in modules of the largest symbol a payload can need, version 9 at level M.
///
/// A line and a 4-module quiet zone each side fit a `u64`.
pub(crate) const SIDE_MAX: usize = 53;

const MASKS: [MaskPattern; 8] = [
    MaskPattern::Checkerboard,
    MaskPattern::HorizontalLines,
    MaskPattern::VerticalLines,
    MaskPattern::DiagonalLines,
    MaskPattern::LargeCheckerboard,
    MaskPattern::Fields,
    MaskPattern::Diamonds,
    MaskPattern::Meadow,
];

/// A finished symbol: a line is one number, its first module the lowest bit, dark as 1.
pub(crate) struct Grid {
    side: usize,
    rows: [u64; SIDE_MAX],
    columns: [u64; SIDE_MAX],
}

impl Grid {
    fn new(side: usize, modules: &[Color]) -> Self {
        assert!(side <= SIDE_MAX && modules.len() == side * side, "a symbol no payload can need");
        let mut grid = Self { side, rows: [0; SIDE_MAX], columns: [0; SIDE_MAX] };
        for (y, row) in modules.chunks_exact(side).enumerate() {
            for (x, &module) in row.iter().enumerate() {
                let dark = u64::from(module == Color::Dark);
                grid.rows[y] |= dark << x;
                grid.columns[x] |= dark << y;
            }
        }
        grid
    }

    pub(crate) fn side(&self) -> usize {
        self.side
    }

    /// The rows from the top.
    pub(crate) fn rows(&self) -> &[u64] {
        &self.rows[..self.side]
    }

    fn columns(&self) -> &[u64] {
        &self.columns[..self.side]
    }

    /// How hard the symbol is to read: the sum over the standard's four rules.
    fn penalty(&self) -> u32 {
        let lines = self.rows().iter().chain(self.columns());
        let along: u32 = lines.map(|&line| runs(line, self.side) + finders(line)).sum();
        let blocks: u32 = self.rows().windows(2).map(|pair| blocks(pair[0], pair[1], self.side)).sum();
        let dark: u32 = self.rows().iter().map(|row| row.count_ones()).sum();
        along + blocks + imbalance(dark, self.side)
    }
}

/// Masks a drawn symbol in the way that is easiest to read.
pub(crate) fn easiest(canvas: &Canvas, side: usize) -> Grid {
    let masked = MASKS.map(|mask| {
        let mut canvas = canvas.clone();
        canvas.apply_mask(mask);
        Grid::new(side, &canvas.into_colors())
    });
    masked.into_iter().min_by_key(Grid::penalty).expect("there are eight masks")
}

/// The modules, as bits, that have the colour of the next one in the line.
fn same_as_next(line: u64, side: usize) -> u64 {
    !(line ^ line >> 1) & ((1 << (side - 1)) - 1)
}

/// Rule 1: five modules of one colour in a line cost 3, each further one 1 more.
fn runs(line: u64, side: usize) -> u32 {
    let same = same_as_next(line, side);
    // Where five of a colour begin; a longer run has several such places, side by side.
    let fives = same & same >> 1 & same >> 2 & same >> 3;
    let firsts = fives & !(fives << 1);
    fives.count_ones() + 2 * firsts.count_ones()
}

/// Rule 2: each block of two by two modules of one colour costs 3; blocks may overlap.
fn blocks(upper: u64, lower: u64, side: usize) -> u32 {
    let same = same_as_next(upper, side) & same_as_next(lower, side) & !(upper ^ lower);
    3 * same.count_ones()
}

/// Rule 3: what looks like a finder pattern, with four light modules before or after, costs 40.
fn finders(line: u64) -> u32 {
    // The quiet zone is light as well, so room is made for it before the line.
    let dark = line << 4;
    let light = !dark;
    let finder = dark & light >> 1 & dark >> 2 & dark >> 3 & dark >> 4 & light >> 5 & dark >> 6;
    let four_light = light & light >> 1 & light >> 2 & light >> 3;
    40 * ((finder & four_light << 4).count_ones() + (finder & four_light >> 7).count_ones())
}

/// Rule 4: each whole 5 % that the share of dark modules is away from a half costs 10.
fn imbalance(dark: u32, side: usize) -> u32 {
    let all = u32::try_from(side * side).expect("a symbol has few modules");
    (20 * dark).abs_diff(10 * all) / all * 10
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The four rules as the standard tells them, module by module.
    fn penalty_by_the_book(side: usize, modules: &[Color]) -> u32 {
        let at = |x: usize, y: usize| modules[y * side + x];
        let quiet = [Color::Light; 4];
        let mut penalty = 0;
        for line in 0..side {
            let row: Vec<Color> = (0..side).map(|x| at(x, line)).collect();
            let column: Vec<Color> = (0..side).map(|y| at(line, y)).collect();
            for line in [row, column] {
                for run in line.chunk_by(|a, b| a == b).filter(|run| run.len() >= 5) {
                    penalty += run.len() - 2;
                }
                let line = [&quiet[..], &line[..], &quiet[..]].concat();
                for window in line.windows(11) {
                    let window: String = window.iter().map(|c| c.select('#', '.')).collect();
                    if window == "....#.###.#" || window == "#.###.#...." {
                        penalty += 40;
                    }
                }
            }
        }
        for (x, y) in (1..side).flat_map(|y| (1..side).map(move |x| (x, y))) {
            if [at(x - 1, y), at(x, y - 1), at(x - 1, y - 1)] == [at(x, y); 3] {
                penalty += 3;
            }
        }
        let dark = modules.iter().filter(|&&module| module == Color::Dark).count();
        let steps = (100 * dark).abs_diff(50 * side * side) / (5 * side * side);
        u32::try_from(penalty + 10 * steps).expect("a small number")
    }

    fn modules(side: usize, dark_of_ten: u8) -> impl Strategy<Value = Vec<Color>> {
        let colour = (0..10u8).prop_map(move |n| if n < dark_of_ten { Color::Dark } else { Color::Light });
        prop::collection::vec(colour, side * side)
    }

    fn any_modules() -> impl Strategy<Value = (usize, Vec<Color>)> {
        let sides = prop::sample::select(vec![21, 29, SIDE_MAX]);
        (sides, 0..=10u8).prop_flat_map(|(side, dark)| (Just(side), modules(side, dark)))
    }

    proptest! {
        #[test]
        fn penalty_is_the_standards((side, modules) in any_modules()) {
            let penalty = Grid::new(side, &modules).penalty();
            prop_assert_eq!(penalty, penalty_by_the_book(side, &modules));
        }

        #[test]
        fn finder_patterns_in_any_line_are_found(at in 0..23usize, line in 0..29usize, down: bool) {
            let mut modules = vec![Color::Light; 29 * 29];
            for (place, _) in "#.###.#".char_indices().filter(|&(_, c)| c == '#') {
                let place = at + place;
                modules[if down { place * 29 + line } else { line * 29 + place }] = Color::Dark;
            }
            let penalty = Grid::new(29, &modules).penalty();
            prop_assert_eq!(penalty, penalty_by_the_book(29, &modules));
        }
    }
}
