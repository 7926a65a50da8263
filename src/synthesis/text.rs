//! What is said of a synthesis, and the wanted operator as an expression of the language.

use super::bilinear::component;
use super::problem::Problem;
use super::said;
use super::solve::Synthesis;
use crate::linalg::Matrix;
use std::f64::consts::TAU;

/// Lines about a synthesis: method, fidelities, times, pulses, robustness, and what holds of the block.
pub fn lines(problem: &Problem, s: &Synthesis) -> Vec<String> {
    let kind = if problem.ideal { "ideal pulses" } else { "pulses of finite length, as written" };
    let mut out = vec![format!("method: {}", s.method)];
    out.push(format!("1 - F, F = |Tr[exp(i H T) U]|^2/d^2: {} with {kind}", said::infidelity(s.fidelity)));
    if let Some(mean) = s.mean {
        out.push(format!(
            "mean 1 - F over the ensemble of {} members, which the pulses were chosen for: {}",
            problem.ensemble.len(),
            said::infidelity(mean)
        ));
    }
    if let (Some(perfect), false) = (s.found.perfect, problem.ideal) {
        out.push(format!("1 - F of the sequence of ideal pulses that it comes from: {}", said::infidelity(perfect)));
    }
    if !s.reached {
        out.push(format!("this is the best found; 1 - F = {:e} was asked for", problem.infidelity));
    }
    let cycles = s.found.cycles.filter(|n| *n > 1).map_or(String::new(), |n| format!(", {n} cycles"));
    out.push(format!(
        "duration {}, of which {} of free evolution; {} {}{cycles}",
        said::time(s.duration),
        said::time(s.free),
        s.pulses,
        if s.pulses == 1 { "pulse" } else { "pulses" }
    ));
    if s.found.least.0 > 0.0 {
        out.push(format!("at least {} of free evolution: {}", said::time(s.found.least.0), s.found.least.1));
    }
    let [one, three, offset] = s.robustness.map(said::infidelity);
    out.push(format!("1 - F with an rf error of 1 %: {one}; of 3 %: {three}"));
    out.push(format!("1 - F with an offset of {} Hz of all spins: {offset}", said::number(problem.offset / TAU)));
    out.extend(s.found.notes.iter().cloned());
    out
}

/// A Hermitian matrix of spins 1/2 as a sum of products of X, Y and Z, without the identity.
pub fn operator(m: &Matrix, names: &[String]) -> String {
    const AXES: [char; 3] = ['X', 'Y', 'Z'];
    let n = names.len();
    let mut products: Vec<Vec<(usize, usize)>> = vec![vec![]];
    for spin in 0..n {
        let with = |p: &Vec<(usize, usize)>| -> Vec<Vec<(usize, usize)>> {
            (0..3).map(|a| p.iter().copied().chain([(spin, a)]).collect()).collect()
        };
        let more: Vec<_> = products.iter().flat_map(with).collect();
        products.extend(more);
        // Products of many spins are only needed where the Hamiltonian has them.
        if n > 4 {
            products.retain(|p| p.len() <= 2);
        }
    }
    products.sort_by_key(|p| (p.len(), p.clone()));
    let size = m.norm() / (m.nrows() as f64).sqrt();
    let mut out = String::new();
    for product in products.iter().filter(|p| !p.is_empty()) {
        let c = component(m, n, product).re;
        if c.abs() <= 1e-14 * size {
            continue;
        }
        let sign = match (out.is_empty(), c < 0.0) {
            (true, true) => "-",
            (true, false) => "",
            (false, true) => " - ",
            (false, false) => " + ",
        };
        let name: Vec<String> = product.iter().map(|(s, a)| format!("{}({})", AXES[*a], names[*s])).collect();
        out += &format!("{sign}{}*{}", c.abs(), name.join("*"));
    }
    if out.is_empty() { format!("0*Z({})", names.first().map_or("", String::as_str)) } else { out }
}
