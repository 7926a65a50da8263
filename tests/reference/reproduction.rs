//! The reproduction of the papers: figures are complete, and claims come out as an independent program found them.

/// The papers belong to the command, whose modules a test can only include.
#[path = "../../src/bin/ergoseq/papers/mod.rs"]
mod papers;

use papers::claim::{Claim, Verdict};
use papers::{PAPERS, Paper, Watch, Workbench, report};

struct Nobody;

impl Watch for Nobody {
    fn more(&self, _: u64) {}
    fn step(&self) {}
}

fn claims(paper: &str, figure: Option<u32>) -> Vec<Claim> {
    let bench = Workbench::new(&Nobody).expect("the sequences compile");
    let paper = Paper::named(paper).expect("it is known");
    match figure {
        Some(figure) => paper.reproduce(&bench, figure).expect("it runs").claims,
        None => paper.equations(&bench).expect("they run"),
    }
}

fn verdict(claims: &[Claim], text: &str) -> Verdict {
    let found: Vec<&Claim> = claims.iter().filter(|c| c.text.contains(text)).collect();
    assert_eq!(found.len(), 1, "`{text}` names one claim");
    found[0].verdict
}

#[test]
fn every_figure_is_complete() {
    let bench = Workbench::new(&Nobody).expect("the sequences compile");
    for (paper, figures) in
        [("dipolar", vec![3, 5, 9]), ("heisenberg", vec![1, 2, 3, 4, 5]), ("spin-charger", vec![2, 6, 7, 8, 9])]
    {
        let paper = Paper::named(paper).expect("it is known");
        for figure in figures {
            assert!(paper.figures.contains(&figure));
            let found = paper.reproduce(&bench, figure).expect("it runs");
            assert!(!found.claims.is_empty(), "figure {figure} says nothing");
            let csv = found.figure.csv();
            assert!(csv.lines().count() > 30 && !csv.contains("NaN") && !csv.contains("inf"), "figure {figure}");
            assert!(
                found.figure.panels.len().is_multiple_of(found.figure.columns.max(1))
                    || found.figure.panels.len() > found.figure.columns
            );
            let text = report(paper, &found.claims);
            assert!(text.lines().all(|l| l.chars().count() <= 80), "figure {figure} is wider than a terminal");
            #[cfg(feature = "pictures")]
            {
                let picture = ergoseq::output::Picture::Figure(&found.figure);
                let bytes = |ending: &str| (ergoseq::output::Kind::of(ending).unwrap().bytes)(picture);
                let svg = String::from_utf8(bytes("svg").unwrap()).unwrap();
                assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
                let png = bytes("png").expect("it can be drawn");
                assert!(png.starts_with(b"\x89PNG"));
            }
        }
    }
}

#[test]
fn names_are_those_of_the_command() {
    let names: Vec<&str> = PAPERS.iter().map(|p| p.name).collect();
    assert_eq!(names, ["dipolar", "spin-charger", "heisenberg"]);
}

#[test]
fn printed_numbers_of_the_spin_charger() {
    let six = claims("spin-charger", Some(6));
    for right in ["no coupling among the charger", "g1/g = 0.1: E_max", "g1/g = 1: E_max", "g1/g = 7"] {
        assert_eq!(verdict(&six, right), Verdict::Holds, "{right}");
    }
    assert_eq!(verdict(&six, "declines with the size"), Verdict::Fails);
    let seven = claims("spin-charger", Some(7));
    assert_eq!(verdict(&seven, "non-ideal charger: E_max"), Verdict::CutOff);
    assert_eq!(verdict(&seven, "non-empty battery: E_max"), Verdict::Holds);
    let equations = claims("spin-charger", None);
    assert_eq!(verdict(&equations, "E = 2 sin^2"), Verdict::Fails);
}

#[test]
fn what_the_dipolar_paper_says_of_its_figures() {
    let five = claims("dipolar", Some(5));
    assert_eq!(verdict(&five, "all peak at"), Verdict::Holds);
    assert_eq!(verdict(&five, "narrows the peak"), Verdict::Fails);
    assert_eq!(verdict(&five, "Eq. D1"), Verdict::Fails);
    assert_eq!(verdict(&five, "corrected closed form"), Verdict::Holds);
    let nine = claims("dipolar", Some(9));
    assert_eq!(verdict(&nine, "all peak at"), Verdict::Fails);
    assert_eq!(verdict(&nine, "D raises the capacity"), Verdict::Holds);
    assert_eq!(verdict(&claims("dipolar", None), "eta = (2iD"), Verdict::Fails);
}

#[test]
fn what_the_abstract_on_heisenberg_chains_says() {
    let one = claims("heisenberg", Some(1));
    assert_eq!(verdict(&one, "antiferromagnets: the field on one spin"), Verdict::Holds);
    assert_eq!(verdict(&one, "ferromagnets: the uniform field is best (B"), Verdict::Fails);
    let three = claims("heisenberg", Some(3));
    assert_eq!(verdict(&three, "rises to a threshold"), Verdict::Holds);
    assert_eq!(verdict(&three, "declines permanently beyond a threshold"), Verdict::Fails);
}
