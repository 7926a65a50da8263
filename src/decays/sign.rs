//! The sign of frequency in files of decays: a spectrometer counts a higher shift as a positive offset, whatever the sign of gamma, and has
//! the complex conjugate of `Tr[rho F+]` where gamma is positive ([`crate::spin::is_mirrored`] says why).

use crate::linalg::C64;
use crate::spin::is_mirrored;

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
    if is_mirrored(nucleus) { -1.0 } else { 1.0 }
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
