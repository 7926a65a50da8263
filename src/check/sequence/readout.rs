//! Recording, acquisition and tomography.

use super::Builder;
use crate::check::checker::{settings, twice};
use crate::check::system;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{self, EventKind};
use crate::source::Span;
use crate::syntax::ast::{self, Name};
use crate::syntax::{Expr, ExprKind};
use crate::tomography::METHODS;
use crate::units::Dimension;

impl Builder<'_, '_> {
    pub(super) fn record(&mut self, record: &Option<Box<ast::Record>>, span: Span) -> Option<Box<ir::Record>> {
        let record = record.as_ref()?;
        let place = record.name.as_ref().map_or(span, Name::span);
        self.refuse_in_loop("record", place);
        let points = self.c.number(&record.points, Dimension::NUMBER);
        let name = record.name.as_ref().map_or_else(|| format!("trace{}", self.traced + 1), |n| n.text.clone());
        self.trace_named(name.clone(), place);
        Some(Box::new(ir::Record { points, name }))
    }

    /// Declares a trace, whose name must be new.
    pub(super) fn trace_named(&mut self, name: String, place: Span) {
        if let Some(before) = self.traces.get(&name) {
            self.c.diagnostics.push(twice(&name, place, *before));
        }
        self.traced += 1;
        self.traces.entry(name).or_insert(place);
    }

    pub(super) fn acquire(&mut self, a: &ast::Acquire, span: Span) -> Option<EventKind> {
        self.refuse_in_loop("acquire", span);
        let nucleus = self.nucleus(&a.channel)?;
        let known: Vec<&str> = ir::ACQUIRE_SETTINGS.iter().map(|(w, _)| *w).collect();
        let (mut snr, mut seed) = (None, None);
        for (name, value) in settings(&a.settings, &known, "`acquire`", self.c) {
            let value = Some(Box::new(self.c.number(value, Dimension::NUMBER)));
            if name == "snr" { snr = value } else { seed = value }
        }
        let points = self.c.number(&a.points, Dimension::NUMBER);
        let phase = a.phase.as_ref().map(|p| Box::new(self.c.phase(p)));
        Some(match &a.sampling {
            ast::Sampling::Dwell(dwell) => {
                let (points, dwell) = (Box::new(points), Box::new(self.c.number(dwell, Dimension::TIME)));
                EventKind::Acquire { nucleus, points, dwell, phase, snr, seed, decoupling: vec![] }
            }
            ast::Sampling::Every(cycle) => self.cycle(points, ir::Detection { nucleus, phase, snr, seed }, cycle),
        })
    }

    pub(super) fn tomography(&mut self, given: &[ast::Setting], span: Span) -> ir::Tomography {
        self.refuse_in_loop("tomography", span);
        if let Some(before) = self.marks.get("tomography") {
            self.c.diagnostics.push(twice("tomography", span, *before));
        }
        self.marks.insert("tomography".to_string(), span);
        let known: Vec<&str> = ir::TOMOGRAPHY_SETTINGS.iter().map(|(w, _)| *w).collect();
        let mut out = ir::Tomography::default();
        for (name, value) in settings(given, &known, "`tomography`", self.c) {
            match name {
                "snr" => out.snr = Some(self.c.number(value, Dimension::NUMBER)),
                "scans" => out.scans = Some(self.c.number(value, Dimension::NUMBER)),
                "points" => out.points = Some(self.c.number(value, Dimension::NUMBER)),
                "dwell" => out.dwell = Some(self.c.number(value, Dimension::TIME)),
                "seed" => out.seed = Some(self.c.number(value, Dimension::NUMBER)),
                "repetitions" => out.repetitions = Some(self.c.number(value, Dimension::NUMBER)),
                "method" => out.method = self.method(value),
                "readouts" => out.readouts = self.words(value),
                _ => out.detect = self.detected(value),
            }
        }
        if out.points.is_some() != out.dwell.is_some() {
            self.c.diagnostics.push(
                Diagnostic::new(Code::MissingDeclaration, span, "a sampled FID needs both `points` and `dwell`")
                    .label("one of them is missing")
                    .help("for example `tomography points = 2048 dwell = 0.5 ms snr = 50`"),
            );
        }
        out
    }

    pub(super) fn method(&mut self, value: &Expr) -> Option<String> {
        let name = match &value.kind {
            ExprKind::Name(name) => name.as_str(),
            _ => "",
        };
        if METHODS.iter().any(|(w, ..)| *w == name) {
            return Some(name.to_string());
        }
        let diagnostic =
            Diagnostic::new(Code::UnknownSetting, value.span(), format!("unknown reconstruction method `{value}`"))
                .label("not known")
                .did_you_mean(name, METHODS.iter().map(|(w, ..)| *w));
        let diagnostic = if diagnostic.help.is_empty() {
            diagnostic.help(format!("known are: {}", METHODS.iter().map(|(w, ..)| *w).collect::<Vec<_>>().join(", ")))
        } else {
            diagnostic
        };
        self.c.diagnostics.push(diagnostic);
        None
    }

    /// A quoted list of words, separated by commas or blanks.
    pub(super) fn words(&mut self, value: &Expr) -> Vec<String> {
        if let ExprKind::Text(text) = &value.kind {
            let words = text.split([',', ' ']).filter(|w| !w.is_empty());
            return words.map(str::to_string).collect();
        }
        self.c.diagnostics.push(
            Diagnostic::new(Code::WrongKind, value.span(), "readouts must be in quotes")
                .help("for example \"II, IX, IY, XX\""),
        );
        vec![]
    }

    /// An isotope, or several in quotes.
    pub(super) fn detected(&mut self, value: &Expr) -> Vec<String> {
        let symbols: Vec<&str> = match &value.kind {
            ExprKind::Isotope(symbol) => vec![symbol],
            ExprKind::Name(name) if name == crate::spin::ELECTRON.symbol => vec![name],
            ExprKind::Text(text) => text.split([',', ' ']).filter(|w| !w.is_empty()).collect(),
            _ => {
                self.c.diagnostics.push(
                    Diagnostic::new(Code::WrongKind, value.span(), "expected a nucleus such as `1H`")
                        .help("`detect = 1H`, or `detect = \"1H, 13C\"`"),
                );
                vec![]
            }
        };
        let mut nuclei = Vec::new();
        for symbol in symbols {
            let result = system::isotope(symbol, value.span());
            nuclei.extend(self.c.note(result).map(|i| i.symbol.to_string()));
        }
        nuclei
    }
}
