//! The sign of frequency: decided here, used by every reader and writer of decays and spectra.
//!
//! A spectrometer counts a frequency as positive where the Larmor frequency is larger in size than that of the carrier: a higher shift
//! is a positive offset, whatever the sign of gamma. Inside the program a line at the offset `2 pi nu Iz` turns as
//! `exp(+2 pi i nu t)` in `Tr[rho F+]`, and `nu = -gamma B0 (delta - delta_carrier) / 2 pi` is negative for a higher shift where
//! gamma is positive. So for gamma > 0 a decay of the spectrometer's sign is the complex conjugate of `Tr[rho F+]`, and for gamma < 0
//! it is `Tr[rho F+]` itself. Both ways the step is the same one.

use crate::linalg::C64;
use crate::spin::Isotope;

/// Which way frequencies run in the numbers of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// A higher shift has a higher frequency: Bruker, JCAMP-DX, SIMPSON, NMRPipe, and what this program writes.
    Spectrometer,
    /// A higher shift has a lower frequency: Varian.
    Mirrored,
}

impl Sense {
    /// Numbers of a file in the sense of the spectrometer.
    pub fn to_spectrometer(self, point: C64) -> C64 {
        match self {
            Sense::Spectrometer => point,
            Sense::Mirrored => point.conj(),
        }
    }
}

/// +1 or -1: a frequency of `Tr[rho F+]` of a nucleus times this is one of the spectrometer, and the other way round. +1 where the
/// nucleus is none of the table.
pub fn sign(nucleus: &str) -> f64 {
    Isotope::named(nucleus).map_or(1.0, |isotope| -isotope.gamma.signum())
}

/// A point of `Tr[rho F+]` of a nucleus as a spectrometer has it, and the other way round.
pub fn turned(nucleus: &str, point: C64) -> C64 {
    if sign(nucleus) < 0.0 { point.conj() } else { point }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_is_that_of_minus_gamma() {
        let z = C64::new(1.0, 2.0);
        assert_eq!((sign("1H"), sign("15N"), sign("spin")), (-1.0, 1.0, 1.0));
        assert_eq!((turned("13C", z), turned("29Si", z)), (z.conj(), z));
        assert_eq!(turned("1H", turned("1H", z)), z);
        assert_eq!((Sense::Spectrometer.to_spectrometer(z), Sense::Mirrored.to_spectrometer(z)), (z, z.conj()));
    }
}
