//! Types of calls: operators of subsystems, functions of numbers, of nuclei and of lists.

use super::function::{FUNCTIONS, FunctionInfo, LARMOR, LENGTH, OTHER_FUNCTIONS, SIZE};
use super::meaning::{Meaning, Type};
use super::scope::{Checked, Index, Scope};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::spin::{Isotope, LOCAL_OPERATORS, LocalKind};
use crate::syntax::{Expr, ExprKind, Fold};
use crate::units::{Dimension, GAMMA};

impl Scope {
    /// `gamma(1H)`, `larmor(1H)`
    fn of_nucleus(&self, name: &str, dimension: Dimension, items: &[Expr], expr: &Expr) -> Checked {
        let [Expr { kind: ExprKind::Isotope(symbol), .. }] = items else {
            return Err(self.wrong_arguments(expr, &format!("`{name}` takes a nucleus, as in `{name}(1H)`")));
        };
        if self.natural() {
            let message = format!("`{name}` is {dimension}, which natural units do not have");
            return Err(Diagnostic::new(Code::UnitInNatural, expr.span(), message).into());
        }
        self.isotope(symbol, expr)?;
        Ok(Type::Number(dimension))
    }

    /// `size(taus)`
    fn size(&self, items: &[Expr], expr: &Expr) -> Checked {
        match items {
            [Expr { kind: ExprKind::Name(name), .. }] if matches!(self.names.get(name), Some(Meaning::List(_))) => {
                Ok(Type::Number(Dimension::NUMBER))
            }
            _ => Err(self.wrong_arguments(expr, &format!("`{SIZE}` takes a list of parameters"))),
        }
    }

    /// `length(1H, 90 deg)`, `length(1H, 90 deg, 50 kHz)`
    fn length(&self, items: &[Expr], expr: &Expr, indices: &[Index]) -> Checked {
        let (symbol, angle, rf) = match items {
            [Expr { kind: ExprKind::Isotope(symbol), .. }, angle] => (symbol, angle, None),
            [Expr { kind: ExprKind::Isotope(symbol), .. }, angle, rf] => (symbol, angle, Some(rf)),
            _ => {
                let why = format!("`{LENGTH}` takes a nucleus, a flip angle and, if not that of the channel, an rf");
                return Err(self.wrong_arguments(expr, &why));
            }
        };
        self.isotope(symbol, expr)?;
        self.number(angle, Dimension::ANGLE, indices)?;
        rf.map_or(Ok(()), |rf| self.frequency(rf, indices))?;
        Ok(Type::Number(self.dimension(Dimension::TIME)))
    }

    fn isotope(&self, symbol: &str, expr: &Expr) -> Result<(), Box<Diagnostic>> {
        let unknown = || {
            let message = format!("unknown isotope `{symbol}`");
            Box::new(Diagnostic::new(Code::UnknownIsotope, expr.span(), message).label("not known"))
        };
        Isotope::named(symbol).map(|_| ()).ok_or_else(unknown)
    }

    pub(super) fn call(&self, name: &str, items: &[Expr], expr: &Expr, indices: &[Index]) -> Checked {
        if name == SIZE {
            return self.size(items, expr);
        }
        if name == LENGTH {
            return self.length(items, expr, indices);
        }
        if LocalKind::named(name).is_some() {
            let [site] = items else {
                return Err(self.wrong_arguments(expr, &format!("`{name}` takes one subsystem")));
            };
            self.sites(site, indices)?;
            return Ok(Type::Operator(Dimension::NUMBER));
        }
        if name == GAMMA {
            return self.of_nucleus(name, Dimension::GYROMAGNETIC_RATIO, items, expr);
        }
        if name == LARMOR {
            return self.of_nucleus(name, Dimension::FREQUENCY, items, expr);
        }
        let Some(function) = FunctionInfo::named(name) else {
            let known = FUNCTIONS
                .iter()
                .map(|f| f.name)
                .chain(OTHER_FUNCTIONS.iter().map(|(name, ..)| *name))
                .chain(LOCAL_OPERATORS.iter().map(|(w, _, _)| *w))
                .chain(Fold::ALL.map(Fold::word));
            let span = Span { end: expr.span().start + name.len() as u32, ..expr.span() };
            return Err(Diagnostic::new(Code::UnknownFunction, span, format!("`{name}` is not a function"))
                .label("unknown function")
                .did_you_mean(name, known)
                .into());
        };
        let (Some(leading), true) = (items.first(), items.len() == function.arguments()) else {
            return Err(self.wrong_arguments(
                expr,
                &format!("`{name}` takes {} argument(s), {} given", function.arguments(), items.len()),
            ));
        };
        let first = self.type_of(leading, indices)?;
        for item in items {
            let t = self.type_of(item, indices)?;
            if matches!(t, Type::Operator(_)) {
                return Err(self.operator_unwanted(item, &format!("`{name}` takes a number")));
            }
            if t != first {
                return Err(self.clash(leading, first, item, t, "be compared"));
            }
        }
        match function.dimension(first.dimension(), self.natural()) {
            Some(d) => Ok(Type::Number(d)),
            None => Err(Diagnostic::new(
                Code::WrongDimension,
                leading.span(),
                format!("`{name}` does not take {}", first.describe()),
            )
            .label(format!("this is {}", first.describe()))
            .into()),
        }
    }
}
