//! Numbers as consoles read them: plain digits, no exponents.

/// A number with twelve digits, without zeros behind them.
pub fn plain(x: f64) -> String {
    with_digits(x, 12)
}

/// A power with fifteen digits: those that follow from one calibration keep their ratios, squares of amplitudes, beyond 1e-12.
pub fn power(watts: f64) -> String {
    with_digits(watts, 15)
}

fn with_digits(x: f64, count: i64) -> String {
    if x == 0.0 || !x.is_finite() {
        return "0".into();
    }
    let digits = (count - 1 - x.abs().log10().floor() as i64).clamp(0, 24) as usize;
    let text = format!("{x:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}

/// A time in microseconds.
pub fn micro(seconds: f64) -> String {
    plain(seconds * 1e6)
}

/// A number with an exponent of a sign and two digits at least, as C writes it.
pub fn scientific(x: f64, digits: usize) -> String {
    let text = format!("{x:.digits$e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let (sign, size) = exponent.strip_prefix('-').map_or(('+', exponent), |size| ('-', size));
            format!("{mantissa}e{sign}{size:0>2}")
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{plain, power, scientific};

    #[test]
    fn numbers_keep_twelve_digits_and_no_exponent() {
        for (x, text) in
            [(5.472731024, "5.472731024"), (0.1 + 0.2, "0.3"), (1e6, "1000000"), (-2.5e-9, "-0.0000000025"), (0.0, "0")]
        {
            assert_eq!(plain(x), text);
        }
        assert_eq!(power(57.3 * (4.0 * 0.067_957_f64).powi(2)), "4.2339234487632");
        assert_eq!(power(182.02224_f64.next_up()), "182.02224");
        for (x, text) in [(100.0, "1.000e+02"), (-2.5e-12, "-2.500e-12"), (0.0, "0.000e+00"), (1e123, "1.000e+123")] {
            assert_eq!(scientific(x, 3), text);
        }
    }
}
