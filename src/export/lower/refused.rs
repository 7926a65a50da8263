//! What no console can do, and what to write in its place.

use crate::diagnostic::{Code, Diagnostic};
use crate::ir::State;
use crate::source::Span;
use crate::syntax::Expr;

/// A statement that cannot be exported, with the reason under it and what to do.
fn refusal(span: Span, message: impl Into<String>, reason: impl Into<String>, help: &str) -> Diagnostic {
    Diagnostic::new(Code::NotExported, span, message).label(reason).help(help)
}

/// States other than thermal ones.
pub fn state(span: Span, states: &[State]) -> Diagnostic {
    let what = match states.first() {
        Some(State::Gibbs { .. } | State::HighTemperature { .. }) => "a Gibbs state of another Hamiltonian",
        Some(State::Mixed { .. } | State::Thermal { .. }) => "a state in which some spins are not polarised",
        Some(State::Mix(_)) => "a mixture",
        Some(State::Superposition(_) | State::Ket { .. } | State::Up { .. } | State::Down { .. }) => "a pure state",
        Some(State::Fock { .. } | State::Dicke { .. } | State::Definite { .. }) | None => "this state",
    };
    refusal(
        span,
        format!("{what} is not what a sample begins with"),
        "only `thermal` is found in a magnet",
        "write `prepare thermal` and the pulses that make the state of it",
    )
}

/// Evolution under a Hamiltonian that is only written.
pub fn evolve(span: Span, hamiltonian: &Expr) -> Diagnostic {
    refusal(
        span,
        format!("`evolve {hamiltonian}` is a Hamiltonian on paper"),
        "no transmitter makes it",
        "write the pulses and delays that make it: `use \"library:couplings\"` and `use \"library:dipolar\"` have some",
    )
}

/// What does not commute with an operator vanishes.
pub fn dephase(span: Span, operator: &Expr) -> Diagnostic {
    refusal(
        span,
        format!("`dephase {operator}` takes the coherences of one operator away"),
        "no pulse and no gradient does that",
        "take a `delay` of several T2, or a `crush`",
    )
}

/// A filter of coherence orders.
pub fn filter(span: Span) -> Diagnostic {
    refusal(
        span,
        "`crush keep` is a filter of coherence orders",
        "one gradient takes all orders but zero away",
        "write the phase cycle that keeps these orders: a `cycle` in the phases of the pulses and of `acquire`",
    )
}

/// Something that differs from point to point of a sweep, and is no time and no count.
pub fn differs(span: Span, what: &str) -> Diagnostic {
    refusal(
        span,
        format!("{what} differs from point to point of the sweep"),
        "only times, flip angles and counts of loops become lists",
        "export one point at a time with `--set`",
    )
}

/// More rows than a list of a console has.
pub fn rows(span: Option<Span>, rows: usize, most: usize) -> Diagnostic {
    let message = format!("{rows} points are more rows than the {most} that a list has");
    let diagnostic = match span {
        Some(span) => Diagnostic::new(Code::NotExported, span, message).label("swept here"),
        None => Diagnostic::without_place(Code::NotExported, message),
    };
    diagnostic.help("sweep fewer points, or set parameters with `--set`")
}

/// Natural units.
pub fn natural() -> Diagnostic {
    Diagnostic::without_place(Code::NotExported, "a file in natural units has no seconds and no hertz")
        .help("write the experiment in `units lab`: times in us, strengths in kHz")
}

/// A nucleus in which the system has no spin and which no table has.
pub fn nothing(span: Span) -> Diagnostic {
    refusal(
        span,
        "this sequence sends nothing and receives nothing",
        "there is nothing to export",
        "a sequence for a console has pulses: `pulse 1H 90 deg phase x rf = 100 kHz`",
    )
}

/// A second acquisition.
pub fn second_acquisition(span: Span) -> Diagnostic {
    refusal(
        span,
        "a scan receives once",
        "the second signal of one scan",
        "export a file for each: the sequence up to the first signal, and up to the second",
    )
}

/// A pulse among others that says when it begins.
pub fn begins_later(span: Span) -> Diagnostic {
    refusal(
        span,
        "pulses at once are exported by their alignment",
        "begins at a time of its own",
        "take `start` out, or cut the block into pulses and delays that follow each other",
    )
}

/// Decoupling while a signal is received.
pub fn decoupled(span: Span) -> Diagnostic {
    refusal(
        span,
        "what other channels send during the signal is not exported",
        "sends while it receives",
        "take the pulses beside `acquire` out, and turn the decoupling on in the exported program: `go=2 ph31 cpd2:f2`",
    )
}

/// Something behind the acquisition.
pub fn behind_acquisition(span: Span) -> Diagnostic {
    refusal(
        span,
        "nothing is sent behind the signal",
        "the scan ends where the signal is received",
        "move it before `acquire`, or take it out",
    )
}
