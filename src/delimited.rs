//! Tables of text: cells between commas, semicolons, tabulators or blanks, as spreadsheets, pandas, MATLAB and people write them.

/// A row: the number of its line, and its cells.
pub type Row = (usize, Vec<String>);

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The names of the columns; empty where the first line holds none.
    pub head: Vec<String>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// The separator of cells.
#[derive(Clone, Copy, PartialEq)]
enum Between {
    Mark(char),
    Blanks,
}

/// Reads a table. `#` begins a comment, and `%` one at the beginning of a line; cells may stand in quotes; marks inside of parentheses
/// belong to the cell. The first line is the head where `is_head` says so. A first column without a name is an index, and a last one
/// without anything in it comes of a mark at the end of lines: both are left out.
///
/// # Errors
/// With the number of the line: a quote that is not closed, or a row of another length than the first line.
pub fn table(text: &str, is_head: impl Fn(&[String]) -> bool) -> Result<Table, String> {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let mut lines =
        text.lines().zip(1..).map(|(line, k)| (k, uncommented(line).trim_matches(|c: char| c == ' ' || c == '\u{a0}')));
    let mut lines: Vec<(usize, &str)> = lines.by_ref().filter(|(_, l)| !l.trim().is_empty()).collect();
    let mut between = None;
    // Excel's line that names the mark.
    if let Some((_, first)) = lines.first()
        && let Some(mark) = first.strip_prefix("sep=").and_then(|rest| rest.chars().next())
    {
        between = Some(Between::Mark(mark));
        lines.remove(0);
    }
    let Some((_, first)) = lines.first() else { return Err("it is empty".into()) };
    let between = between.unwrap_or_else(|| mark_of(first));
    let mut rows: Vec<Row> = Vec::with_capacity(lines.len());
    for (k, line) in lines {
        let cells = match between {
            Between::Blanks if rows.is_empty() => words(line),
            Between::Blanks => line.split_whitespace().map(str::to_string).collect(),
            Between::Mark(mark) => cells(line, mark).map_err(|why| format!("line {k}: {why}"))?,
        };
        rows.push((k, cells));
    }
    let headed = rows.first().is_some_and(|(_, cells)| is_head(cells));
    let width = trimmed_width(&rows, headed);
    for (k, cells) in &mut rows {
        let extra = cells.iter().skip(width).any(|c| !c.is_empty());
        if extra || cells.len() < width {
            let found = cells.len();
            return Err(format!("line {k} has {found} columns, the first line {width}"));
        }
        cells.truncate(width);
    }
    let head = if headed { rows.remove(0).1 } else { vec![] };
    let mut table = Table { head, rows };
    let unnamed = |name: &String| name.is_empty() || name.starts_with("Unnamed:");
    if table.head.len() > 1 && table.head.first().is_some_and(unnamed) {
        table.head.remove(0);
        table.rows.iter_mut().for_each(|(_, cells)| drop(cells.remove(0)));
    }
    Ok(table)
}

/// How many columns there are without an empty one at the end.
fn trimmed_width(rows: &[Row], headed: bool) -> usize {
    let width = rows.first().map_or(0, |(_, cells)| cells.len());
    let last_is_empty = width > 1
        && rows.iter().all(|(_, cells)| cells.get(width - 1).is_none_or(String::is_empty))
        && (headed || rows.len() > 1);
    if last_is_empty { width - 1 } else { width }
}

/// The line without its comment: `#` outside of quotes.
fn uncommented(line: &str) -> &str {
    if line.trim_start().starts_with('%') {
        return "";
    }
    let mut quoted = false;
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted => return line.get(..at).unwrap_or(line),
            _ => {}
        }
    }
    line
}

/// What stands between the cells of a line.
fn mark_of(line: &str) -> Between {
    let (mut quoted, mut depth, mut found) = (false, 0, [false; 3]);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '\t' => found[0] = true,
            ';' => found[1] = true,
            ',' if depth == 0 => found[2] = true,
            _ => {}
        }
    }
    match found {
        [true, ..] => Between::Mark('\t'),
        [_, true, _] => Between::Mark(';'),
        [_, _, true] => Between::Mark(','),
        _ => Between::Blanks,
    }
}

/// The cells of a line between marks that stand outside of quotes and parentheses.
fn cells(line: &str, mark: char) -> Result<Vec<String>, String> {
    let mut out = vec![String::new()];
    let (mut quoted, mut depth) = (false, 0i32);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let Some(cell) = out.last_mut() else { break };
        match c {
            // Two quotes inside of quotes are one.
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted || cell.trim().is_empty() => quoted = !quoted,
            '(' if !quoted => {
                depth += 1;
                cell.push(c);
            }
            ')' if !quoted => {
                depth -= 1;
                cell.push(c);
            }
            c if c == mark && !quoted && depth <= 0 => out.push(String::new()),
            c => cell.push(c),
        }
    }
    if quoted {
        return Err("unclosed quote".into());
    }
    let trim = |cell: &String| cell.trim_matches(|c: char| c.is_whitespace() || c == '\u{a0}').to_string();
    Ok(out.iter().map(trim).collect())
}

/// The names of columns between blanks: two or more, where some are, so that names may have single ones. A unit in brackets belongs to
/// the name before it.
fn words(line: &str) -> Vec<String> {
    if line.contains("  ") {
        return line.split("  ").map(str::trim).filter(|w| !w.is_empty()).map(str::to_string).collect();
    }
    let mut out: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        match out.last_mut() {
            Some(last) if word.starts_with(['[', '(']) => *last = format!("{last} {word}"),
            _ => out.push(word.trim_matches('"').to_string()),
        }
    }
    out
}

/// The number of a cell; `None` where it is empty or says that there is none.
///
/// # Errors
/// When it is neither.
pub fn number(cell: &str) -> Result<Option<f64>, String> {
    let word = cell.trim();
    if ["", "-", "nan", "na", "n/a", "null", "none", "nil"].contains(&word.to_ascii_lowercase().as_str()) {
        return Ok(None);
    }
    // The minus sign of typesetters, and digits grouped by no-break blanks.
    let plain: String = word.chars().filter(|c| !matches!(c, '\u{a0}' | '\u{202f}')).collect();
    let mut plain = plain.replace(['\u{2212}', '\u{2013}'], "-");
    if plain.matches(',').count() == 1 && !plain.contains('.') {
        plain = plain.replace(',', ".");
    }
    let exponent = plain.replace(['D', 'd'], "e");
    match exponent.parse::<f64>() {
        Ok(x) if x.is_finite() && plain.contains(|c: char| c.is_ascii_digit()) => Ok(Some(x)),
        _ => Err(format!("`{word}` is not a number")),
    }
}

/// A name and its unit in brackets or, behind a blank, in parentheses: `tau [us]`, `tau (us)`.
pub fn name_and_unit(cell: &str) -> (String, String) {
    // A name that a spreadsheet would take for a formula has an apostrophe before it.
    let cell = cell.trim();
    let cell = cell.strip_prefix('\'').filter(|rest| rest.starts_with(['=', '+', '-', '@'])).unwrap_or(cell);
    let split = |open: char, close: char| {
        let (name, unit) = cell.strip_suffix(close)?.rsplit_once(open)?;
        let own = open == '[' || name.ends_with(char::is_whitespace) && !unit.contains(',');
        (own && !name.trim().is_empty()).then(|| (name.trim().to_string(), unit.trim().to_string()))
    };
    split('[', ']').or_else(|| split('(', ')')).unwrap_or_else(|| (cell.to_string(), String::new()))
}

/// The places of named columns, whatever the case of their letters; units are not part of a name.
///
/// # Errors
/// When one is missing, or there twice.
pub fn columns<const N: usize>(head: &[String], names: [&str; N]) -> Result<[usize; N], String> {
    let known: Vec<String> = head.iter().map(|cell| name_and_unit(cell).0.to_lowercase()).collect();
    let mut out = [0; N];
    for (place, name) in out.iter_mut().zip(names) {
        let mut found = known.iter().enumerate().filter(|(_, n)| *n == name);
        *place = match (found.next(), found.next()) {
            (Some((k, _)), None) => k,
            (None, _) => return Err(format!("the column `{name}` is missing: the columns are {}", names.join(", "))),
            (Some(_), Some(_)) => return Err(format!("the column `{name}` occurs twice")),
        };
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headed(text: &str) -> Result<Table, String> {
        table(text, |cells| cells.iter().any(|c| c.contains("tau")))
    }

    #[test]
    fn every_dialect_is_the_same_table() {
        let right = headed("tau [us],f(a, b),error\n1.5,2,3\n2.5,,5\n").unwrap();
        assert_eq!(right.head, ["tau [us]", "f(a, b)", "error"]);
        for same in [
            "\u{feff}tau [us],f(a, b),error\r\n1.5,2,3\r\n2.5,,5",
            "# x\n% y\ntau [us];f(a, b);error\n1.5;2;3 # z\n\n2.5;;5\n",
            "tau [us]\tf(a, b)\terror\r1.5\t2\t3\r2.5\t\t5\r",
            "\"tau [us]\",\"f(a, b)\",\"error\"\n\"1.5\",\"2\",3\n2.5,\"\",5\n",
            ",tau [us],f(a, b),error\n0,1.5,2,3\n1,2.5,,5\n",
            "tau [us],f(a, b),error,\n1.5,2,3,\n2.5,,5,\n",
            "tau [us],f(a, b),error\n1.5,2,3,\n2.5,,5,,\n",
            "sep=;\ntau [us];f(a, b);error\n1.5;2;3\n2.5;;5\n",
            "tau [us] , f(a, b) , error\n 1.5 , 2 , 3\n2.5,\u{a0},5\n",
        ] {
            let found = headed(same).unwrap();
            let cells = |t: &Table| t.rows.iter().map(|r| r.1.clone()).collect::<Vec<_>>();
            assert_eq!((&found.head, cells(&found)), (&right.head, cells(&right)), "{same}");
        }
        let blanks = headed("tau [us] x\n1  2\n").unwrap();
        assert_eq!((blanks.head.len(), blanks.rows[0].1.len()), (2, 2));
        assert_eq!(headed("tau  f at x\n1  2\n").unwrap().head, ["tau", "f at x"]);
        assert!(headed("1,2\n3,4\n").unwrap().head.is_empty());
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(headed("").unwrap_err(), "it is empty");
        assert_eq!(headed("tau,b\n1,2\n3").unwrap_err(), "line 3 has 1 columns, the first line 2");
        assert_eq!(headed("tau,b\n1,2,3\n").unwrap_err(), "line 2 has 3 columns, the first line 2");
        assert_eq!(headed("tau,b\n\"1,2\n").unwrap_err(), "line 2: unclosed quote");
    }

    #[test]
    fn numbers_are_read_in_all_notations() {
        for text in ["-0.5", "-0,5", "\u{2212}0.5", "-5D-1", "-5.0e-01", " -.5 "] {
            assert_eq!(number(text), Ok(Some(-0.5)), "{text}");
        }
        for text in ["", " ", "NaN", "nan", "NA", "n/a", "-", "null"] {
            assert_eq!(number(text), Ok(None), "{text}");
        }
        for text in ["x", "1,2,3", "1.2,3", "inf", "1e999", "e"] {
            assert!(number(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_that_look_like_formulas_are_names() {
        assert_eq!(name_and_unit("'-energy [J]"), ("-energy".to_string(), "J".to_string()));
        assert_eq!(name_and_unit("'quoted"), ("'quoted".to_string(), String::new()));
    }

    #[test]
    fn units_stand_in_brackets_or_parentheses() {
        let of = |cell: &str| name_and_unit(cell);
        assert_eq!(of("tau [us]"), ("tau".into(), "us".into()));
        assert_eq!(of("tau (us)"), ("tau".into(), "us".into()));
        assert_eq!(of("order(Iz(h))"), ("order(Iz(h))".into(), String::new()));
        assert_eq!(of("f(a, b) at x [J]"), ("f(a, b) at x".into(), "J".into()));
    }
}
