//! Expressions of the command line and of tables: values of parameters, and results with their marks.

use ergoseq::check::check_result;
use ergoseq::hamiltonian::{Evaluator, Fault, Values};
use ergoseq::ir::{Experiment, Measure, marked_metrics};
use ergoseq::source::Sources;
use ergoseq::syntax::{Expr, parse_expression, parse_result};

/// The value of a parameter, as `--set` takes it.
pub fn setting(name: &str, text: &str, experiment: &Experiment, sources: &mut Sources) -> Result<f64, Fault> {
    let bare = Experiment { units: experiment.units, ..Experiment::default() };
    let file = sources.add(format!("--vary {name}"), text);
    let expr = parse_expression(text, file)?;
    ergoseq::check::check_setting(&experiment.scope(), name, &expr)?;
    Evaluator::new(&bare, &Values::new())?.number(&expr)
}

/// `ergotropy at charged`
pub fn result(text: &str, experiment: &Experiment, sources: &mut Sources) -> Result<(Expr, Option<String>), Fault> {
    let file = sources.add("the result", text);
    let (expr, at) = parse_result(text, file)?;
    let expr = marked_metrics(&expr);
    check_result(experiment, &expr, at.as_deref())?;
    // A named result stands for what it was given as.
    let of_moments = |m: &&Measure| !m.summary && m.is_named();
    let named =
        |word: &str| experiment.measures.iter().filter(of_moments).find(|m| m.key == word).map(|m| m.value.clone());
    let expr = marked_metrics(&expr.replace(&named));
    Ok((expr, at))
}
