//! What a program may ask for: texts of a few lines whose meaning doubles or multiplies are refused by a count, before time or memory are
//! spent on them, and those just below a limit are not. No test measures time: what would not end is refused with a code.

use ergoseq::budget::{
    BUDGETS, EXPRESSION_PARTS, MEMBERS, OPERATOR_TERMS, PRODUCT_ELEMENTS, QUADRATURE_NODES, STATEMENTS, TURNS,
};
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::emulator::Options;
use ergoseq::hamiltonian::Values;
use std::fmt::Write;

const HEAD: &str = "ergoseq 1\nunits natural\nsystem { spin a, b : 1/2 }\nbattery { energy = Z(a) }\n";

/// The first mistake of a text, from its reading to its run.
fn refusal(text: &str) -> Option<Diagnostic> {
    let compiled = match ergoseq::compile("limits.seq", text, &mut ergoseq::no_files) {
        Ok(compiled) => compiled,
        Err(refused) => return refused.diagnostics.into_iter().find(Diagnostic::is_error),
    };
    if let Err(fault) = ergoseq::check_values(&compiled.experiment, &Values::new()) {
        return Some(*fault);
    }
    let axes = match ergoseq::emulator::axes(&compiled.experiment, &Values::new()) {
        Ok(axes) => axes,
        Err(fault) => return Some(*fault),
    };
    let first = ergoseq::emulator::points(&axes, &Values::new()).next().unwrap_or_default();
    ergoseq::run(&compiled.experiment, &first, &Options::default()).err().map(|fault| *fault)
}

#[track_caller]
fn over(text: &str, what: &str) {
    let found = refusal(text).unwrap_or_else(|| panic!("not refused: {}", &text[..text.len().min(300)]));
    assert_eq!(found.code, Code::OverBudget, "{found}");
    assert!(found.message.contains(what), "{found}");
}

#[track_caller]
fn fine(text: &str) {
    let found = refusal(text);
    assert!(found.is_none(), "{found:?}");
}

/// `n` declarations, each of which names the one before it.
fn chain(n: usize, line: impl Fn(usize) -> String) -> String {
    (1..=n).fold(String::new(), |mut text, k| {
        let _ = writeln!(text, "{}", line(k));
        text
    })
}

fn run(declarations: &str, sequence: &str) -> String {
    format!("{HEAD}{declarations}\nsequence {{\n    prepare ket \"00\"\n{sequence}\n}}\nmeasure {{ energy }}\n")
}

#[test]
fn subsequences_that_double_are_counted() {
    let calls = |n: usize| {
        let body = chain(n, |k| format!("define d{k}() {{\n    d{0}()\n    d{0}()\n}}", k - 1));
        run(&format!("define d0() {{ evolve X(a) for 0.1 }}\n{body}"), &format!("    d{n}()"))
    };
    over(&calls(60), STATEMENTS.what);
    over(&calls(18), STATEMENTS.what);
    fine(&calls(8));
    // Subsequences without statements double too.
    let empty = chain(60, |k| format!("define d{k}() {{\n    d{0}()\n    d{0}()\n}}", k - 1));
    over(&run(&format!("define d0() {{ }}\n{empty}"), "    d60()"), STATEMENTS.what);
}

/// A product of k band matrices of n states takes about `n k^2` multiplications, once for all statements with the same factors.
#[test]
fn products_of_large_matrices_are_counted() {
    let text = |states: usize, factors: usize, statements: usize| {
        let system = format!("ergoseq 1\nunits natural\nsystem {{ collective c : {states} * 1/2 }}\n");
        let product = vec!["Ix(c)"; factors].join("*");
        let evolve = format!("    evolve 1e-6*{product} for 1\n").repeat(statements);
        format!("{system}sequence {{\n    prepare down(c)\n{evolve}}}\nmeasure {{ n = order(Iz(c)) }}\n")
    };
    over(&text(50_000, 33, 1), PRODUCT_ELEMENTS.what);
    over(&text(1_000, 300, 1), PRODUCT_ELEMENTS.what);
    fine(&text(4_000, 2, 900));
    fine(&text(10, 12, 1));
}

#[test]
fn arguments_that_double_are_counted() {
    let nested = |n: usize| {
        let body = chain(n, |k| format!("define d{k}(u) {{ d{}(u + u) }}", k - 1));
        run(&format!("define d0(u) {{ evolve 1e-6*u*X(a) for 1 }}\n{body}"), &format!("    d{n}(1)"))
    };
    over(&nested(60), EXPRESSION_PARTS.what);
    fine(&nested(8));
    // So is a long body that is called often.
    let long = vec!["X(a)"; 10_000].join(" + ");
    over(&run(&format!("define d(u) {{ evolve {long} for u }}"), &"    d(1e-6)\n".repeat(5000)), EXPRESSION_PARTS.what);
}

#[test]
fn names_that_are_named_twice_are_expanded_once() {
    // 2^50 terms on paper, one in memory.
    let doubled = chain(50, |k| format!("hamiltonian h{k} = 0.5*h{0} + 0.5*h{0}", k - 1));
    fine(&run(&format!("hamiltonian h0 = X(a)\n{doubled}"), "    evolve h50 for 1"));
    let doubled = chain(50, |k| format!("param p{k} = 0.5*p{0} + 0.5*p{0}", k - 1));
    fine(&(run(&format!("param p0 = 1\n{doubled}"), "    evolve p50*X(a) for 1") + "sweep p0 = 0 .. 1 points 3\n"));
}

#[test]
fn results_that_double_are_counted() {
    let results = |n: usize| {
        let list = chain(n, |k| format!("m{k} = m{0} + m{0}", k - 1));
        format!("{HEAD}sequence {{ prepare ket \"00\" }}\nmeasure {{\nm0 = energy\n{list}}}\n")
    };
    over(&results(60), "nodes of expressions in `measure`");
    over(&results(16), "nodes of expressions in `measure`");
    fine(&results(8));
    let many = chain(5000, |k| format!("r{k} = energy + {k}"));
    over(&format!("{HEAD}sequence {{ prepare ket \"00\" }}\nmeasure {{\n{many}}}\n"), "results in `measure`");
}

#[test]
fn products_of_sums_are_counted_before_they_are_expanded() {
    let squared = chain(40, |k| format!("hamiltonian h{k} = h{0}*h{0}", k - 1));
    let first = "hamiltonian h0 = X(a) + Z(a) + Y(b)\n";
    over(&run(&format!("{first}{squared}"), "    evolve h40 for 1"), OPERATOR_TERMS.what);
    over(&run("", "    evolve (X(a) + Z(a) + Y(b))^64 for 1"), OPERATOR_TERMS.what);
    over(&run("", "    evolve product(k in 1..64, X(a) + Z(b)) for 1"), OPERATOR_TERMS.what);
    fine(&run("", "    evolve (X(a) + Z(a))^4 for 1"));
}

#[test]
fn nested_sums_are_counted() {
    let nested = (0..6).fold("1".to_string(), |inner, k| format!("sum(k{k} in 1..1000, {inner})"));
    over(&run(&format!("param x = {nested}"), "    evolve x*X(a) for 1"), TURNS.what);
    over(&run("param x = sum(k in 1..9000000, 1)", "    evolve x*X(a) for 1"), TURNS.what);
    fine(&run("param x = 1e-4*sum(i in 1..100, sum(j in 1..100, 1))", "    evolve x*X(a) for 1"));
    let pairs = |n: &str| {
        format!(
            "ergoseq 1\nunits natural\nsystem {{ spin s[2] : 1/2\nj s[1] s[2] = 1e-6 for k in 1..{n} }}\n\
             sequence {{\nprepare ket \"01\"\ndelay 1\n}}\n"
        )
    };
    over(&pairs("1000000"), "iterations of one `for`");
    fine(&pairs("100"));
}

#[test]
fn members_are_counted_before_they_are_made() {
    let spread = |shape: &str| {
        format!(
            "{HEAD}param x = 1\nensemble {{ param x : {shape} }}\nsequence {{\nprepare ket \"00\"\nevolve x*X(a) for 1\n}}\nmeasure {{ energy }}\n"
        )
    };
    over(&spread("gaussian(sd = 0.1) points 20000"), QUADRATURE_NODES.what);
    over(&spread("uniform(from = 0, to = 1) points 100000"), QUADRATURE_NODES.what);
    over(&spread("gaussian(sd = 0.1, seed = 1) points 10000000"), MEMBERS.what);
    over(&spread("lorentzian(fwhm = 0.1) points 10000000"), MEMBERS.what);
    fine(&spread("gaussian(sd = 0.1) points 300"));
    let powder = |grid: &str, spinning: &str| {
        format!(
            "ergoseq 1\nsystem {{\nfield 9.4 T\ntemperature 300 K\nspin c : 13C\ncsa c = 10 ppm\n{spinning}\n}}\n\
             battery {{ energy = zeeman }}\nensemble {{ orientation : {grid} }}\nsequence {{ prepare thermal }}\nmeasure {{ energy }}\n"
        )
    };
    for grid in [
        "gauss() points 100000",
        "spiral() points 10000000",
        "zcw() points 9227465",
        "gauss(azimuths = 1000000) points 2",
    ] {
        over(&powder(grid, ""), MEMBERS.what);
    }
    over(&powder("zcw(rotor = 10000000) points 55", "spinning 10 kHz"), MEMBERS.what);
    // Phase cycles of coprime lengths have as many scans as their product.
    let mut text = "ergoseq 1\nsystem {\nfield 9.4 T\ntemperature 300 K\nspin p : 1H\n}\n".to_string();
    for (k, length) in [997, 991, 983, 977].into_iter().enumerate() {
        let _ = writeln!(text, "cycle c{k} = {}", vec!["x"; length].join(", "));
    }
    text += "sequence {\nprepare thermal\n";
    (0..4).for_each(|k| text += &format!("pulse 1H 90 deg phase c{k} ideal\n"));
    over(&(text + "}\nmeasure { order(Iz(p)) }\n"), MEMBERS.what);
}

#[test]
fn samples_and_points_are_counted() {
    let recorded = |n: &str| run("", &format!("    evolve X(a) for 1 record {n} as c"));
    over(&recorded("10000000"), "samples of all traces");
    fine(&recorded("1001"));
    let swept = |n: &[&str]| {
        let names = ["x", "y", "z", "w"];
        let params: String = names.iter().map(|x| format!("param {x} = 1\n")).collect();
        let sweeps: String = names.iter().zip(n).map(|(x, n)| format!("sweep {x} = 0 .. 1 points {n}\n")).collect();
        run(&params, "    evolve x*y*z*w*X(a) for 1") + &sweeps
    };
    over(&swept(&["1000000", "1000000", "1000000"]), "points of all sweeps");
    over(&swept(&["65536", "65536", "65536", "65536"]), "points of all sweeps");
    over(&swept(&["1e18"]), "points of all sweeps");
    over(&swept(&["20000000"]), "values of one swept parameter");
    fine(&swept(&["100", "100"]));
}

/// Many mistakes, long names, long lines and open brackets end with few messages that quote little.
#[test]
fn messages_are_few_and_short() {
    let long = "y".repeat(200_000);
    let texts = [
        run("", &chain(5000, |k| format!("    evolve Q{k}(a) for 1"))),
        run("", &format!("    evolve {long}*X(a) for 1")),
        run("", &format!("    evolve {} for 1", "(".repeat(100_000))),
        format!("{HEAD}{}", "sequence {\n".repeat(20_000)),
        format!("{HEAD}{}", "@ $ %\n".repeat(20_000)),
        format!("{HEAD}{}", "title \"x\n".repeat(20_000)),
        format!("{HEAD}{}", "param x = 1\n".repeat(5000)),
        format!("{HEAD}{}", "{".repeat(100_000)),
    ];
    for text in texts {
        let refused = ergoseq::compile("long.seq", &text, &mut ergoseq::no_files).expect_err("it is wrong");
        let shown: Vec<String> =
            refused.diagnostics.iter().take(10).map(|d| d.render(&refused.sources, false)).collect();
        assert!(refused.diagnostics.len() <= 25_000, "{}", refused.diagnostics.len());
        for message in &shown {
            assert!(message.len() < 12_000, "{} bytes: {}", message.len(), &message[..1000]);
        }
    }
}

#[test]
fn limits_say_what_to_do() {
    for budget in BUDGETS {
        assert!(budget.most > 0 && !budget.what.is_empty() && !budget.help.is_empty(), "{budget:?}");
        assert!(budget.allows(budget.most) && !budget.allows(budget.most + 1));
        let message = budget.exceeded(None).to_string();
        assert!(message.contains(&budget.most.to_string()) && message.contains(budget.help), "{message}");
    }
}

/// What would never end, or would fill the memory, is refused: a field on a pair that is followed over too many periods.
#[test]
fn steps_of_time_dependent_fields_have_a_limit() {
    let text = |size: &str| run("", &format!("    evolve {size}*(1 + t)*(Z(a) + Z(b)) + X(a)*X(b) for 1"));
    let found = refusal(&text("3e9")).expect("refused");
    assert_eq!(found.code, Code::NotConverged, "{found}");
    fine(&text("10"));
}

/// What would never end, or would fill the memory, is refused: Chebyshev series of a state vector of 13 spins, and of a density matrix of
/// five spins with a collapse operator that connects all coherences.
#[test]
fn chebyshev_series_have_a_limit() {
    let text = |spins: usize, noise: &str, size: &str| {
        let zeros = "0".repeat(spins);
        let with = if noise.is_empty() { "" } else { " with losses" };
        format!(
            "ergoseq 1\nunits natural\nsystem {{ spin s[{spins}] : 1/2 }}\n{noise}\nhamiltonian H = sum(i in 1..{}, X(s[i])*X(s[i+1]) + Z(s[i])) + \
             0.3*Y(s[1])\nbattery {{ energy = H }}\nsequence {{\n    prepare ket \"{zeros}\"\n    evolve {size}*H for 1{with}\n}}\n\
             measure {{ energy }}\n",
            spins - 1
        )
    };
    let losses = "noise losses { collapse 0.1*(X(s[1]) + X(s[2])*Z(s[3]) + Y(s[4])*X(s[5])) }";
    for (spins, noise) in [(13, ""), (5, losses)] {
        let found = refusal(&text(spins, noise, "1e9")).expect("refused");
        assert_eq!(found.code, Code::NotConverged, "{found}");
        fine(&text(spins, noise, "3"));
    }
}

/// What would never end is refused: a driven dissipative evolution of too many periods.
#[test]
fn phases_of_open_systems_have_a_limit() {
    let text = |size: &str| {
        format!(
            "{HEAD}noise losses {{ collapse Im(a) rate = 0.1*(1 - exp(-t)) }}\nsequence {{\n    prepare ket \"00\"\n    \
             evolve {size}*Z(a) + cos(t)*X(b) for 1 with losses\n}}\nmeasure {{ energy }}\n"
        )
    };
    let found = refusal(&text("1e15")).expect("refused");
    assert_eq!(found.code, Code::NotConverged, "{found}");
    fine(&text("10"));
}
