//! The sense of frequencies and phases: the one place that decides how those of a spectrometer follow from those of the program.
//!
//! In the program a pulse of phase phi rotates spins about `Ix cos phi + Iy sin phi` in a frame that rotates with the spins, and a higher
//! shift has the offset `-gamma B0 delta`: negative for gamma > 0. A spectrometer counts both in the sense of the size of the Larmor
//! frequency: a higher shift has a positive offset, and a pulse whose phase grows by phi makes a signal whose phase grows by phi. For
//! gamma > 0 it therefore has the complex conjugate of `Tr[rho F+]`, and the negative phase (M. H. Levitt, J. Magn. Reson. 126, 164).

use super::isotope::Isotope;

/// Whether a spectrometer counts frequencies and phases of a nucleus the other way than the program does; not where the nucleus is none
/// of the table.
pub fn is_mirrored(nucleus: &str) -> bool {
    Isotope::named(nucleus).is_some_and(|isotope| isotope.gamma > 0.0)
}

/// A phase or frequency of the program as a spectrometer has it, and the other way round.
pub fn mirrored(nucleus: &str, x: f64) -> f64 {
    // Zero has no sign.
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
