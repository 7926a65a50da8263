//! Nuclei: spin, gyromagnetic ratio with its sign, natural abundance.
//!
//! Source of all entries: R. K. Harris, E. D. Becker, S. M. Cabral de Menezes, R. Goodfellow, P. Granger, "NMR nomenclature.
//! Nuclear spin properties and conventions for chemical shifts", Pure Appl. Chem. 73, 1795 (2001), the IUPAC
//! recommendations. The ratios of 1H, 13C, 19F, 29Si and 31P have the digits specified by the language, 1H with the
//! CODATA value of the free proton.

/// An isotope with nuclear spin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Isotope {
    /// Symbol, for example `13C`.
    pub symbol: &'static str,
    /// Twice the spin quantum number.
    pub twice_spin: u32,
    /// Gyromagnetic ratio in rad/s/T.
    pub gamma: f64,
    /// Natural abundance in percent.
    pub abundance: f64,
}

const fn isotope(symbol: &'static str, twice_spin: u32, gamma_mega: f64, abundance: f64) -> Isotope {
    Isotope { symbol, twice_spin, gamma: gamma_mega * 1e6, abundance }
}

/// The table. Ratios in 10^6 rad/s/T.
pub const ISOTOPES: &[Isotope] = &[
    isotope("1H", 1, 267.5221874, 99.9885),
    isotope("2H", 2, 41.0662791, 0.0115),
    isotope("3H", 1, 285.349779, 0.0),
    isotope("3He", 1, -203.801587, 0.000137),
    isotope("6Li", 2, 39.371709, 7.59),
    isotope("7Li", 3, 103.977013, 92.41),
    isotope("9Be", 3, -37.59666, 100.0),
    isotope("10B", 6, 28.746786, 19.9),
    isotope("11B", 3, 85.847044, 80.1),
    isotope("13C", 1, 67.2828, 1.07),
    isotope("14N", 2, 19.337792, 99.632),
    isotope("15N", 1, -27.1261804, 0.368),
    isotope("17O", 5, -36.2808, 0.038),
    isotope("19F", 1, 251.815, 100.0),
    isotope("23Na", 3, 70.808493, 100.0),
    isotope("25Mg", 5, -16.3887, 10.0),
    isotope("27Al", 5, 69.762715, 100.0),
    isotope("29Si", 1, -53.190, 4.6832),
    isotope("31P", 1, 108.394, 100.0),
    isotope("33S", 3, 20.55685, 0.76),
    isotope("35Cl", 3, 26.24198, 75.78),
    isotope("37Cl", 3, 21.84368, 24.22),
    isotope("39K", 3, 12.500608, 93.2581),
    isotope("43Ca", 7, -18.03069, 0.135),
    isotope("45Sc", 7, 65.087973, 100.0),
    isotope("51V", 7, 70.455117, 99.750),
    isotope("55Mn", 5, 66.452546, 100.0),
    isotope("57Fe", 1, 8.680624, 2.119),
    isotope("59Co", 7, 63.32, 100.0),
    isotope("63Cu", 3, 71.117890, 69.17),
    isotope("71Ga", 3, 81.81171, 39.892),
    isotope("75As", 3, 45.96163, 100.0),
    isotope("77Se", 1, 51.253857, 7.63),
    isotope("79Br", 3, 67.25616, 50.69),
    isotope("81Br", 3, 72.49776, 49.31),
    isotope("87Rb", 3, 87.86400, 27.83),
    isotope("89Y", 1, -13.162791, 100.0),
    isotope("103Rh", 1, -8.468, 100.0),
    isotope("109Ag", 1, -12.518634, 48.161),
    isotope("111Cd", 1, -56.983131, 12.80),
    isotope("113Cd", 1, -59.609155, 12.22),
    isotope("117Sn", 1, -95.8879, 7.68),
    isotope("119Sn", 1, -100.317, 8.59),
    isotope("125Te", 1, -85.108404, 7.07),
    isotope("127I", 5, 53.89573, 100.0),
    isotope("129Xe", 1, -74.52103, 26.44),
    isotope("131Xe", 3, 22.09076, 21.18),
    isotope("133Cs", 7, 35.332539, 100.0),
    isotope("183W", 1, 11.282403, 14.31),
    isotope("195Pt", 1, 58.385, 33.832),
    isotope("199Hg", 1, 48.457916, 16.87),
    isotope("207Pb", 1, 55.8046, 22.1),
];

impl Isotope {
    /// Looks up a nucleus by its symbol.
    pub fn named(symbol: &str) -> Option<&'static Isotope> {
        ISOTOPES.iter().find(|i| i.symbol == symbol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::TWO_PI;

    /// Larmor frequencies at 11.7433 T, where 1H resonates at 500.0 MHz, against the frequency ratios Xi of the IUPAC table, in
    /// percent of 1H.
    #[test]
    fn frequency_ratios_are_those_of_the_reference_compounds() {
        for (symbol, xi) in
            [("2H", 15.350609), ("13C", 25.145020), ("15N", -10.136767), ("19F", 94.094011), ("31P", 40.480742)]
        {
            let ratio = 100.0 * Isotope::named(symbol).unwrap().gamma / Isotope::named("1H").unwrap().gamma;
            // Xi refers to reference compounds, the ratio to bare nuclei: shielding makes a difference of 1e-3 at most.
            assert!((ratio / xi - 1.0).abs() < 1.5e-3, "{symbol}: {ratio} {xi}");
        }
        let proton = Isotope::named("1H").unwrap().gamma / TWO_PI;
        assert!((proton - 42.577478e6).abs() < 10.0, "{proton}");
    }
}
