//! Nuclei: spin, gyromagnetic ratio with its sign, natural abundance. The electron, which is treated as another isotope.
//!
//! The naturally occurring nuclei with spin, and 3H and 99Tc. Source of all entries: R. K. Harris, E. D. Becker, S. M. Cabral de Menezes,
//! R. Goodfellow, P. Granger, "NMR nomenclature. Nuclear spin properties and conventions for chemical shifts", Pure Appl. Chem. 73, 1795
//! (2001), the IUPAC recommendations. The ratios of 1H, 13C, 19F, 29Si and 31P have the digits specified by the language, 1H with the
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
    isotope("21Ne", 3, -21.1308, 0.27),
    isotope("23Na", 3, 70.808493, 100.0),
    isotope("25Mg", 5, -16.3887, 10.0),
    isotope("27Al", 5, 69.762715, 100.0),
    isotope("29Si", 1, -53.190, 4.6832),
    isotope("31P", 1, 108.394, 100.0),
    isotope("33S", 3, 20.55685, 0.76),
    isotope("35Cl", 3, 26.24198, 75.78),
    isotope("37Cl", 3, 21.84368, 24.22),
    isotope("39K", 3, 12.500608, 93.2581),
    isotope("40K", 8, -15.542854, 0.0117),
    isotope("41K", 3, 6.8606808, 6.7302),
    isotope("43Ca", 7, -18.03069, 0.135),
    isotope("45Sc", 7, 65.087973, 100.0),
    isotope("47Ti", 5, -15.105, 7.44),
    isotope("49Ti", 7, -15.1095, 5.41),
    isotope("50V", 12, 26.70649, 0.25),
    isotope("51V", 7, 70.455117, 99.750),
    isotope("53Cr", 3, -15.152, 9.501),
    isotope("55Mn", 5, 66.452546, 100.0),
    isotope("57Fe", 1, 8.680624, 2.119),
    isotope("59Co", 7, 63.32, 100.0),
    isotope("61Ni", 3, -23.948, 1.1399),
    isotope("63Cu", 3, 71.117890, 69.17),
    isotope("65Cu", 3, 76.0435, 30.83),
    isotope("67Zn", 5, 16.76688, 4.1),
    isotope("69Ga", 3, 64.38855, 60.108),
    isotope("71Ga", 3, 81.81171, 39.892),
    isotope("73Ge", 9, -9.360303, 7.73),
    isotope("75As", 3, 45.96163, 100.0),
    isotope("77Se", 1, 51.253857, 7.63),
    isotope("79Br", 3, 67.25616, 50.69),
    isotope("81Br", 3, 72.49776, 49.31),
    isotope("83Kr", 9, -10.331, 11.49),
    isotope("85Rb", 5, 25.92705, 72.17),
    isotope("87Rb", 3, 87.86400, 27.83),
    isotope("87Sr", 9, -11.639376, 7.0),
    isotope("89Y", 1, -13.162791, 100.0),
    isotope("91Zr", 5, -24.9743, 11.22),
    isotope("93Nb", 9, 65.674, 100.0),
    isotope("95Mo", 5, -17.51, 15.92),
    isotope("97Mo", 5, -17.88, 9.55),
    isotope("99Tc", 9, 60.46, 0.0),
    isotope("99Ru", 5, -12.29, 12.76),
    isotope("101Ru", 5, -13.77, 17.06),
    isotope("103Rh", 1, -8.468, 100.0),
    isotope("105Pd", 5, -12.3, 22.33),
    isotope("107Ag", 1, -10.889181, 51.839),
    isotope("109Ag", 1, -12.518634, 48.161),
    isotope("111Cd", 1, -56.983131, 12.80),
    isotope("113Cd", 1, -59.609155, 12.22),
    isotope("113In", 9, 58.845, 4.29),
    isotope("115In", 9, 58.972, 95.71),
    isotope("115Sn", 1, -88.013, 0.34),
    isotope("117Sn", 1, -95.8879, 7.68),
    isotope("119Sn", 1, -100.317, 8.59),
    isotope("121Sb", 5, 64.435, 57.21),
    isotope("123Sb", 7, 34.892, 42.79),
    isotope("123Te", 1, -70.59098, 0.89),
    isotope("125Te", 1, -85.108404, 7.07),
    isotope("127I", 5, 53.89573, 100.0),
    isotope("129Xe", 1, -74.52103, 26.44),
    isotope("131Xe", 3, 22.09076, 21.18),
    isotope("133Cs", 7, 35.332539, 100.0),
    isotope("135Ba", 3, 26.755, 6.592),
    isotope("137Ba", 3, 29.9295, 11.232),
    isotope("138La", 10, 35.57239, 0.09),
    isotope("139La", 7, 38.083318, 99.91),
    isotope("141Pr", 5, 81.907, 100.0),
    isotope("143Nd", 7, -14.57, 12.2),
    isotope("145Nd", 7, -8.98, 8.3),
    isotope("147Sm", 7, -11.15, 14.99),
    isotope("149Sm", 7, -9.192, 13.82),
    isotope("151Eu", 5, 66.51, 47.81),
    isotope("153Eu", 5, 29.369, 52.19),
    isotope("155Gd", 3, -8.2132, 14.8),
    isotope("157Gd", 3, -10.769, 15.65),
    isotope("159Tb", 3, 64.31, 100.0),
    isotope("161Dy", 5, -9.201, 18.91),
    isotope("163Dy", 5, 12.89, 24.9),
    isotope("165Ho", 7, 57.1, 100.0),
    isotope("167Er", 7, -7.7157, 22.93),
    isotope("169Tm", 1, -22.18, 100.0),
    isotope("171Yb", 1, 47.288, 14.28),
    isotope("173Yb", 5, -13.025, 16.13),
    isotope("175Lu", 7, 30.552, 97.41),
    isotope("176Lu", 14, 21.684, 2.59),
    isotope("177Hf", 7, 10.86, 18.6),
    isotope("179Hf", 9, -6.821, 13.62),
    isotope("181Ta", 7, 32.438, 99.988),
    isotope("183W", 1, 11.282403, 14.31),
    isotope("185Re", 5, 61.057, 37.4),
    isotope("187Re", 5, 61.682, 62.6),
    isotope("187Os", 1, 6.192895, 1.96),
    isotope("189Os", 3, 21.0713, 16.15),
    isotope("191Ir", 3, 4.812, 37.3),
    isotope("193Ir", 3, 5.227, 62.7),
    isotope("195Pt", 1, 58.385, 33.832),
    isotope("197Au", 3, 4.7306, 100.0),
    isotope("199Hg", 1, 48.457916, 16.87),
    isotope("201Hg", 3, -17.88769, 13.18),
    isotope("203Tl", 1, 155.393338, 29.524),
    isotope("205Tl", 1, 156.921808, 70.476),
    isotope("207Pb", 1, 55.8046, 22.1),
    isotope("209Bi", 9, 43.75, 100.0),
    isotope("235U", 7, -5.2, 0.72),
];

/// Names of elements and nuclei in English, and the nucleus of NMR that they mean.
const NAMES: &[(&str, &str)] = &[
    ("electron", "e"),
    ("proton", "1H"),
    ("hydrogen", "1H"),
    ("deuteron", "2H"),
    ("deuterium", "2H"),
    ("carbon", "13C"),
    ("nitrogen", "15N"),
    ("fluorine", "19F"),
    ("silicon", "29Si"),
    ("phosphorus", "31P"),
];

/// The g factor of the free electron, without its sign (CODATA 2022).
pub const FREE_G: f64 = 2.00231930436092;

/// The electron, with the gyromagnetic ratio `-g mu_B/hbar` of the free one (CODATA 2022). Its spin is 1/2 unless a file declares another.
pub const ELECTRON: Isotope = isotope("e", 1, -1.76085962784e5, 100.0);

/// Common isotopes without nuclear spin.
const SPINLESS: &[&str] = &["4He", "12C", "16O", "18O", "28Si", "32S", "34S", "40Ar", "40Ca", "56Fe"];

impl Isotope {
    /// Looks up a nucleus, or the electron `e`, by its symbol.
    pub fn named(symbol: &str) -> Option<&'static Isotope> {
        ISOTOPES.iter().chain([&ELECTRON]).find(|i| i.symbol == symbol)
    }

    /// True for the electron.
    pub fn is_electron(&self) -> bool {
        self.symbol == ELECTRON.symbol
    }

    /// True for the symbol of a common isotope whose nuclear spin is zero.
    pub fn is_spinless(symbol: &str) -> bool {
        SPINLESS.contains(&symbol)
    }

    /// The nucleus that a word of another notation means: `H1`, `1h`, `proton`.
    pub fn meant_by(word: &str) -> Option<&'static Isotope> {
        let lower = word.to_lowercase();
        let singular = lower.strip_suffix('s').unwrap_or(&lower);
        if let Some((_, symbol)) = NAMES.iter().find(|(name, _)| *name == lower || *name == singular) {
            return Isotope::named(symbol);
        }
        let digits = |c: char| c.is_ascii_digit();
        let element = word.trim_end_matches(digits).trim_start_matches(digits);
        let mass = word.replacen(element, "", 1);
        let symbol = format!("{mass}{element}");
        ISOTOPES.iter().find(|isotope| !mass.is_empty() && isotope.symbol.eq_ignore_ascii_case(&symbol))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::TWO_PI;

    #[test]
    fn other_notations_mean_a_nucleus() {
        let symbol = |word| Isotope::meant_by(word).map(|i| i.symbol);
        for (word, meant) in [
            ("electrons", "e"),
            ("H1", "1H"),
            ("1h", "1H"),
            ("c13", "13C"),
            ("Proton", "1H"),
            ("protons", "1H"),
            ("SI29", "29Si"),
        ] {
            assert_eq!(symbol(word), Some(meant), "{word}");
        }
        for word in ["a", "H", "12", "", "spin1", "C12"] {
            assert_eq!(symbol(word), None, "{word}");
        }
    }

    #[test]
    fn the_electron_has_the_magnetic_moment_of_codata() {
        // CODATA 2022: mu_B in J/T, hbar in J s.
        let (magneton, hbar) = (9.2740100657e-24, 1.054571817646e-34);
        let electron = Isotope::named("e").unwrap();
        // The table has twelve digits, and so have the constants.
        assert!((electron.gamma / (-FREE_G * magneton / hbar) - 1.0).abs() < 1e-11);
        assert!(electron.is_electron() && !Isotope::named("1H").unwrap().is_electron());
    }

    /// Elements in the order of the periodic table, isotopes in that of their masses, each once, with a spin and an abundance that exist.
    #[test]
    fn the_table_is_ordered_and_possible() {
        let mass = |i: &Isotope| i.symbol.trim_end_matches(char::is_alphabetic).parse::<u32>().unwrap();
        let element = |i: &Isotope| i.symbol.trim_start_matches(char::is_numeric).to_string();
        for pair in ISOTOPES.windows(2) {
            assert!(element(&pair[0]) != element(&pair[1]) || mass(&pair[0]) < mass(&pair[1]), "{}", pair[1].symbol);
        }
        let mut symbols: Vec<&str> = ISOTOPES.iter().map(|i| i.symbol).collect();
        symbols.sort_unstable();
        symbols.dedup();
        assert_eq!(symbols.len(), ISOTOPES.len());
        for i in ISOTOPES {
            // An even number of nucleons has an integer spin.
            assert_eq!(i.twice_spin % 2, mass(i) % 2, "{}", i.symbol);
            assert!((1..=14).contains(&i.twice_spin) && i.gamma != 0.0 && (0.0..=100.0).contains(&i.abundance));
        }
        let whole =
            |element_: &str| ISOTOPES.iter().filter(|i| element(i) == element_).map(|i| i.abundance).sum::<f64>();
        // Elements without isotopes of spin 0.
        for element in [
            "H", "Li", "B", "N", "Cl", "K", "Cu", "Ga", "Br", "Rb", "Ag", "In", "Sb", "La", "Eu", "Lu", "Re", "Ir",
            "Tl",
        ] {
            assert!((whole(element) - 100.0).abs() < 0.02, "{element}: {}", whole(element));
        }
    }

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
        // Metals, whose reference compounds are shielded by up to 2 %: the signs and digits of the table (Harris et al., table 2).
        for (symbol, xi) in [
            ("47Ti", 5.637534),
            ("63Cu", 26.515473),
            ("65Cu", 28.403693),
            ("67Zn", 6.256803),
            ("85Rb", 9.654943),
            ("93Nb", 24.476170),
            ("95Mo", 6.516926),
            ("107Ag", 4.047819),
            ("121Sb", 23.930577),
            ("139La", 14.125641),
            ("171Yb", 17.499306),
            ("181Ta", 11.989600),
            ("187Os", 2.282331),
            ("205Tl", 57.683838),
            ("209Bi", 16.069288),
        ] {
            let ratio = 100.0 * Isotope::named(symbol).unwrap().gamma.abs() / Isotope::named("1H").unwrap().gamma;
            assert!((ratio / xi - 1.0).abs() < 2e-2, "{symbol}: {ratio} {xi}");
        }
        let proton = Isotope::named("1H").unwrap().gamma / TWO_PI;
        assert!((proton - 42.577478e6).abs() < 10.0, "{proton}");
    }
}
