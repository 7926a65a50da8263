//! Lists of parameters: written values, or random numbers that are the same for the same seed.

use super::time_operator::Value;
use super::{Evaluator, Fault, Local};
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::spread::drawn;
use crate::ir::{List, ListValues, Spread};
use crate::noise::Noise;
use crate::source::Span;
use crate::syntax::Expr;
use crate::waveform::Scalar;
use std::sync::Arc;

/// Largest number of values of a random list.
const LONGEST: usize = 100_000;

impl Evaluator<'_> {
    /// The number of values of a list.
    ///
    /// # Errors
    /// If the size of a random list is not a whole number from 1 to 100,000.
    pub(super) fn size_of(&self, list: &List) -> Result<usize, Fault> {
        match &list.values {
            ListValues::Written(values) => Ok(values.len()),
            ListValues::Random { size, .. } => match self.count(size, 1)? {
                count if count <= LONGEST => Ok(count),
                count => {
                    let message = format!("`{size}` = {count} values, a random list has at most {LONGEST}");
                    Err(Diagnostic::new(Code::OutOfRange, size.span(), message).label("too many").into())
                }
            },
        }
    }

    /// `name[index]`, indexed from 1.
    ///
    /// # Errors
    /// If the index is not a whole number of the range, or a value cannot be evaluated.
    pub(super) fn element(&self, name: &str, index: &Expr, span: Span, locals: &[Local]) -> Result<Scalar, Fault> {
        let missing = || Diagnostic::new(Code::UnknownName, span, format!("unknown list `{name}`"));
        let list = self.experiment.list(name).ok_or_else(missing)?;
        let (count, k) = (self.size_of(list)?, self.number_with(index, locals)?);
        let whole = k.round();
        if (k - whole).abs() > 1e-9 || whole < 1.0 || whole > count as f64 {
            return Err(Diagnostic::new(Code::OutOfRange, span, format!("`{name}[{k}]` does not exist"))
                .label(format!("the list has the values {name}[1] to {name}[{count}]"))
                .related(list.place.span(), "declared here")
                .into());
        }
        let member = whole as usize - 1;
        match &list.values {
            ListValues::Written(values) => match values.get(member) {
                Some(value) => self.scalar(value),
                None => Err(missing().into()),
            },
            ListValues::Random { spread, settings, .. } => self.random(list, *spread, settings, count, member),
        }
    }

    fn scalar(&self, expr: &Expr) -> Result<Scalar, Fault> {
        match self.value(expr, &[])? {
            Value::Number(x) => Ok(x),
            Value::Operator(_) => {
                Err(Diagnostic::new(Code::OperatorExpected, expr.span(), "a number is needed here").into())
            }
        }
    }

    /// A value of a random list: `middle + width x`, with x from the standard distribution.
    fn random(
        &self,
        list: &List,
        spread: Spread,
        settings: &[(String, Expr)],
        count: usize,
        member: usize,
    ) -> Result<Scalar, Fault> {
        let setting = |name: &str| {
            let found = settings.iter().find(|(n, _)| n == name).map(|(_, e)| e);
            found.ok_or_else(|| {
                let message = format!("the random list `{}` needs `{name}`", list.name);
                Fault::from(Diagnostic::new(Code::MissingDeclaration, list.place.span(), message))
            })
        };
        let positive = |name: &str| {
            let expr = setting(name)?;
            match self.number(expr)? {
                x if x >= 0.0 => Ok(Scalar::Constant(x)),
                x => {
                    let message = format!("`{name}` cannot be negative, it is {x}");
                    Err(Fault::from(Diagnostic::new(Code::OutOfRange, expr.span(), message).label("negative")))
                }
            }
        };
        let (middle, width) = match spread {
            Spread::Gaussian => (self.scalar(setting("mean")?)?, positive("sd")?),
            Spread::Lorentzian => (self.scalar(setting("centre")?)?, positive("fwhm")?.scaled(0.5)),
            Spread::Integers => {
                let message = format!("the random list `{}` cannot have the distribution `integers`", list.name);
                return Err(Diagnostic::new(Code::WrongKind, list.place.span(), message)
                    .label("no random numbers")
                    .help("`uniform(from = 0, to = 1, seed = 1)` gives random numbers")
                    .into());
            }
            Spread::Uniform => {
                let (from, to) = (self.scalar(setting("from")?)?, self.scalar(setting("to")?)?);
                (from.plus(&to).scaled(0.5), to.plus(&from.scaled(-1.0)).scaled(0.5))
            }
        };
        let x = self.standard(list, spread, setting("seed")?, count)?.get(member).copied().unwrap_or(0.0);
        Ok(middle.plus(&width.scaled(x)))
    }

    /// Random numbers of the standard distribution. Every list has its own stream, so that two lists of one seed are independent; a
    /// longer list begins with the values of a shorter one.
    fn standard(&self, list: &List, spread: Spread, seed: &Expr, count: usize) -> Result<Arc<[f64]>, Fault> {
        if let Some(known) = self.drawn.borrow().get(&list.name).filter(|known| known.len() == count) {
            return Ok(known.clone());
        }
        let mut noise = Noise::new(self.count(seed, 0)? as u64, stream(&list.name));
        let numbers: Arc<[f64]> = (0..count).map(|_| drawn(spread, &mut noise)).collect();
        self.drawn.borrow_mut().insert(list.name.clone(), numbers.clone());
        Ok(numbers)
    }
}

/// The number of the random stream of a list: the FNV-1a hash of its name (Fowler, Noll, Vo).
fn stream(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
