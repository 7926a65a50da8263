//! Schedule to results: the state goes through every step, and metrics are evaluated at marks and on recorded traces.

mod adiabaticity;
mod cancel;
mod convergence;
mod counted;
mod course;
mod estimate;
mod extremum;
mod first_maximum;
mod generator;
mod gradient;
mod kept;
mod levels;
mod lines;
mod meeting;
mod member_average;
mod members;
mod mesh;
mod motion;
mod panel;
mod plan;
mod points;
mod projection;
mod propagate;
mod propagator;
mod question;
mod readout;
mod receive;
mod rehearse;
mod rounding;
mod sectors;
mod signal;
pub mod step;
mod trace;
mod truncation;
pub mod typical;

pub use counted::{Cells as CountedCells, cells_of};
pub use estimate::{Estimate, bytes_text, estimate};
pub use generator::Generator;
pub use gradient::Landscape;
pub use motion::GeneratorAt;
pub use plan::plan;
pub use points::{Point, SweepAxis, axes, point, points};
pub use question::{Question, quantity_of, unit_of};
pub use readout::{Readings, plan_for};
pub use rehearse::{Block, Rehearsal, longest_t1, rehearse};
pub use typical::Typical;

use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Evaluator, Fault, Prepared, Schedule, Shared, Step, Tomography, Values, members};
use crate::ir::{Experiment, key_of};
use crate::metrics::{Cells, Moment, Motion, Scene};
use crate::spin::{Space, State};
use crate::syntax::Expr;
use member_average::MemberAverages;
use members::{evaluator, prepared_state, schedules};
use propagate::Found;
use question::{Aggregate, Refusal, aggregates};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Which method moves states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// The one that fits each segment.
    #[default]
    Auto,
    /// The independent Runge-Kutta method of order 8.
    Dop853,
    /// The slow, obvious method.
    Plain,
}

/// The words of [`Method`].
pub const METHODS: &[(&str, Method, &str)] = &[
    ("auto", Method::Auto, "exact for constant generators, else commutator-free; `dop853` with relaxation"),
    ("dop853", Method::Dop853, "an independent Runge-Kutta method of order 8"),
    ("plain", Method::Plain, "many small steps of order 4: slow and obvious"),
];

/// How to run.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Which method moves states.
    pub method: Method,
    /// The tolerance of adaptive methods, on the state.
    pub tolerance: f64,
    /// Bytes that a single point may need.
    pub max_memory: f64,
    /// Measured amplitudes, which a tomography takes instead of emulated ones.
    pub measured: Option<Measured>,
    /// The name of the spectrometer whose steps and limits hold; as written when there is none.
    pub spectrometer: Option<String>,
    /// Random vectors in the place of a density matrix.
    pub typical: Option<Typical>,
    /// Up to which dimension of the whole space density matrices are kept at the marks; 0 keeps none.
    pub states: usize,
}

/// Measured amplitudes of a tomography.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The table; empty where decays are given.
    pub table: Vec<crate::tomography::Amplitude>,
    /// Free induction decays, to which amplitudes are fitted.
    pub decays: Vec<crate::tomography::decay::Decay>,
    /// The strongest line of the thermal state after 90 degrees, in the units of the table; `None` where these are absolute.
    pub reference: Option<f64>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            method: Method::Auto,
            tolerance: 1e-7,
            max_memory: 4e9,
            measured: None,
            spectrometer: None,
            typical: None,
            states: 0,
        }
    }
}

/// A recorded curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// Its name.
    pub name: String,
    /// The time since `prepare` at which it begins.
    pub start: f64,
    /// Times since its statement began.
    pub time: Vec<f64>,
    /// By key, in the order of `measure`; `None` where a metric is not defined.
    pub values: Vec<(String, Vec<Option<f64>>)>,
}

/// Metrics at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Its name.
    pub name: String,
    /// The time since `prepare`.
    pub time: f64,
    /// By key, in the order of `measure`.
    pub values: Vec<(String, Option<f64>)>,
    /// The state on the whole space, where [`Options::states`] asks for it.
    pub state: Option<crate::linalg::Matrix>,
}

/// The results of one point.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Run {
    /// Every parameter with its value.
    pub params: Vec<(String, f64)>,
    /// Named scalars.
    pub summary: Vec<(String, Option<f64>)>,
    /// Marks in order; the last is `end`.
    pub marks: Vec<Mark>,
    /// Traces in order.
    pub traces: Vec<Trace>,
    /// What tomographies found.
    pub tomographies: Vec<Readings>,
    /// Answers to questions beyond `measure`: those of `expect`.
    pub extra: BTreeMap<String, Option<f64>>,
    /// Reasons why a metric has no value somewhere.
    pub notes: Vec<String>,
    /// How it was computed.
    pub how: How,
}

/// How a point was computed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct How {
    /// The dimension of the product space.
    pub whole: f64,
    /// The dimension of the part that the state can reach.
    pub dimension: f64,
    /// Whether the state was a vector.
    pub pure: bool,
    /// How many random vectors stood for the state; 0 where none did.
    pub random_vectors: usize,
    /// How many members the ensemble has, scans of phase cycles included.
    pub members: usize,
    /// The methods that were used.
    pub methods: Vec<&'static str>,
    /// The tolerance of adaptive methods.
    pub tolerance: f64,
    /// The time from `prepare` to the end.
    pub duration: f64,
    /// Modes whose cutoff can change the result, with the largest population that their highest Fock state has had.
    pub truncation: Vec<(String, f64)>,
}

impl How {
    /// What stood for the state, in words.
    pub fn state(&self) -> &'static str {
        match (self.random_vectors, self.pure) {
            (0, true) => "state vector",
            (0, false) => "density matrix",
            _ => "random vectors",
        }
    }
}

/// What is asked of states.
#[derive(Default)]
pub(crate) struct Asked {
    /// At marks and along curves.
    pub questions: Vec<Question>,
    /// Of curves as a whole.
    pub aggregates: Vec<Aggregate>,
}

impl Asked {
    /// Whether it is the same at every point of the parameters.
    fn is_fixed(&self) -> bool {
        self.questions.iter().chain(self.aggregates.iter().map(|a| &a.curve)).all(Question::is_fixed)
    }
}

/// Everything that evaluations share at one point.
pub(crate) struct Lab {
    pub scene: Scene,
    pub asked: Arc<Asked>,
    /// What is wanted of every member by itself.
    pub member_averages: MemberAverages,
    /// The readout of the system as declared, where there is one.
    pub tomography: Option<Tomography>,
    edges: Vec<truncation::Edge>,
    scans: usize, // of a phase cycle, side by side
    notes: RefCell<Vec<String>>,
    /// The part of the run in which a single member has moved by unitaries alone; `None` where several do, or something else acts.
    unitary_part: Cell<Option<u64>>,
}

impl Lab {
    /// One of which nothing is asked.
    pub(crate) fn unasked(scene: Scene) -> Lab {
        Lab {
            scene,
            asked: Arc::default(),
            member_averages: MemberAverages::default(),
            tomography: None,
            edges: vec![],
            scans: 1,
            notes: RefCell::default(),
            unitary_part: Cell::default(),
        }
    }

    /// The state at a moment; its time is `None` where members of an ensemble reach it at different ones.
    pub(crate) fn moment<'a>(
        &'a self,
        state: &'a State,
        motion: Option<&'a dyn Motion>,
        time: Option<f64>,
    ) -> Moment<'a> {
        Moment::new(&self.scene, state, motion, time).in_unitary_part(self.unitary_part.get())
    }

    /// Looks at a state that was reached: whether a mode's cutoff is felt.
    pub(crate) fn watch(&self, state: &State) {
        self.edges.iter().for_each(|e| e.watch(state));
    }

    /// The space in which states live.
    pub(crate) fn space(&self) -> &Space {
        &self.scene.space
    }

    /// Whether nothing is asked of states, but signals.
    pub(crate) fn only_hears(&self, options: &Options) -> bool {
        self.asked.questions.is_empty()
            && self.asked.aggregates.is_empty()
            && self.edges.is_empty()
            && self.member_averages.is_empty()
            && options.states == 0
    }

    /// Notes, once, why a metric has no value.
    pub(crate) fn undefined(&self, key: &str, why: &str) {
        self.note(format!("`{key}` has no value somewhere: {why}"));
    }

    /// Notes something once.
    pub(crate) fn note(&self, note: String) {
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
}

/// Runs an experiment at one point. `extra` are expressions of metrics that are wanted besides `measure`: each with the mark
/// at which it is wanted, or none for what concerns the whole run.
///
/// # Errors
/// When the schedule cannot be built, the run does not fit, a method fails, or a result is not finite.
pub fn run(
    experiment: &Experiment,
    given: &Values,
    options: &Options,
    extra: &[(Expr, Option<String>)],
) -> Result<Run, Fault> {
    Emulator::new(experiment).run(given, options, extra)
}

/// An experiment that is run at many points: what does not depend on the parameters is worked out once, for all threads.
pub struct Emulator<'a> {
    shared: Arc<Shared<'a>>,
    /// What is asked, where that is the same at every point.
    asked: OnceLock<Arc<Asked>>,
}

impl<'a> Emulator<'a> {
    /// That of an experiment.
    pub fn new(experiment: &'a Experiment) -> Emulator<'a> {
        Emulator { shared: Arc::new(Shared::of(experiment)), asked: OnceLock::new() }
    }

    /// A run at one point, as [`run`].
    ///
    /// # Errors
    /// As [`run`].
    pub fn run(&self, given: &Values, options: &Options, extra: &[(Expr, Option<String>)]) -> Result<Run, Fault> {
        match &options.typical {
            Some(typical) => typical::run(self.shared.experiment, given, options, typical, extra),
            None => {
                let e = Evaluator::at(&self.shared, given)?;
                run_at(&e, given, options, extra, &|| self.asked(&e, extra))
            }
        }
    }
}

impl Emulator<'_> {
    fn asked(&self, e: &Evaluator, extra: &[(Expr, Option<String>)]) -> Result<Arc<Asked>, Fault> {
        if let (Some(known), []) = (self.asked.get(), extra) {
            return Ok(known.clone());
        }
        let asked = Arc::new(asked(e, extra)?);
        if extra.is_empty() && asked.is_fixed() {
            // Another thread may have been first; it has found the same.
            let _ = self.asked.set(asked.clone());
        }
        Ok(asked)
    }
}

fn run_at(
    e: &Evaluator,
    given: &Values,
    options: &Options,
    extra: &[(Expr, Option<String>)],
    asked: &dyn Fn() -> Result<Arc<Asked>, Fault>,
) -> Result<Run, Fault> {
    let experiment = e.experiment;
    let members = members(e)?;
    let (group, rest) = members.split_at(members.len().min(receive::GROUP));
    let mut schedules = schedules(e, given, options, group)?;
    let single = members.len() == 1;
    let nobody = || Diagnostic::without_place(Code::EmptySweep, "the ensemble has no members");
    let (schedule, prepared) = schedules.first().ok_or_else(nobody)?;
    // Members may be moved by different operators, so their common space is the whole.
    let space = match single && !schedule.is_read_out() {
        true => sectors::space(schedule, prepared, options.max_memory)?,
        false => sectors::whole(schedule, options.max_memory)?,
    };
    let pure = single && !schedule.is_read_out() && prepared.is_pure() && schedule.is_unitary();
    let size = estimate::check(schedule, &space, pure, options.max_memory)?;
    let declared = members::declared(e, &members)?;
    let mut lab = open_lab(e, declared.as_ref().unwrap_or(schedule), space, prepared, asked()?)?;
    let expressions = experiment.measures.iter().map(|m| &m.value).chain(extra.iter().map(|(x, _)| x));
    let wanted = member_average::wanted(expressions.chain(experiment.theories.iter().map(|t| &t.metric)));
    // Where nothing but signals is asked, the other members follow group by group.
    let followed = wanted.is_empty() && receive::signal_only(&lab, schedule, options);
    let (side_by_side, followers) = if followed { (group, rest) } else { (members.as_slice(), [].as_slice()) };
    let states = side_by_side.len() as f64 * 16.0 * (lab.space().len() as f64).powi(2);
    if !single && states > options.max_memory {
        let needed = format!("for each of {} members about {} in all", side_by_side.len(), bytes_text(states));
        return Err(estimate::too_large(schedule, false, "", &needed, options.max_memory));
    }
    if !followed {
        schedules.extend(members::schedules(e, given, options, rest)?);
    }
    let declared = declared.as_ref().unwrap_or(&schedules.first().ok_or_else(nobody)?.0);
    lab.scene.initial = members::mean_prepared(side_by_side, &schedules, lab.space());
    let own = |m: &_| evaluator(experiment, given, options, m);
    lab.member_averages = MemberAverages::new(&wanted, side_by_side, &schedules, lab.space(), own)?;
    lab.scans = cancel::scans(&members, side_by_side.len());
    let weights: Vec<f64> = side_by_side.iter().map(|m| m.weight).collect();
    let begin: Vec<State> = schedules.iter().map(|(s, p)| prepared_state(s, p, lab.space())).collect();
    if declared.battery.is_some() && experiment.ensemble.iter().any(|d| d.quantity == "orientation") {
        lab.note(
            "energies refer to the crystal as declared; `member_mean(energy)` is that of each crystallite of the powder \
             in its own Hamiltonian"
                .into(),
        );
    }
    let longest = schedules.iter().map(|(s, _)| s.duration()).fold(0.0, f64::max);
    revivals(e, longest, &lab)?;
    rounding::phases(declared, options, &lab)?;
    let steps: Vec<&[Step]> = schedules.iter().map(|(s, _)| s.steps.as_slice()).collect();
    let mut propagation = propagate::Propagation::new(&lab, options, weights);
    let end = propagation.through(&steps, begin)?;
    propagation.mark("end", &end)?;
    let truncation = lab.edges.iter().map(|edge| edge.found(e)).collect::<Result<Vec<_>, Fault>>()?;
    let mut run = Run {
        params: experiment.params.iter().filter_map(|p| Some((p.name.clone(), *e.values.get(&p.name)?))).collect(),
        how: How {
            whole: declared.basis.size(),
            dimension: size.dimension,
            pure: matches!(end.as_slice(), [State::Pure(_)]),
            random_vectors: 0,
            members: members.len(),
            methods: propagation.methods.clone(),
            tolerance: options.tolerance,
            duration: declared.duration(),
            truncation,
        },
        ..Run::default()
    };
    let found = propagation.aggregates.clone();
    let Found { marks, traces, mut decays, readings } = propagation.finish();
    receive::receive(&mut decays, &e.outline(), followers, lab.space(), given, options)?;
    let signals = decays.into_iter().enumerate().map(|(k, d)| d.trace(k));
    run.tomographies = readings;
    summarise(e, experiment, &lab, &found, &mut run)?;
    answer_extra(e, extra, &found, &run.summary.clone(), &marks, &mut run)?;
    run.marks = measured_only(marks, experiment);
    run.traces = traces.into_iter().map(|t| only_measured(t, experiment)).chain(signals).collect();
    run.notes.extend(lab.notes.into_inner());
    Ok(run)
}

/// Notes where a finite number of offsets makes an echo that is none.
fn revivals(e: &Evaluator, duration: f64, lab: &Lab) -> Result<(), Fault> {
    const VISIBLE: f64 = 0.01;
    for d in &e.experiment.ensemble {
        let wrong = crate::hamiltonian::revival(e, d, duration)?;
        if wrong > VISIBLE {
            lab.note(format!(
                "the spread of offsets has too few points for the whole sequence: a coherence of its length is wrong by up to \
                 {wrong:.2} of its size; give more `points`"
            ));
        }
    }
    Ok(())
}

/// What an experiment asks, and what is asked besides.
fn asked(e: &Evaluator, extra: &[(Expr, Option<String>)]) -> Result<Asked, Fault> {
    let mut questions = Vec::new();
    let mut wanted = Vec::new();
    for measure in &e.experiment.measures {
        wanted.extend(aggregates(e, &measure.value)?);
        // Signals are had by `acquire`, not at moments.
        if !measure.summary && !is_signal(&measure.value) {
            questions.push(Question::new(e, measure.key.clone(), &measure.value)?);
        }
    }
    let named = |expr: &Expr| e.experiment.measures.iter().any(|m| m.key == key_of(expr));
    for (expr, _) in extra {
        wanted.extend(aggregates(e, expr)?);
        if !named(expr) && !is_signal(expr) && !is_summary(expr, e) && !questions.iter().any(|q| q.key == key_of(expr))
        {
            questions.push(Question::new(e, key_of(expr), expr)?);
        }
    }
    wanted.sort_by(|a, b| a.key.cmp(&b.key));
    wanted.dedup_by(|a, b| a.key == b.key);
    Ok(Asked { questions, aggregates: wanted })
}

/// Battery, prepared state and questions of the system as declared.
fn open_lab(
    e: &Evaluator,
    declared: &Schedule,
    space: Space,
    prepared: &Prepared,
    asked: Arc<Asked>,
) -> Result<Lab, Fault> {
    let initial = prepared.state(&space);
    let cells = cells(e, declared, &space)?;
    let edges = truncation::edges(e, &space)?;
    let tomography = declared.tomography().cloned();
    let scene = Scene::new(space, cells, initial).with_averages(prepared.averaged());
    Ok(Lab { asked, tomography, edges, ..Lab::unasked(scene) })
}

/// The battery of a schedule, with the levels of its collectives.
fn cells(e: &Evaluator, schedule: &Schedule, space: &Space) -> Result<Option<Cells>, Fault> {
    let Some(battery) = &schedule.battery else { return Ok(None) };
    let levels = levels::levels(e, &battery.sites)?;
    let cells = Cells::new(space, battery.sites.clone(), &battery.hamiltonian, levels);
    cells.map(Some).ok_or_else(|| {
        Diagnostic::new(
            Code::WrongOperator,
            battery.place.0.unwrap_or_default(),
            "the battery's energy acts on subsystems that are not among its cells",
        )
        .help("take more cells, or an energy of these cells alone")
        .into()
    })
}

fn is_signal(expr: &Expr) -> bool {
    matches!(&expr.kind, crate::syntax::ExprKind::Call(name, _) if name.starts_with("signal"))
}

/// Whether an expression is made of aggregates, named results and numbers only.
fn is_summary(expr: &Expr, e: &Evaluator) -> bool {
    if crate::ir::is_aggregate(expr) {
        return true;
    }
    match &expr.kind {
        crate::syntax::ExprKind::Name(name) | crate::syntax::ExprKind::Call(name, _)
            if crate::metrics::Metric::named(name).is_some() =>
        {
            e.experiment.measures.iter().any(|m| m.key == *name && m.summary)
        }
        _ => expr.children().into_iter().all(|c| is_summary(c, e)),
    }
}

fn summarise(
    e: &Evaluator,
    experiment: &Experiment,
    lab: &Lab,
    found: &BTreeMap<String, Option<f64>>,
    run: &mut Run,
) -> Result<(), Fault> {
    for measure in experiment.measures.iter().filter(|m| m.summary) {
        let question = Question::new(e, measure.key.clone(), &measure.value)?;
        let value = match question.answer(None, found) {
            Ok(x) => Some(x),
            Err(Refusal::Undefined(why)) => {
                lab.undefined(&measure.key, &why.to_string());
                None
            }
            Err(Refusal::NotFinite(x)) => return Err(trace::not_finite(&question, x, None)),
        };
        run.summary.push((measure.key.clone(), value));
    }
    Ok(())
}

fn answer_extra(
    e: &Evaluator,
    extra: &[(Expr, Option<String>)],
    found: &BTreeMap<String, Option<f64>>,
    summary: &[(String, Option<f64>)],
    marks: &[Mark],
    run: &mut Run,
) -> Result<(), Fault> {
    for (expr, mark) in extra {
        let key = key_of(expr);
        let at = mark.as_deref().unwrap_or("end");
        let in_summary = summary.iter().find(|(k, _)| *k == key).map(|(_, v)| *v);
        let at_mark =
            marks.iter().find(|m| m.name == at).and_then(|m| m.values.iter().find(|(k, _)| *k == key)).map(|(_, v)| *v);
        let value = match in_summary.or(at_mark) {
            Some(value) => value,
            // An expression of named results and aggregates.
            None => {
                let known: BTreeMap<&str, f64> =
                    summary.iter().filter_map(|(k, v)| v.map(|v| (k.as_str(), v))).collect();
                let replaced = expr.replace(&|name| known.get(name).map(|v| Expr::number(*v)));
                Question::new(e, key.clone(), &replaced)?.answer(None, found).ok()
            }
        };
        run.extra.insert(format!("{key}@{at}"), value);
    }
    Ok(())
}

fn measured_only(marks: Vec<Mark>, experiment: &Experiment) -> Vec<Mark> {
    let wanted = |key: &str| experiment.measures.iter().any(|m| m.key == key);
    marks
        .into_iter()
        .map(|mut m| {
            m.values.retain(|(k, _)| wanted(k));
            m
        })
        .collect()
}

fn only_measured(mut trace: Trace, experiment: &Experiment) -> Trace {
    // Curves that only `theory` asks for stay: `ergoseq test` compares them.
    let theory = |key: &str| experiment.theories.iter().any(|t| key_of(&t.metric) == key);
    trace.values.retain(|(k, _)| experiment.measures.iter().any(|m| m.key == *k) || theory(k));
    trace
}
