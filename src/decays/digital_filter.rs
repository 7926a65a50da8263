//! The delay of a digital filter: the points before the first one of the decay.
//!
//! An oversampling receiver hands out its filter's rise first: the decay begins GRPDLY points late, a number with a fraction. Where a
//! file does not tell it, the firmware (DSPFVS) and the decimation (DECIM) do. The delay is taken off exactly: in a spectrum by the phase
//! `exp(2 pi i nu GRPDLY dwell)`, in a fit by the times of the points.

use crate::linalg::C64;
use crate::syntax::number_text;
use crate::units::TWO_PI;
use rustfft::FftPlanner;

/// The firmwares of the table.
const FIRMWARES: [i64; 4] = [10, 11, 12, 13];

/// Half steps: a delay of n points is written as `2 n DECIM`, DECIM by DECIM, a column a firmware; 0 where there is none.
const HALF_STEPS: &[(i64, [u32; 4])] = &[
    (2, [179, 184, 184, 11]),
    (3, [201, 219, 219, 17]),
    (4, [533, 384, 384, 23]),
    (6, [709, 602, 602, 35]),
    (8, [1097, 852, 852, 47]),
    (12, [1449, 1668, 1668, 71]),
    (16, [2225, 2312, 2292, 95]),
    (24, [2929, 3368, 3368, 143]),
    (32, [4481, 4656, 4616, 191]),
    (48, [5889, 6768, 6768, 287]),
    (64, [8993, 9344, 9264, 383]),
    (96, [11809, 13568, 13568, 575]),
    (128, [18017, 18560, 18560, 0]),
    (192, [23649, 27392, 27392, 0]),
    (256, [36065, 36992, 36992, 0]),
    (384, [47329, 55040, 55040, 0]),
    (512, [72161, 73856, 73856, 0]),
    (768, [94689, 110336, 110336, 0]),
    (1024, [144353, 147584, 147584, 0]),
    (1536, [189409, 220928, 220928, 0]),
    (2048, [288737, 295040, 295040, 0]),
];

/// What a file says of its digital filter.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Filter {
    /// GRPDLY, points.
    pub group_delay: Option<f64>,
    /// DSPFVS.
    pub firmware: Option<i64>,
    /// DECIM.
    pub decimation: Option<i64>,
    /// DIGMOD; 0 is analog.
    pub mode: Option<i64>,
}

/// The delay in points.
///
/// # Errors
/// When GRPDLY is no delay, or the decimation is not in the table of its firmware.
pub fn delay(filter: &Filter) -> Result<f64, String> {
    /// No filter is so long.
    const LONGEST: f64 = 1e4;
    match filter.group_delay {
        Some(points) if !points.is_finite() || points > LONGEST => {
            return Err(format!("GRPDLY = {} is not a valid group delay in points", number_text(points)));
        }
        Some(points) if points > 0.0 => return Ok(points),
        _ => {}
    }
    let (Some(firmware), Some(decimation)) = (filter.firmware, filter.decimation) else { return Ok(0.0) };
    let Some(column) = FIRMWARES.iter().position(|f| *f == firmware) else { return Ok(0.0) };
    if filter.mode == Some(0) || decimation == 1 {
        return Ok(0.0);
    }
    let row = HALF_STEPS.iter().find(|(d, _)| *d == decimation).and_then(|(_, row)| row.get(column));
    match row.filter(|n| **n > 0) {
        Some(n) => Ok(f64::from(*n) / (2.0 * decimation as f64)),
        None => Err(format!(
            "the group delay of its digital filter is unknown: GRPDLY is missing, and DSPFVS = {firmware} has no DECIM = {decimation}"
        )),
    }
}

/// The points without a delay: shifted to earlier times by a linear phase in the spectrum, so that fractions count. What stood before
/// the first point of the decay comes to stand behind the last.
pub fn without_delay(points: &[C64], delay: f64) -> Vec<C64> {
    let n = points.len();
    let mut buffer = points.to_vec();
    if n == 0 || delay == 0.0 {
        return buffer;
    }
    let mut planner = FftPlanner::new();
    planner.plan_fft_forward(n).process(&mut buffer);
    for (k, z) in buffer.iter_mut().enumerate() {
        // Frequencies of the upper half are negative.
        let frequency = if 2 * k < n { k as f64 } else { k as f64 - n as f64 } / n as f64;
        *z *= C64::cis(TWO_PI * frequency * delay) / n as f64;
    }
    planner.plan_fft_inverse(n).process(&mut buffer);
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_where_the_delay_is_missing() {
        let filter = |grpdly: Option<f64>, dspfvs, decim, digmod| Filter {
            group_delay: grpdly,
            firmware: Some(dspfvs),
            decimation: Some(decim),
            mode: Some(digmod),
        };
        assert_eq!(delay(&filter(Some(67.98), 12, 16, 1)), Ok(67.98));
        assert_eq!(delay(&filter(Some(-1.0), 12, 16, 1)), Ok(71.625));
        assert_eq!(delay(&filter(None, 10, 8, 1)), Ok(68.5625));
        assert_eq!(delay(&filter(Some(0.0), 13, 96, 1)), Ok(2.0 + 191.0 / 192.0));
        assert_eq!(delay(&filter(Some(-1.0), 0, 1, 0)), Ok(0.0));
        assert_eq!(delay(&filter(None, 20, 1000, 1)), Ok(0.0));
        assert!(delay(&filter(None, 13, 128, 1)).unwrap_err().contains("DECIM = 128"));
        assert!(delay(&filter(None, 12, 17, 1)).unwrap_err().contains("DECIM = 17"));
        assert!(delay(&filter(Some(f64::NAN), 12, 16, 1)).is_err());
        assert!(delay(&filter(Some(1e9), 12, 16, 1)).is_err());
        assert_eq!(delay(&Filter::default()), Ok(0.0));
    }

    #[test]
    fn a_fraction_of_a_point_is_taken_off() {
        // A line on a frequency of the grid is periodic, so the shift is exact for it.
        for (n, line) in [(64usize, 5.0), (63, -7.0)] {
            let at = |t: f64| C64::cis(TWO_PI * line * t / n as f64);
            let late: Vec<C64> = (0..n).map(|k| at(k as f64 - 3.3)).collect();
            for (k, z) in without_delay(&late, 3.3).iter().enumerate() {
                assert!((z - at(k as f64)).norm() < 1e-12, "{n} {k}");
            }
        }
        assert!(without_delay(&[], 3.0).is_empty());
    }
}
