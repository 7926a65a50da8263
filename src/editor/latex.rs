//! Expressions as LaTeX.

use crate::syntax::{Expr, ExprKind, number_text};

/// Greek letters with a LaTeX command.
const GREEK: [&str; 34] = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi",
    "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega",
];

/// A name: Greek letters become commands, the part after `_` a subscript.
fn name(word: &str) -> String {
    let (head, index) = word.split_once('_').unwrap_or((word, ""));
    let greek = GREEK.contains(&head);
    let head = match head {
        h if greek => format!("\\{h}"),
        h if h.chars().count() == 1 => h.to_string(),
        h => format!("\\mathrm{{{h}}}"),
    };
    if index.is_empty() { head } else { format!("{head}_{{\\mathrm{{{}}}}}", index.replace('_', " ")) }
}

/// An operator of a subsystem: `X(a)` becomes sigma_x with superscript (a).
fn operator(word: &str, of: &str) -> Option<String> {
    let at = |symbol: &str, up: &str| Some(format!("{symbol}^{{({of})}}{up}"));
    match word {
        "X" => at("\\sigma_x", ""),
        "Y" => at("\\sigma_y", ""),
        "Z" => at("\\sigma_z", ""),
        "Ix" => at("I_x", ""),
        "Iy" => at("I_y", ""),
        "Iz" => at("I_z", ""),
        "Ip" => at("I_+", ""),
        "Im" => at("I_-", ""),
        _ => None,
    }
}

/// LaTeX form of an expression.
pub fn latex(e: &Expr) -> String {
    match &e.kind {
        ExprKind::Number(x) => number_text(*x),
        ExprKind::Quantity(value, unit) => format!("{}\\,\\mathrm{{{}}}", latex(value), unit.symbol),
        ExprKind::Name(word) => name(word),
        ExprKind::Index(word, index) => format!("{}_{{{}}}", name(word), latex(index)),
        ExprKind::Call(word, arguments) => {
            let all: Vec<String> = arguments.iter().map(latex).collect();
            match (operator(word, &all.join(",")), word.as_str(), all.as_slice()) {
                (Some(shown), ..) => shown,
                (None, "sqrt", [x]) => format!("\\sqrt{{{x}}}"),
                (None, "sin" | "cos" | "tan" | "exp" | "log" | "sinh" | "cosh" | "tanh", [x]) => {
                    format!("\\{word}\\left({x}\\right)")
                }
                _ => format!("\\mathrm{{{word}}}\\left({}\\right)", all.join(", ")),
            }
        }
        ExprKind::Sum(terms) => {
            let mut out = String::new();
            for (k, term) in terms.iter().enumerate() {
                out += match (k, term.negative) {
                    (0, false) => "",
                    (0, true) => "-",
                    (_, false) => " + ",
                    (_, true) => " - ",
                };
                out += &latex(&term.value);
            }
            out
        }
        ExprKind::Product(factors) => {
            let shown = |divides: bool| -> Vec<String> {
                factors.iter().filter(|f| f.divides == divides).map(|f| bracketed(&f.value)).collect()
            };
            let (above, below) = (shown(false), shown(true));
            let above = if above.is_empty() { "1".to_string() } else { above.join("\\,") };
            if below.is_empty() { above } else { format!("\\frac{{{above}}}{{{}}}", below.join("\\,")) }
        }
        ExprKind::Power(base, exponent) => format!("{{{}}}^{{{}}}", bracketed(base), latex(exponent)),
        ExprKind::Tuple(all) => format!("\\left({}\\right)", all.iter().map(latex).collect::<Vec<_>>().join(", ")),
        ExprKind::Over(over) => {
            let sign = if over.fold == crate::syntax::Fold::Sum { "\\sum" } else { "\\prod" };
            let (index, from, to) = (name(&over.index), latex(&over.from), latex(&over.to));
            format!("{sign}_{{{index}={from}}}^{{{to}}} {}", bracketed(&over.body))
        }
        ExprKind::Text(text) => format!("\\text{{{text}}}"),
        ExprKind::Isotope(nucleus) => {
            let element = nucleus.trim_start_matches(|c: char| c.is_ascii_digit());
            let number = nucleus.strip_suffix(element).unwrap_or_default();
            format!("{{}}^{{{number}}}\\mathrm{{{element}}}")
        }
        ExprKind::Member(trace, value) => format!("\\mathrm{{{trace}}}.{}", latex(value)),
    }
}

/// LaTeX form, parenthesised if it is a sum.
fn bracketed(e: &Expr) -> String {
    match &e.kind {
        ExprKind::Sum(_) => format!("\\left({}\\right)", latex(e)),
        _ => latex(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hamiltonians_are_as_they_are_printed() {
        let shown = |text: &str| latex(&crate::syntax::parse_expression(text, 0).unwrap());
        assert_eq!(shown("-Delta/3 * X(a)*X(b)"), "-\\frac{\\Delta\\,\\sigma_x^{(a)}\\,\\sigma_x^{(b)}}{3}");
        assert_eq!(shown("omega_L * (Iz(a) + Iz(b))"), "\\omega_{\\mathrm{L}}\\,\\left(I_z^{(a)} + I_z^{(b)}\\right)");
        assert_eq!(shown("sqrt(a^2 + 4 kHz)"), "\\sqrt{{a}^{2} + 4\\,\\mathrm{kHz}}");
        assert_eq!(shown("sum(k in 1..N, Z(s[k]))"), "\\sum_{k=1}^{N} \\sigma_z^{(s_{k})}");
    }
}
