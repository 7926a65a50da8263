//! Lists of phases.

use super::expression::DEEPEST;
use super::lexer::{Token, TokenKind};
use super::tree::{PhaseList, PhaseTerm};
use super::words;

/// The most phases of a list.
const MOST: usize = 65_536;

/// A list of phases in degrees; none where it refers to others, or is no list.
pub fn degrees(tokens: &[Token]) -> Option<Vec<f64>> {
    let (unit, tokens) = match tokens {
        [open, word, comma, _, close, rest @ ..]
            if open.text == "("
                && matches!(word.text.as_str(), "float" | "degree")
                && comma.text == ","
                && close.text == ")" =>
        {
            (1.0, rest)
        }
        [open, number, close, rest @ ..] if open.text == "(" && close.text == ")" => {
            (360.0 / number.text.parse::<f64>().ok().filter(|x| *x > 0.0)?, rest)
        }
        _ => (90.0, tokens),
    };
    let mut at = 0;
    let values = entries(tokens, &mut at, 0)?;
    (at == tokens.len()).then(|| values.into_iter().map(|x| x * unit).collect())
}

/// The entries of a list up to its end or to a closing brace: `{0 2}*2` is repeated, `{0}^1` goes on with the next phase.
fn entries(tokens: &[Token], at: &mut usize, depth: usize) -> Option<Vec<f64>> {
    let mut out: Vec<f64> = Vec::new();
    while let Some(token) = tokens.get(*at) {
        match (token.kind, token.text.as_str()) {
            (TokenKind::Number, text) => {
                out.push(text.parse().ok().filter(|x: &f64| x.is_finite())?);
                *at += 1;
            }
            (TokenKind::Sign, "-") => {
                out.push(-tokens.get(*at + 1)?.text.parse::<f64>().ok().filter(|x| x.is_finite())?);
                *at += 2;
            }
            (TokenKind::Sign, "{") => {
                *at += 1;
                if depth >= DEEPEST {
                    return None;
                }
                let mut inner = entries(tokens, at, depth + 1)?;
                if tokens.get(*at)?.text != "}" {
                    return None;
                }
                *at += 1;
                loop {
                    match tokens.get(*at).map(|t| t.text.as_str()) {
                        Some("*") => {
                            let times: usize = tokens.get(*at + 1)?.text.parse().ok()?;
                            if times.saturating_mul(inner.len()) > MOST {
                                return None;
                            }
                            inner = inner.repeat(times);
                            *at += 2;
                        }
                        // Once more, with every phase larger by each of the numbers behind the sign.
                        Some("^") => {
                            let base = inner.clone();
                            *at += 1;
                            while let Some(step) = tokens.get(*at).and_then(|t| t.text.parse::<f64>().ok()) {
                                if inner.len() + base.len() > MOST {
                                    return None;
                                }
                                inner.extend(base.iter().map(|x| x + step));
                                *at += 1;
                                if tokens.get(*at).is_some_and(|t| t.text == "^") {
                                    *at += 1;
                                } else {
                                    break;
                                }
                            }
                        }
                        _ => break,
                    }
                }
                if out.len() + inner.len() > MOST {
                    return None;
                }
                out.extend(inner);
            }
            (TokenKind::Sign, "}") => return Some(out),
            _ => return None,
        }
    }
    Some(out)
}

/// The step that a list is counted in, degrees: a quarter of a turn unless a divisor stands in parentheses.
pub fn unit(tokens: &[Token]) -> f64 {
    let number = |t: &Token| t.text.parse::<f64>().ok().filter(|x| *x > 0.0);
    match tokens {
        [open, word, comma, step, ..] if open.text == "(" && comma.text == "," && word.kind == TokenKind::Word => {
            number(step).unwrap_or(90.0)
        }
        [open, divisor, close, ..] if open.text == "(" && close.text == ")" => {
            number(divisor).map_or(90.0, |n| 360.0 / n)
        }
        _ => 90.0,
    }
}

/// A sum of other lists: `ph1 + ph2*2 - ph3 + 2`; quarters of a turn, and the whole behind a divisor in its units.
pub fn terms(tokens: &[Token]) -> Option<Vec<PhaseTerm>> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let mut factor = 1.0;
        while let Some(sign) =
            tokens.get(at).filter(|t| t.kind == TokenKind::Sign && matches!(t.text.as_str(), "+" | "-"))
        {
            factor *= if sign.text == "-" { -1.0 } else { 1.0 };
            at += 1;
        }
        let mut list = None;
        loop {
            let token = tokens.get(at)?;
            at += 1;
            let (head, digits) = words::split(&token.text);
            match token.kind {
                TokenKind::Word if head == "ph" && list.is_none() => list = Some(digits.parse().ok()?),
                TokenKind::Number => factor *= token.text.parse::<f64>().ok()?,
                _ => return None,
            }
            if tokens.get(at).is_none_or(|t| t.text != "*") {
                break;
            }
            at += 1;
        }
        out.push(match list {
            Some(list) => PhaseTerm { list: Some(list), factor },
            None => PhaseTerm { list: None, factor: 90.0 * factor },
        });
    }
    Some(out)
}

/// Gives lists that are sums of others their phases.
pub fn refer(lists: &mut [PhaseList]) {
    // Lists may refer to lists that refer to others, but not in a circle.
    for _ in 0..lists.len() {
        let known: Vec<(usize, Vec<f64>)> = lists.iter().filter_map(|l| Some((l.number, l.degrees.clone()?))).collect();
        let of = |number: usize| known.iter().find(|(n, _)| *n == number).map(|(_, d)| d);
        for list in lists.iter_mut().filter(|l| l.degrees.is_none() && !l.terms.is_empty()) {
            list.degrees = sum(&list.terms, &of);
        }
    }
}

fn sum<'a>(terms: &[PhaseTerm], of: &dyn Fn(usize) -> Option<&'a Vec<f64>>) -> Option<Vec<f64>> {
    let mut out = vec![0.0];
    for term in terms {
        let one = match term.list {
            Some(number) => of(number)?.iter().map(|x| x * term.factor).collect(),
            None => vec![term.factor],
        };
        let length = common_multiple(out.len(), one.len())?;
        if length > MOST {
            return None;
        }
        out = out.iter().cycle().zip(one.iter().cycle()).take(length).map(|(a, b)| (a + b).rem_euclid(360.0)).collect();
    }
    Some(out)
}

/// The smallest common multiple of two lengths; none where one is zero.
pub fn common_multiple(a: usize, b: usize) -> Option<usize> {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (a.checked_div(x)?).checked_mul(b)
}
