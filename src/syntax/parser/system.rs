//! Grammar rules of `system`: subsystems, couplings, fields and tensors.

use super::{Parser, Rule, hints};
use crate::diagnostic::{Code, Diagnostic};
use crate::spin::ELECTRON;
use crate::syntax::ast::*;
use crate::syntax::expr::{Expr, ExprKind};
use crate::syntax::token::TokenKind;
use crate::syntax::words;

impl Parser<'_> {
    pub(super) fn system_entry(&mut self, word: &str) -> Rule<SystemEntry> {
        let start = self.previous();
        let kind = match word {
            "spin" => {
                let mut names = vec![self.declared()?];
                while self.sign(",") {
                    names.push(self.declared()?);
                }
                self.expect_sign(":")?;
                SystemKind::Spin(names, self.spin_kind()?)
            }
            "collective" => {
                let name = self.name("the name of the collective")?;
                self.expect_sign(":")?;
                let count = self.count()?;
                self.expect_sign("*")?;
                SystemKind::Collective(name, count, self.spin_kind()?)
            }
            "mode" => {
                let name = self.name("the name of the mode")?;
                self.expect_sign(":")?;
                SystemKind::Mode(name, self.expression()?)
            }
            "field" => {
                let value = self.expression()?;
                SystemKind::Field(value, if self.opt_word("of") { Some(self.nucleus()?) } else { None })
            }
            "frame" => {
                self.word("lab")?;
                let mut species = vec![self.nucleus()?];
                while self.sign(",") {
                    species.push(self.nucleus()?);
                }
                SystemKind::Frame(species)
            }
            "temperature" => SystemKind::Temperature(self.expression()?),
            "dipolar" if self.opt_word("all") => SystemKind::DipolarAll,
            "orientation" => SystemKind::Orientation(self.expression()?),
            "spinning" => {
                let rate = self.expression()?;
                SystemKind::Spinning(rate, if self.opt_word("at") { Some(self.expression()?) } else { None })
            }
            "position" => {
                let site = self.site()?;
                self.expect_sign("=")?;
                SystemKind::Position(site, self.expression()?)
            }
            _ => match words::interaction_named(word) {
                Some(form) => SystemKind::Interaction(Box::new(self.interaction(form)?)),
                None => self.relaxation()?,
            },
        };
        let each = if self.opt_word("for") { Some(self.for_each()?) } else { None };
        Ok(SystemEntry { kind, each, place: start.to(self.previous()).into() })
    }

    /// `name "in" sum ".." sum`, after the keyword `for` or `loop`.
    pub(super) fn for_each(&mut self) -> Rule<ForEach> {
        let index = self.name("an index")?;
        self.word("in")?;
        let from = self.expression()?;
        self.expect_sign("..")?;
        Ok(ForEach { index, from, to: self.expression()? })
    }

    /// `site { "," site } settings`
    fn relaxation(&mut self) -> Rule<SystemKind> {
        let mut sites = vec![self.site()?];
        while self.sign(",") {
            sites.push(self.site()?);
        }
        Ok(SystemKind::Relax(sites, self.settings_block()?))
    }

    /// `site [ site ] "=" sum { clause sum }`
    fn interaction(&mut self, form: words::Interaction) -> Rule<Interaction> {
        let mut sites = vec![self.site()?];
        if form.sites == words::Sites::Two {
            if self.at_sign(",") {
                let help = "the two spins are separated by a space, as in `dipolar a b = 10 kHz`";
                return Err(self.unexpected("expected the name of the second spin").help(help).into());
            }
            sites.push(self.site()?);
        }
        self.expect_sign("=")?;
        let size = self.expression()?;
        let mut clauses = Vec::new();
        for clause in form.clauses {
            if self.opt_word(clause.word()) {
                clauses.push((*clause, self.expression()?));
            }
        }
        Ok(Interaction { form, sites, size, clauses })
    }

    pub(super) fn declared(&mut self) -> Rule<Declared> {
        let name = self.name("the name of a spin")?;
        if self.words_of_language_are_no_names(&name) {
            return Err(Diagnostic::new(
                Code::ReservedName,
                name.span(),
                format!("`{}` is a reserved word", name.text),
            )
            .help("choose another name")
            .into());
        }
        let size = if self.sign("[") {
            let open = self.previous();
            let size = self.expression()?;
            self.close("]", open)?;
            Some(size)
        } else {
            None
        };
        Ok(Declared { name, size })
    }

    /// True if a spin's name is the reserved word `all`.
    pub(super) fn words_of_language_are_no_names(&self, name: &Name) -> bool {
        name.text == "all"
    }

    /// `count = number | name | "(" sum ")"`: the number of spins before `* 1/2`.
    pub(super) fn count(&mut self) -> Rule<Expr> {
        let start = self.here();
        match self.kind() {
            TokenKind::Number(value) => {
                self.advance();
                Ok(Expr::at(ExprKind::Number(value), start))
            }
            TokenKind::Name(name) => {
                self.advance();
                Ok(Expr::at(ExprKind::Name(name.to_string()), start))
            }
            TokenKind::Sign("(") => {
                self.advance();
                let inner = self.expression()?;
                self.close(")", start)?;
                Ok(inner)
            }
            _ => Err(self.unexpected("expected the number of spins, as in `10 * 1/2`").into()),
        }
    }

    /// `spin_kind = spin_number | isotope | "e" [ spin_number ]`
    pub(super) fn spin_kind(&mut self) -> Rule<SpinKind> {
        let start = self.here();
        let expected = "expected `1/2`, another spin quantum number, or a nucleus such as `13C`";
        match self.kind() {
            TokenKind::Number(_) => {}
            TokenKind::Name(name) if name == ELECTRON.symbol => {
                self.advance();
                let given = matches!(self.kind(), TokenKind::Number(_)) && !self.begins_line();
                let twice = if given { self.spin_number()? } else { ELECTRON.twice_spin };
                return Ok(SpinKind::Electron(twice));
            }
            other => return Err(self.unexpected(expected).hint(hints::nucleus(other)).into()),
        }
        if matches!(self.peek(1), TokenKind::Name(_)) && self.span_of(1).start == start.end {
            return Ok(SpinKind::Isotope(self.nucleus()?.text));
        }
        Ok(SpinKind::Twice(self.spin_number()?))
    }

    /// Twice a spin quantum number: `spin_number = number [ "/" "2" ]`
    fn spin_number(&mut self) -> Rule<u32> {
        let start = self.here();
        let expected = "expected a spin quantum number such as `1/2` or `1`";
        let TokenKind::Number(value) = self.kind() else { return Err(self.unexpected(expected).into()) };
        self.advance();
        let twice = if self.sign("/") {
            let TokenKind::Number(2.0) = self.kind() else { return Err(self.unexpected(expected).into()) };
            self.advance();
            value
        } else {
            2.0 * value
        };
        if value.fract() != 0.0 || !(1.0..=99.0).contains(&twice) {
            return Err(Diagnostic::new(
                Code::OutOfRange,
                start,
                "a spin quantum number must be 1/2, 1, 3/2, ... up to 99/2",
            )
            .label("not one of them")
            .help("half-integers are written as fractions: `1/2`")
            .into());
        }
        Ok(twice as u32)
    }

    /// `nucleus = whole_number symbol`, without a space between; may also be an argument of a `define`.
    pub(super) fn nucleus(&mut self) -> Rule<Name> {
        let start = self.here();
        match self.kind() {
            TokenKind::Number(value) if value.fract() == 0.0 && value < 1000.0 => {
                self.advance();
                let touches = self.here().start == start.end;
                let TokenKind::Name(symbol) = self.kind() else {
                    return Err(self.unexpected("expected a nucleus such as `1H` or `13C`").into());
                };
                if !touches {
                    let diagnostic = self.unexpected("expected a nucleus such as `1H`, without a space");
                    return Err(diagnostic.hint(hints::nucleus_first(symbol)).into());
                }
                self.advance();
                Ok(Name::at(format!("{value}{symbol}"), start.to(self.previous())))
            }
            TokenKind::Name(_) => self.name("a nucleus such as `1H`"),
            _ => Err(self.unexpected("expected a nucleus such as `1H` or `13C`").into()),
        }
    }

    /// `site = name [ "[" sum "]" ]`
    pub(super) fn site(&mut self) -> Rule<Expr> {
        let name = self.name("the name of a spin")?;
        let start = name.span();
        if !self.at_sign("[") {
            return Ok(Expr::at(ExprKind::Name(name.text), start));
        }
        let open = self.here();
        self.advance();
        let index = self.expression()?;
        self.close("]", open)?;
        Ok(Expr::at(ExprKind::Index(name.text, Box::new(index)), start.to(self.previous())))
    }
}
