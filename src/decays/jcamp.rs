//! JCAMP-DX of class NTUPLES: a real and an imaginary page, in any notation of [`super::ordinates`], alone or in a file of links.

use super::digital_filter::{Filter, delay};
use super::ordinates::{Notation, ordinates, pairs};
use super::{MOST_POINTS, Sense, Series, nucleus, number, positive, whole};
use crate::linalg::C64;

/// A labelled record: its label as JCAMP-DX compares it, its first line, and the numbered lines behind.
struct Record<'a> {
    label: String,
    value: &'a str,
    lines: Vec<(usize, &'a str)>,
}

/// A label as it is compared: without blanks, dashes, slashes and underscores, in capitals.
fn label(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !"-/_".contains(*c)).collect::<String>().to_uppercase()
}

/// The records of a text, without comments.
fn records(text: &str) -> Vec<Record<'_>> {
    let mut out: Vec<Record> = Vec::new();
    for (k, line) in text.lines().enumerate() {
        let line = line.split("$$").next().unwrap_or("").trim();
        match line.strip_prefix("##") {
            Some(record) => {
                let (name, value) = record.split_once('=').unwrap_or((record, ""));
                out.push(Record { label: label(name), value: value.trim(), lines: vec![] });
            }
            None if line.is_empty() => {}
            None => {
                if let Some(last) = out.last_mut() {
                    last.lines.push((k + 1, line));
                }
            }
        }
    }
    out
}

/// The blocks between `TITLE` and `END`, the inner ones of a file of links before it.
fn blocks(all: Vec<Record<'_>>) -> Result<Vec<Vec<Record<'_>>>, String> {
    let (mut open, mut done): (Vec<Vec<Record>>, Vec<Vec<Record>>) = (Vec::new(), Vec::new());
    for record in all {
        match record.label.as_str() {
            "TITLE" => open.push(vec![]),
            "END" => {
                done.extend(open.pop());
                continue;
            }
            _ => {}
        }
        if let Some(block) = open.last_mut() {
            block.push(record);
        }
    }
    match open.len() {
        0 => Ok(done),
        _ => Err("it ends before `##END=`".into()),
    }
}

/// A block.
struct Block<'a>(Vec<Record<'a>>);

impl<'a> Block<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|r| r.label == name).map(|r| r.value)
    }

    fn number(&self, name: &str) -> Option<f64> {
        number(self.text(name)?)
    }

    /// The entries of a list with one for each symbol. Commas stand between entries; where a blank follows those, one inside of an entry is
    /// a decimal comma.
    fn list(&self, name: &str) -> Vec<&'a str> {
        let Some(text) = self.text(name) else { return vec![] };
        let spaced = text.split_inclusive(',').any(|part| part.trim_end_matches(',').starts_with(char::is_whitespace));
        if !spaced {
            return text.split([',', ';']).map(str::trim).collect();
        }
        let mut out = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.match_indices(',').map(|(at, _)| at).find(|at| {
            rest.get(at + 1..).is_none_or(|behind| behind.is_empty() || behind.starts_with(char::is_whitespace))
        }) {
            let (own, behind) = rest.split_at(at);
            out.push(own.trim());
            rest = behind.trim_start_matches(',');
        }
        out.push(rest.trim());
        out
    }
}

/// Seconds in a unit of time.
fn seconds(unit: &str) -> Result<f64, String> {
    match unit.to_uppercase().as_str() {
        "" | "S" | "SEC" | "SECOND" | "SECONDS" => Ok(1.0),
        "MS" | "MSEC" | "MILLISECOND" | "MILLISECONDS" => Ok(1e-3),
        "US" | "USEC" | "µS" | "μS" | "ΜS" | "MICROSECOND" | "MICROSECONDS" => Ok(1e-6),
        "NS" | "NSEC" | "NANOSECOND" | "NANOSECONDS" => Ok(1e-9),
        _ => Err(format!("its abscissae are in `{unit}`, which is not a unit of time")),
    }
}

/// The decay of a JCAMP-DX text.
///
/// # Errors
/// What is wrong with it: no decay, several decays, pages that are missing, numbers that disagree with what is announced.
pub fn jcamp(text: &str) -> Result<Series, String> {
    let all = records(text);
    if !all.iter().any(|r| r.label == "DATATYPE") {
        return Err("it is not a JCAMP-DX file: `##DATA TYPE=` is missing".into());
    }
    let is_decay = |block: &Vec<Record>| block.iter().any(|r| r.label == "DATATYPE" && label(r.value).contains("FID"));
    let mut decays: Vec<Block> = blocks(all)?.into_iter().filter(is_decay).map(Block).collect();
    match (decays.len(), decays.pop()) {
        (1, Some(block)) => series(&block),
        (0, _) => Err("it is not a JCAMP-DX file of an FID: `##DATA TYPE= NMR FID` is missing".into()),
        (n, _) => Err(format!("it holds {n} FIDs, but a single one is expected")),
    }
}

fn series(block: &Block) -> Result<Series, String> {
    if let Some(mode) = block.text(".ACQUISITIONMODE").filter(|m| m.to_uppercase().starts_with("SEQ")) {
        return Err(format!(
            "its acquisition mode is {mode}: real and imaginary numbers were acquired at different times"
        ));
    }
    let symbols: Vec<String> = block.list("SYMBOL").iter().map(|s| s.to_uppercase()).collect();
    let column = |names: &[&str], what: &str| {
        let found = symbols.iter().position(|s| names.contains(&s.as_str()));
        found.ok_or_else(|| format!("its SYMBOL has no {what}; an FID is of class NTUPLES, with pages R and I"))
    };
    let (x, r, i) = (column(&["X", "T", "T2"], "X")?, column(&["R"], "R")?, column(&["I"], "I")?);
    let entry = |name: &str, k: usize| block.list(name).get(k).copied().and_then(number);
    let count = whole(entry("VARDIM", r), "the number of real points in VAR_DIM")?;
    if whole(entry("VARDIM", i), "the number of imaginary points in VAR_DIM")? != count {
        return Err("VAR_DIM announces different numbers of real and imaginary points".into());
    }
    if !(2..=MOST_POINTS).contains(&count) {
        return Err(format!("VAR_DIM announces {count} points; expected 1 to {MOST_POINTS}"));
    }
    let unit = seconds(block.list("UNITS").get(x).copied().unwrap_or(""))?;
    let first = entry("FIRST", x).unwrap_or(0.0) * unit;
    let last = positive(entry("LAST", x), "the last abscissa in LAST")? * unit;
    let dwell = positive(Some((last - first) / (count - 1) as f64), "the time between points")?;
    let page = |symbol: &str, k: usize| -> Result<Vec<f64>, String> {
        let packed = block.list("VARFORM").get(k).is_none_or(|form| form.to_uppercase().starts_with("ASDF"));
        let factor = match block.list("FACTOR").get(k) {
            Some(text) => number(text).ok_or_else(|| format!("`{text}` in FACTOR is not a number"))?,
            None => 1.0,
        };
        let numbers = table(block, symbol, count, packed)?;
        if numbers.len() != count {
            return Err(format!("{count} points are announced, but page {symbol} has {}", numbers.len()));
        }
        let numbers: Option<Vec<f64>> =
            numbers.into_iter().map(|y| Some(y * factor).filter(|y| y.is_finite())).collect();
        numbers.ok_or_else(|| super::NOT_FINITE.to_string())
    };
    let (re, im) = (page("R", r)?, page("I", i)?);
    let row = re.into_iter().zip(im).map(|(a, b)| C64::new(a, b)).collect();
    let filter = Filter {
        group_delay: block.number("$GRPDLY"),
        firmware: block.number("$DSPFVS").map(|x| x as i64),
        decimation: block.number("$DECIM").map(|x| x as i64),
        mode: block.number("$DIGMOD").map(|x| x as i64),
    };
    let megahertz = |name: &str| block.number(name).filter(|x| *x > 0.0).map(|x| x * 1e6);
    Ok(Series {
        first,
        delay: delay(&filter)?,
        nucleus: block.text(".OBSERVENUCLEUS").or(block.text("$NUC1")).and_then(nucleus),
        base: megahertz("$BF1"),
        transmitter: megahertz("$SFO1").or_else(|| megahertz(".OBSERVEFREQUENCY")),
        sense: Sense::Spectrometer,
        ..Series::bare(dwell, vec![row])
    })
}

/// The numbers of the page of a symbol.
fn table(block: &Block, symbol: &str, count: usize, packed: bool) -> Result<Vec<f64>, String> {
    let form = |r: &Record| -> String {
        let form = r.value.split_once(')').map_or(r.value, |(form, _)| form);
        form.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_uppercase()
    };
    let own: Vec<&Record> = block
        .0
        .iter()
        .filter(|r| r.label == "DATATABLE" && form(r).ends_with(&format!("{symbol}..{}", last_of(&form(r)))))
        .filter(|r| form(r).contains(&format!("{symbol}..")))
        .collect();
    let [record] = own.as_slice() else {
        return Err(match own.len() {
            0 => format!("the page {symbol} is missing"),
            n => format!("page {symbol} occurs {n} times; expected once"),
        });
    };
    let lines = || record.lines.iter().copied();
    match form(record).trim_start_matches('(') {
        plus if plus.contains("++(") => {
            let notation = Notation { packed, decimal_comma: packed || decimal_comma(lines()) };
            ordinates(lines(), count, notation)
        }
        _ => pairs(lines(), count, Notation { packed: false, decimal_comma: false }),
    }
}

/// The text after the dots of a variable list such as `(XY..XY)`.
fn last_of(form: &str) -> &str {
    form.rsplit_once("..").map_or("", |(_, last)| last)
}

/// Whether commas in plain numbers are decimal commas: blanks stand between numbers, no number has a point, and none has two commas.
fn decimal_comma<'a>(lines: impl Iterator<Item = (usize, &'a str)>) -> bool {
    let mut found = false;
    for (_, line) in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let inside = |w: &&str| w.trim_matches(',').matches(',').count();
        if line.contains('.') || words.len() < 2 || words.iter().any(|w| w.ends_with(',') || inside(w) > 1) {
            return false;
        }
        found = found || words.iter().any(|w| inside(w) == 1);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "##TITLE= a\n##JCAMP-DX= 5.01\n##DATA TYPE= NMR FID\n##DATA CLASS= NTUPLES\n##.OBSERVE NUCLEUS= ^13C\n\
        ##.OBSERVE FREQUENCY= 125\n##SYMBOL= X, R, I, N\n##VAR_FORM= AFFN, AFFN, AFFN, AFFN\n##VAR_DIM= 3, 3, 3, 2\n\
        ##UNITS= SECONDS, ARBITRARY UNITS, ARBITRARY UNITS,\n##FIRST= 0, 2, 1, 1\n##LAST= 0.002, 6, 3, 2\n\
        ##FACTOR= 0.001, 0.5, 2, 1\n##PAGE= N=1\n##DATA TABLE= (X++(R..R)), XYDATA $$ real\n0 2 4\n2 6\n##PAGE= N=2\n\
        ##DATA TABLE= (X++(I..I)), XYDATA\n0 1 -2 3\n##END NTUPLES= NMR FID\n##END=\n";

    #[test]
    fn pages_become_points() {
        let found = jcamp(GOOD).unwrap();
        assert_eq!(found.rows, [[C64::new(1.0, 2.0), C64::new(2.0, -4.0), C64::new(3.0, 6.0)]]);
        assert_eq!((found.dwell, found.nucleus.as_deref(), found.transmitter), (1e-3, Some("13C"), Some(125e6)));
        let packed = GOOD.replace("AFFN, AFFN, AFFN, AFFN", "AFFN, ASDF, ASDF, AFFN");
        let link = format!("##TITLE= l\n##DATA TYPE= LINK\n##BLOCKS= 1\n{GOOD}##END=\n");
        for same in [
            packed.replace("0 2 4\n2 6", "0BK\n1DK\n2F").replace("0 1 -2 3", "0A b C"),
            packed.replace("0 2 4\n2 6", "0BKT"),
            GOOD.replace("##DATA TYPE", "##data_type").replace("##VAR_DIM", "##Var Dim"),
            GOOD.replace("0.002", "2000").replace("SECONDS", "MICROSECONDS"),
            GOOD.replace("0.002", "0,002").replace("0.5", "0,5"),
            GOOD.replace("0 2 4\n2 6", "0 2,0 4,0\n2 6,0"),
            GOOD.replace("(X++(R..R)), XYDATA", "(XR..XR), XYPOINTS").replace("0 2 4\n2 6", "0, 2; 1, 4\n2 6"),
            link,
        ] {
            assert_eq!(jcamp(&same).map(|s| (s.rows, s.dwell)), Ok((found.rows.clone(), 1e-3)), "{same}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (from, to, part) in [
            ("NMR FID\n##DATA CLASS", "NMR SPECTRUM\n##DATA CLASS", "not a JCAMP-DX file of an FID"),
            ("##DATA TYPE", "##DATE", "not a JCAMP-DX file"),
            ("2 6\n", "", "3 points are announced, but page R has 2"),
            ("2 6", "2 6 8", "more than the 3 announced"),
            ("##VAR_DIM= 3, 3, 3, 2", "##VAR_DIM= 3, 3, 4, 2", "different number"),
            ("##VAR_DIM= 3, 3, 3, 2", "##VAR_DIM= 9e16, 9e16, 9e16, 2", "absurdly large"),
            ("##VAR_DIM= 3, 3, 3, 2", "##VAR_DIM= 99999999, 99999999, 99999999, 2", "99999999 points"),
            ("SECONDS", "HERTZ", "`HERTZ`, which is not a unit of time"),
            ("(X++(I..I))", "(X++(Y..Y))", "the page I is missing"),
            ("X, R, I, N", "X, Y, N", "SYMBOL has no R"),
            ("0.002", "-1", "positive"),
            ("##END=\n", "", "ends before `##END=`"),
            ("##DATA CLASS= NTUPLES", "##.ACQUISITION MODE= SEQUENTIAL", "at different times"),
        ] {
            let why = jcamp(&GOOD.replace(from, to)).unwrap_err();
            assert!(why.contains(part), "{to}: {why}");
        }
        let twice = format!("##TITLE= l\n##DATA TYPE= LINK\n{GOOD}{GOOD}##END=\n");
        assert!(jcamp(&twice).unwrap_err().contains("2 FIDs"));
        for n in 0..GOOD.find("##END").unwrap() {
            assert!(jcamp(&GOOD[..n]).is_err(), "{n}");
        }
    }
}
