//! Sign of frequencies and phases: the only place that converts between the conventions of the program and those of a spectrometer.
//!
//! In the program a pulse of phase phi rotates spins about `Ix cos phi + Iy sin phi` in the rotating frame, and a larger chemical
//! shift has the offset `-gamma B0 delta`: negative for gamma > 0. A spectrometer uses the sign of the absolute Larmor
//! frequency: a larger shift has a positive offset, and a pulse phase increased by phi increases the signal phase by phi. For
//! gamma > 0 it therefore records the complex conjugate of `Tr[rho F+]`, with the negative phase (M. H. Levitt, J. Magn. Reson. 126, 164).

use super::isotope::Isotope;

/// True if a spectrometer uses the opposite sign of frequencies and phases for this nucleus (gamma > 0); false if the nucleus is not in the
/// table.
pub fn is_mirrored(nucleus: &str) -> bool {
    Isotope::named(nucleus).is_some_and(|isotope| isotope.gamma > 0.0)
}

/// Converts a phase or frequency from the program's convention to the spectrometer's, and vice versa.
pub fn mirrored(nucleus: &str, x: f64) -> f64 {
    // Avoid negative zero.
    if is_mirrored(nucleus) && x != 0.0 { -x } else { x }
}

#[cfg(test)]
mod tests {
    use super::{is_mirrored, mirrored};

    #[test]
    fn a_positive_gamma_mirrors() {
        assert!(
            is_mirrored("1H")
                && is_mirrored("13C")
                && !is_mirrored("15N")
                && !is_mirrored("29Si")
                && !is_mirrored("spin")
        );
        assert_eq!((mirrored("1H", 1.5), mirrored("15N", 1.5), mirrored("1H", 0.0).to_bits()), (-1.5, 1.5, 0));
    }
}
