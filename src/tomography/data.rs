//! Measured line amplitudes: table with readout, nucleus, line frequency, real and imaginary part.

use super::lines::Line;
use super::plan::Plan;
use crate::decays::sign::sign;
use crate::delimited;

/// One line of one readout: frequency and amplitude of `Tr[rho F+]`. Files use the spectrometer's sign of the frequency.
#[derive(Debug, Clone, PartialEq)]
pub struct Amplitude {
    /// Readout word.
    pub readout: String,
    /// Nucleus.
    pub nucleus: String,
    /// Frequency relative to the carrier, Hz.
    pub frequency: f64,
    /// Real part of the amplitude.
    pub real: f64,
    /// Imaginary part of the amplitude.
    pub imaginary: f64,
}

impl Amplitude {
    /// Complex conjugate signal: opposite sign of the frequency and of the imaginary part.
    pub fn mirrored(&self) -> Amplitude {
        Amplitude { frequency: 0.0 - self.frequency, imaginary: 0.0 - self.imaginary, ..self.clone() }
    }

    /// Converts between the spectrometer's sign of frequency and that of `Tr[rho F+]`.
    pub fn turned(&self) -> Amplitude {
        if sign(&self.nucleus) < 0.0 { self.mirrored() } else { self.clone() }
    }
}

/// Header of the table.
pub const COLUMNS: &str = "readout,nucleus,frequency [Hz],real,imaginary";

/// Naming scheme of FID files, for error messages.
pub const NAMES: &str = "an FID is a file READOUT.NUCLEUS.fid (SIMPSON, NMRPipe) or .jdx (JCAMP-DX), or a folder READOUT.NUCLEUS with acqus and fid (Bruker) or procpar and fid (Varian); a folder or file NUCLEUS has one row per readout";

/// Parses a table in any dialect of [`crate::delimited`]; its first line may name the columns and the unit of the frequency.
///
/// # Errors
/// A message that names the line, if the table is not valid.
pub fn read(text: &str) -> Result<Vec<Amplitude>, String> {
    const NAMES: [&str; 5] = ["readout", "nucleus", "frequency", "real", "imaginary"];
    let named = |cells: &[String]| cells.iter().any(|cell| cell.eq_ignore_ascii_case("readout"));
    let table = delimited::table(text, named)?;
    let (places, unit) = match table.head.as_slice() {
        [] => ([0, 1, 2, 3, 4], String::new()),
        head => {
            let places = delimited::columns(head, NAMES)?;
            (places, head.get(places[2]).map(|cell| delimited::name_and_unit(cell).1).unwrap_or_default())
        }
    };
    let hertz = match unit.as_str() {
        "" | "Hz" => 1.0,
        "kHz" => 1e3,
        "MHz" => 1e6,
        other => return Err(format!("the frequencies are in `{other}`; Hz, kHz and MHz are supported")),
    };
    let mut out = Vec::new();
    for (line, cells) in &table.rows {
        if table.head.is_empty() && cells.len() != NAMES.len() {
            return Err(format!("line {line}: the columns are {COLUMNS}"));
        }
        let text = |k: usize| cells.get(k).cloned().unwrap_or_default();
        let number = |k: usize| match delimited::number(&text(k)) {
            Ok(Some(x)) => Ok(x),
            _ => Err(format!("line {line}: `{}` is not a number", text(k))),
        };
        let [readout, nucleus, frequency, real, imaginary] = places;
        out.push(Amplitude {
            readout: text(readout),
            nucleus: text(nucleus),
            frequency: number(frequency)? * hertz,
            real: number(real)?,
            imaginary: number(imaginary)?,
        });
    }
    Ok(out)
}

/// Amplitudes in the order of the plan: for each readout and line, the nearest measured line in frequency, each used once. Also returns the
/// sum of the distances between measured and expected frequencies, Hz.
///
/// # Errors
/// When amplitudes are missing, superfluous or ambiguous.
pub fn arrange(plan: &Plan, nuclei: &[String], table: &[Amplitude]) -> Result<(Vec<f64>, f64), String> {
    let wanted = plan.readouts.len() * plan.lines.len();
    if table.len() != wanted {
        return Err(format!(
            "found {} amplitudes, expected {wanted}: {} lines for each of the readouts {}",
            table.len(),
            plan.lines.len(),
            plan.readouts.iter().map(|r| r.word.as_str()).collect::<Vec<_>>().join(", ")
        ));
    }
    if table.iter().all(|a| a.real == 0.0 && a.imaginary == 0.0) {
        return Err("all amplitudes are zero: nothing was measured".into());
    }
    let mut out = Vec::with_capacity(2 * wanted);
    let mut away = 0.0;
    let mut left: Vec<&Amplitude> = table.iter().collect();
    for readout in &plan.readouts {
        for line in &plan.lines {
            let nucleus = nuclei.get(line.channel).ok_or("a line belongs to another channel than those given")?;
            let of = |a: &Amplitude| a.readout == readout.word && a.nucleus == *nucleus;
            let distance = |a: &Amplitude| (a.frequency - line.frequency).abs();
            let own = left.iter().enumerate().filter(|(_, a)| of(a));
            let nearest = own.min_by(|(_, a), (_, b)| distance(a).total_cmp(&distance(b)));
            let Some((k, amplitude)) = nearest.filter(|(_, a)| distance(a) <= tolerance(&plan.lines, line)) else {
                return Err(format!(
                    "readout {}: no line of {nucleus} near {} Hz",
                    readout.word,
                    crate::syntax::number_text((sign(nucleus) * line.frequency * 1e3).round() / 1e3)
                ));
            };
            out.extend([amplitude.real, amplitude.imaginary]);
            away += distance(amplitude);
            left.remove(k);
        }
    }
    Ok((out, away))
}

/// Maximum distance of a measured line from its expected frequency: half the distance to the next line of its channel.
fn tolerance(lines: &[Line], line: &Line) -> f64 {
    let others = lines.iter().filter(|l| l.channel == line.channel).map(|l| (l.frequency - line.frequency).abs());
    let next = others.filter(|d| *d > 0.0).fold(f64::INFINITY, f64::min);
    0.5 * next
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_table_is_read_and_its_mistakes_are_named() {
        let table = read("readout,nucleus,frequency [Hz],real,imaginary\nII,1H,-107.5,1e-6,0\n# a comment\n").unwrap();
        assert_eq!((table.len(), table[0].readout.as_str(), table[0].frequency), (1, "II", -107.5));
        assert_eq!(read("II,1H,0,nan,0").unwrap_err(), "line 1: `nan` is not a number");
        assert!(read("II,1H,0,1").unwrap_err().starts_with("line 1: the columns are"));
        assert!(read("II").unwrap_err().starts_with("line 1: the columns are"));
        assert!(read("readout,nucleus,real,imaginary\n").unwrap_err().contains("`frequency` is missing"));
        assert!(read("readout,nucleus,frequency [s],real,imaginary\n").unwrap_err().contains("in `s`"));
        for same in [
            "Readout; Nucleus; frequency (kHz); real; imaginary\nII; 1H; \u{2212}0,1075; 1e-6; 0\n",
            "real,imaginary,readout,nucleus,frequency\n1D-6,0,\"II\",1H,-107.5\n",
            "readout nucleus frequency [Hz] real imaginary\nII 1H -107.5 1e-6 0\n",
        ] {
            assert_eq!(read(same).unwrap(), table, "{same}");
        }
    }
}
