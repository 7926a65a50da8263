//! A document with its analysis.

use super::names::{Kind, Named, declared};
use crate::compile::{Compiled, Refused};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::ast::{ItemKind, Program};
use crate::syntax::parse;
use crate::syntax::token::{Token, Tokens, tokenize};

/// A document with its analysis.
pub struct Document {
    /// The text.
    pub text: String,
    /// Its tokens, packed.
    pub tokens: Tokens,
    /// Its syntax tree; statements with errors are omitted.
    pub program: Program,
    /// Declared names, in order.
    pub names: Vec<Named>,
    /// The compiled program, if it has no errors.
    pub compiled: Option<Compiled>,
    /// Errors and warnings, in the order of the text; also those of other files.
    pub diagnostics: Vec<Diagnostic>,
}

impl Document {
    /// Analyses a text. `reader` reads the files that it uses.
    pub fn new(name: &str, text: String, reader: crate::check::Reader) -> Document {
        let (tokens, _) = tokenize(&text, 0);
        let (program, _) = parse(&text, 0);
        let names = declared(&program, &text);
        let (compiled, mut diagnostics) = match crate::compile::outline(name, &text, reader) {
            Ok(mut compiled) => {
                let warnings = std::mem::take(&mut compiled.warnings);
                (Some(compiled), warnings)
            }
            Err(refused) => {
                let Refused { diagnostics, .. } = *refused;
                (None, diagnostics)
            }
        };
        // Errors in the schedule are detected only when it is built.
        if let Some(compiled) = &compiled {
            match crate::hamiltonian::examine(&compiled.experiment, &Default::default(), None) {
                Ok(warnings) => diagnostics.extend(warnings),
                Err(mistake) => diagnostics.push(*mistake),
            }
        }
        Document { text, tokens, program, names, compiled, diagnostics }
    }

    /// Its tokens, in order; the last one is the end of file.
    pub fn tokens(&self) -> impl Iterator<Item = Token<'_>> {
        self.tokens.all(&self.text)
    }

    /// The token with this index.
    pub fn token(&self, k: usize) -> Option<Token<'_>> {
        self.tokens.get(&self.text, k)
    }

    /// Index of the token at a position, or of the one that ends there.
    pub fn token_at(&self, offset: u32) -> Option<usize> {
        let inside = |t: Token| t.span.start <= offset && offset < t.span.end;
        let touching = |t: Token| t.span.end == offset && t.span.start < offset;
        self.tokens().position(inside).or_else(|| self.tokens().position(touching))
    }

    /// The statement at file level that contains a position.
    pub fn item_at(&self, offset: u32) -> Option<&crate::syntax::ast::Item> {
        let holds = |span: Span| span.start <= offset && offset <= span.end;
        self.program.items.iter().find(|item| item.place.0.is_some_and(holds))
    }

    /// Outline of the file: name, kind and span of each part.
    pub fn outline(&self) -> Vec<(String, Kind, Span)> {
        let mut out = Vec::new();
        for item in &self.program.items {
            let Some(span) = item.place.0 else { continue };
            let (name, kind) = match &item.kind {
                ItemKind::Title(title) => (title.clone(), Kind::Title),
                ItemKind::Params(params) => {
                    let all = params.iter().map(|p| (p.name.text.clone(), Kind::Param, p.name.span()));
                    out.extend(all);
                    continue;
                }
                ItemKind::System(_) => ("system".into(), Kind::Block),
                ItemKind::Hamiltonian(name, _) | ItemKind::Operator(name, _) => (name.text.clone(), Kind::Operator),
                ItemKind::State(name, _) => (name.text.clone(), Kind::State),
                ItemKind::Noise(name, _) => (name.text.clone(), Kind::Noise),
                ItemKind::Channel(name, _) => (format!("channel {}", name.text), Kind::Block),
                ItemKind::Spectrometer(name, _) => (format!("spectrometer {}", name.text), Kind::Block),
                ItemKind::Battery(_) => ("battery".into(), Kind::Block),
                ItemKind::Ensemble(_) => ("ensemble".into(), Kind::Block),
                ItemKind::Cycle(name, _) => (name.text.clone(), Kind::Cycle),
                ItemKind::Define(name, ..) => (name.text.clone(), Kind::Define),
                ItemKind::Sequence(_) => ("sequence".into(), Kind::Block),
                ItemKind::Measure(..) => ("measure".into(), Kind::Block),
                ItemKind::Version(_)
                | ItemKind::Units(_)
                | ItemKind::Shape(..)
                | ItemKind::Use(_)
                | ItemKind::Sweep(_)
                | ItemKind::Expect(_)
                | ItemKind::Theory(_) => continue,
            };
            out.push((name, kind, span));
        }
        out
    }

    /// Suggested replacements for the span of a diagnostic, from its `did you mean` hints.
    pub fn fixes(diagnostic: &Diagnostic) -> Vec<String> {
        let asked = diagnostic.help.iter().filter_map(|h| h.strip_prefix("did you mean "));
        asked
            .flat_map(|rest| rest.split('`').skip(1).step_by(2).map(str::to_string).collect::<Vec<_>>())
            .filter(|word| !word.is_empty())
            .collect()
    }
}
