//! Formatting of texts and numbers in HTML.

pub use crate::output::drawing::escaped;

/// Formats a number with six digits.
pub fn number(x: Option<f64>) -> String {
    match x {
        None => "–".into(),
        Some(x) if x == 0.0 || (1e-3..1e6).contains(&x.abs()) => {
            let places = (5 - x.abs().max(1e-9).log10().floor() as i32).clamp(0, 9) as usize;
            let text = format!("{x:.places$}");
            let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
            text.replace('-', "\u{2212}")
        }
        Some(x) => format!("{x:.5e}").replace('-', "\u{2212}"),
    }
}

/// HTML table; the first column contains row headings.
pub fn table(headings: &[String], rows: &[Vec<String>]) -> String {
    let cell = |tag: &str, text: &String| format!("<{tag}>{text}</{tag}>");
    let head: String = headings.iter().map(|h| cell("th", h)).collect();
    let body: String = rows
        .iter()
        .map(|row| {
            let first = row.first().map_or(String::new(), |t| format!("<th scope=\"row\">{t}</th>"));
            format!("<tr>{first}{}</tr>\n", row.iter().skip(1).map(|t| cell("td", t)).collect::<String>())
        })
        .collect();
    format!("<div class=\"wide\"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table></div>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(number(Some(0.0)), "0");
        assert_eq!(number(Some(1.5)), "1.5");
        assert_eq!(number(Some(-0.866_025_4)), "\u{2212}0.866025");
        assert_eq!(number(Some(9.046e-34)), "9.04600e\u{2212}34");
        assert_eq!(number(None), "–");
    }
}
