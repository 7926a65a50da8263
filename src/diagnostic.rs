//! Diagnostics: errors and warnings with a code, a position and hints, and their rendering.
//!
//! All codes are in the table [`CODES`]; tests check `grammar.md` and `tests/diagnostics/` against it.

use crate::source::{Source, Sources, Span, shortened, visible};
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use std::borrow::Cow;
use std::fmt;

/// The largest number of mistakes reported for one program; a text may have one in every line.
pub const MOST_MISTAKES: usize = 200;

/// Messages, labels and hints of more characters are cut: they quote names, which may be of any length.
const LONGEST_MESSAGE: usize = 600;

/// Source text of more bytes is not shown in one piece.
const LONGEST_EXCERPT: usize = 4000;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The program can be run, but is probably not as intended.
    Warning,
    /// The program cannot be run.
    Error,
}

macro_rules! codes {
    ($($name:ident = $text:literal, $title:literal;)*) => {
        /// Diagnostic codes. `E1..` text, `E2..` names, `E3..` dimensions, `E4..` values, `E5..` the run, `E6..` files,
        /// `W..` warnings.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $(#[doc = $title] $name,)* }

        /// All codes: (code, number, title).
        pub const CODES: &[(Code, &str, &str)] = &[$((Code::$name, $text, $title),)*];
    };
}

codes! {
    UnexpectedToken = "E101", "unexpected text";
    UnknownStatement = "E102", "unknown statement";
    Unclosed = "E103", "unclosed bracket or brace";
    MalformedNumber = "E104", "malformed number";
    UnclosedText = "E105", "unterminated string";
    StrayCharacter = "E106", "unexpected character";
    UnknownUnit = "E107", "unknown unit";
    MissingVersion = "E108", "the file does not start with `ergoseq 1`";
    UnsupportedVersion = "E109", "unsupported version of the language";
    PulseqFile = "E110", "a Pulseq file, not an ergoseq program";
    TooDeep = "E111", "an expression, block or file is nested too deeply";
    NotText = "E112", "the file is not UTF-8 text";
    UnknownName = "E201", "undeclared name";
    DefinedTwice = "E202", "duplicate name or quantity";
    CircularDefinition = "E203", "circular definition";
    CircularUse = "E204", "circular `use`";
    UseFailed = "E205", "a file named by `use` cannot be read";
    ShapeFailed = "E216", "a file named by `shape` or `density` is not a valid pulse shape or density matrix";
    UnknownFunction = "E206", "unknown function";
    WrongArguments = "E207", "wrong arguments of a function";
    UnknownIsotope = "E208", "unknown isotope";
    UnknownSetting = "E209", "unknown setting";
    UnknownMetric = "E210", "unknown metric";
    UnknownResult = "E211", "unknown mark, trace or result";
    NotIndexed = "E212", "an unexpected or missing index";
    WrongKind = "E213", "a name of the wrong kind";
    MissingDeclaration = "E214", "a required statement or setting is missing";
    ReservedName = "E215", "a reserved word used as a name";
    DimensionClash = "E301", "incompatible dimensions";
    WrongDimension = "E302", "wrong dimension";
    UnitInNatural = "E303", "a unit in a file with natural units";
    OperatorExpected = "E304", "an operator instead of a number, or a number instead of an operator";
    NotHermitian = "E401", "a Hamiltonian is not Hermitian";
    NotFinite = "E402", "an expression is infinite or not a number";
    NotWhole = "E403", "a size or count is not an integer";
    OutOfRange = "E404", "a value is out of range";
    OverLimit = "E405", "a pulse exceeds the limit of its channel";
    OutsideParamRange = "E406", "a parameter is outside its declared range";
    WrongOperator = "E407", "an operator that is not defined for this subsystem";
    Contradiction = "E408", "inconsistent quantities";
    WrongState = "E409", "a state that does not match the system";
    InsideLoop = "E410", "a mark, record, acquisition or tomography inside a loop or a branch of `project`";
    EmptySweep = "E411", "a sweep without points, or of unequal lengths";
    HardwareLimit = "E413", "the spectrometer cannot do this";
    NotExported = "E414", "cannot be exported to this console";
    Uncalibrated = "E415", "a calibration is missing or cannot be read";
    BlindTomography = "E412", "the readouts of a tomography are not informationally complete";
    Unreachable = "E416", "the couplings and controls cannot make this Hamiltonian";
    TooShort = "E417", "a time is too short for the wanted evolution";
    NoPulses = "E418", "the limits of the pulses leave no sequence";
    NoSuchControl = "E419", "a control of a nucleus that the system does not have";
    NotEmulated = "E501", "a statement that the emulator does not support yet";
    TooLarge = "E502", "the run does not fit in memory";
    ResultNotFinite = "E503", "a result is infinite or not a number";
    NotConverged = "E504", "an integration or search did not reach its tolerance";
    OverBudget = "E506", "a limit on the size of a program is exceeded";
    OutOfTime = "E507", "the time limit is exceeded";
    NoProcessor = "E508", "no graphics processor can be used";
    CutoffTooLow = "E505", "the highest Fock state of a mode is occupied, so the cutoff changes the result";
    CannotRead = "E601", "a file cannot be read";
    CannotWrite = "E602", "a file cannot be written";
    NotAnExperiment = "E603", "a YAML file that is not an experiment";
    PulseProgram = "E701", "an error in a pulse program";
    Undefined = "E702", "a label, phase, list or parameter that the pulse program does not define";
    Unused = "W201", "declared but never used";
    Shadowed = "W202", "a reserved word that is also a declared name";
    EmptyLoop = "W401", "a loop with zero passes";
    NoEffect = "W402", "a statement without effect";
    PhaseRounded = "W403", "a phase is not a multiple of the phase step";
    Rounded = "W404", "a number is rounded to the resolution of the spectrometer";
    Vanishes = "W405", "a battery or a polarisation is zero";
    SecondOrder = "W406", "a neglected second-order term is observable";
    ExportedOtherwise = "W407", "the exported experiment differs from the emulated one";
    Imperfect = "W408", "the pulses found do not reach the fidelity asked for";
    UnknownConstruct = "W701", "a line of a pulse program is not converted";
    AssumedValue = "W702", "a value is assumed because neither the pulse program nor its data set gives it";
}

impl Code {
    /// Number: `E101`.
    pub fn number(self) -> &'static str {
        CODES.iter().find(|(c, _, _)| *c == self).map_or("E000", |(_, n, _)| n)
    }

    /// Short description of the code.
    pub fn title(self) -> &'static str {
        CODES.iter().find(|(c, _, _)| *c == self).map_or("", |(_, _, t)| t)
    }

    /// Severity: codes starting with W are warnings.
    pub fn severity(self) -> Severity {
        if self.number().starts_with('W') { Severity::Warning } else { Severity::Error }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.number())
    }
}

/// A diagnostic: what is wrong, where, and how to fix it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// Code.
    pub code: Code,
    /// Message, one sentence.
    pub message: String,
    /// Position; `None` if it does not refer to a text.
    pub span: Option<Span>,
    /// Label of the underlined text.
    pub label: String,
    /// Related positions with labels.
    pub related: Vec<(Span, String)>,
    /// Hints.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// A diagnostic at a position.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            message: message.into(),
            span: Some(span),
            label: String::new(),
            related: vec![],
            help: vec![],
        }
    }

    /// A diagnostic without a position in a text.
    pub fn without_place(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic { code, message: message.into(), span: None, label: String::new(), related: vec![], help: vec![] }
    }

    /// Sets the label of the underlined text.
    pub fn label(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = label.into();
        self
    }

    /// Adds a related position.
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Diagnostic {
        self.related.push((span, label.into()));
        self
    }

    /// Adds a hint.
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help.push(help.into());
        self
    }

    /// Adds a hint if there is one.
    pub fn hint(self, help: Option<String>) -> Diagnostic {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }

    /// Adds a hint if a condition holds.
    pub fn help_if(self, condition: bool, help: &str) -> Diagnostic {
        if condition { self.help(help) } else { self }
    }

    /// Adds a `did you mean` hint if one of the candidates is similar.
    pub fn did_you_mean<'a>(self, word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Diagnostic {
        match nearest(word, candidates) {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None => self,
        }
    }

    /// Severity: error or warning.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// True for errors.
    pub fn is_error(&self) -> bool {
        self.severity() == Severity::Error
    }

    /// Renders the diagnostic: message, position, underlined text, hints. `styled` adds colour.
    pub fn render(&self, sources: &Sources, styled: bool) -> String {
        let level = match self.severity() {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let shown = |text: &String| visible(&shortened(text, LONGEST_MESSAGE)).replace('\t', " ");
        let (message, help) = (shown(&self.message), self.help.iter().map(shown).collect::<Vec<_>>());
        let labels: Vec<String> =
            std::iter::once(&self.label).chain(self.related.iter().map(|(_, l)| l)).map(shown).collect();
        let mut group = Group::with_title(level.primary_title(&message).id(self.code.number()));
        let places: Vec<(Span, &str, AnnotationKind)> = self
            .span
            .iter()
            .map(|&s| (s, AnnotationKind::Primary))
            .chain(self.related.iter().map(|(s, _)| (*s, AnnotationKind::Context)))
            .zip(labels.iter().skip(usize::from(self.span.is_none())))
            .map(|((span, kind), label)| (span, label.as_str(), kind))
            .collect();
        let mut files: Vec<u32> = Vec::new();
        for (span, _, _) in &places {
            if !files.contains(&span.file) {
                files.push(span.file);
            }
        }
        let mut excerpts: Vec<Excerpt> = Vec::new();
        for source in files.into_iter().filter_map(|file| Some((file, sources.get(file)?))) {
            let (file, source) = source;
            excerpts.extend(Excerpt::of(source, &places.iter().filter(|(s, _, _)| s.file == file).collect::<Vec<_>>()));
        }
        for excerpt in &excerpts {
            if let Some(column) = excerpt.cut_at {
                let origin = Origin::path(excerpt.name.as_ref()).line(excerpt.line).char_column(column);
                group = group.element(origin).element(excerpt.snippet());
            } else {
                group = group.element(excerpt.snippet().path(excerpt.name.as_ref()));
            }
        }
        for help in &help {
            group = group.element(Level::HELP.message(help));
        }
        let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
        let mut text = renderer.render(&[group]);
        text.push('\n');
        text
    }
}

/// The diagnostic on one line, without its position: `error[E404]: the run does not fit; give it more memory`.
/// [`Diagnostic::render`] adds it.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = if self.is_error() { "error" } else { "warning" };
        write!(f, "{severity}[{}]: {}", self.code, self.message)?;
        self.help.iter().try_for_each(|help| write!(f, "; {help}"))
    }
}

impl std::error::Error for Diagnostic {}

/// An underlined range of an excerpt: its bytes, its label, and its kind.
type Mark<'a> = (std::ops::Range<usize>, &'a str, AnnotationKind);

/// The lines of a file that hold some places. Only these are handed to the renderer: it would otherwise scan a whole file of 100 000
/// lines for each message.
struct Excerpt<'a> {
    name: Cow<'a, str>,
    /// The number of its first line.
    line: usize,
    /// The column of the place, where only a part of a long line is shown.
    cut_at: Option<usize>,
    text: Cow<'a, str>,
    marks: Vec<Mark<'a>>,
}

impl<'a> Excerpt<'a> {
    /// One excerpt with all places, or one for each place if the text between them is long.
    fn of(source: &'a Source, places: &[&(Span, &'a str, AnnotationKind)]) -> Vec<Excerpt<'a>> {
        let whole = Excerpt::with(source, places);
        match whole.text.len() <= LONGEST_EXCERPT {
            true => vec![whole],
            false => places.iter().map(|place| Excerpt::beside(source, place)).collect(),
        }
    }

    /// The whole lines of some places.
    fn with(source: &'a Source, places: &[&(Span, &'a str, AnnotationKind)]) -> Excerpt<'a> {
        let text = source.text.as_str();
        let first = places.iter().map(|(s, _, _)| boundary(text, s.start)).min().unwrap_or(0);
        let last = places.iter().map(|(s, _, _)| boundary(text, s.end)).max().unwrap_or(0).max(first);
        let (before, after) = (text.split_at(first).0, text.split_at(last).1);
        let from = before.rfind('\n').map_or(0, |p| p + 1);
        let to = after.find('\n').map_or(text.len(), |p| last + p);
        let mark = |(span, label, kind): &&(Span, &'a str, AnnotationKind)| {
            let start = boundary(text, span.start) - from;
            (start..(boundary(text, span.end) - from).max(start), *label, *kind)
        };
        Excerpt {
            name: visible(&source.name),
            line: before.matches('\n').count() + 1,
            cut_at: None,
            text: visible(text.get(from..to).unwrap_or(text)),
            marks: places.iter().map(mark).collect(),
        }
    }

    /// The surroundings of one place, within its first line.
    fn beside(source: &'a Source, (span, label, kind): &(Span, &'a str, AnnotationKind)) -> Excerpt<'a> {
        const BEFORE: u32 = 80;
        const BEHIND: u32 = 160;
        let text = source.text.as_str();
        let start = boundary(text, span.start);
        let (before, after) = text.split_at(start);
        let begin = before.rfind('\n').map_or(0, |p| p + 1);
        let end = after.find('\n').map_or(text.len(), |p| start + p);
        let from = boundary(text, span.start.saturating_sub(BEFORE)).max(begin);
        let to = boundary(text, span.start.saturating_add(BEHIND)).min(end).max(start);
        let marked = boundary(text, span.end).clamp(start, to);
        Excerpt {
            name: visible(&source.name),
            line: before.matches('\n').count() + 1,
            cut_at: Some(text.get(begin..start).map_or(0, |t| t.chars().count()) + 1),
            text: visible(text.get(from..to).unwrap_or_default()),
            marks: vec![(start - from..marked - from, *label, *kind)],
        }
    }

    fn snippet(&'a self) -> Snippet<'a, Annotation<'a>> {
        let mut snippet = Snippet::source(self.text.as_ref()).line_start(self.line).fold(true);
        for (range, label, kind) in &self.marks {
            let annotation = kind.span(range.clone());
            snippet = snippet.annotation(if label.is_empty() { annotation } else { annotation.label(*label) });
        }
        snippet
    }
}

/// The byte of a place, at the beginning of a character and within the text.
fn boundary(text: &str, at: u32) -> usize {
    let mut at = (at as usize).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The candidate most similar to the word, by edit distance; `None` if none is similar enough.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > 64 {
        return None;
    }
    // More candidates are not compared: every unknown name of a long program would be with every known one.
    const MOST: usize = 2000;
    let length = word.chars().count();
    let allowed = (length / 3).max(1);
    candidates
        .into_iter()
        .filter(|c| c.len() <= 64 && *c != word)
        // Names of one letter differ by one letter, whatever they are.
        .filter(|c| length > 1 || c.to_lowercase() == word.to_lowercase())
        .take(MOST)
        .map(|c| (edits(&word.to_lowercase(), &c.to_lowercase()), c))
        .filter(|(d, _)| *d <= allowed)
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

/// Optimal string alignment distance: insertions, deletions, substitutions and transpositions of neighbours.
#[expect(
    clippy::indexing_slicing,
    reason = "the table has one row more than `a` and one column more than `b` has characters"
)]
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // The first row and column are the distances from the empty string.
    let mut rows: Vec<Vec<usize>> = (0..=a.len()).map(|i| (i..=i + b.len()).collect()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique() {
        for (k, (_, number, _)) in CODES.iter().enumerate() {
            assert!(CODES[..k].iter().all(|(_, n, _)| n != number), "{number}");
        }
    }

    #[test]
    fn near_names_are_found() {
        assert_eq!(nearest("dge", ["rad", "deg"]), Some("deg"));
        assert_eq!(nearest("squence", ["system", "sequence"]), Some("sequence"));
        assert_eq!(nearest("zzz", ["system", "sequence"]), None);
    }
}
