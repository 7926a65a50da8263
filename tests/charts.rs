//! Pictures: the numbers that are drawn, and that every shipped sequence can be drawn.
#![cfg(feature = "pictures")]

use ergoseq::emulator::{Options, axes, points, run};
use ergoseq::hamiltonian::Values;
use ergoseq::ir::Experiment;
use ergoseq::output::{Content, Curve, EnergyUnit, Figure, Results, chart, svg};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::process::Command;

fn sequences() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in ["sequences", "sequences/lab"] {
        let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
        files.extend(entries.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "seq")));
    }
    files.sort();
    files
}

fn compiled(path: &Path) -> Experiment {
    let text = std::fs::read_to_string(path).unwrap();
    ergoseq::compile("test.seq", &text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render())).experiment
}

fn figure(experiment: &Experiment, wanted: &[&str]) -> Result<Figure, String> {
    let axes = axes(experiment, &Values::new()).unwrap();
    let all: Vec<Values> = points(&axes, &Values::new()).collect();
    let runs: Vec<_> = all.par_iter().map(|v| run(experiment, v, &Options::default(), &[]).unwrap()).collect();
    let results = Results { experiment, file: "test.seq", swept: vec![], points: &runs, energy: EnergyUnit::Default };
    chart(&results, &axes, &wanted.iter().map(|w| (*w).to_string()).collect::<Vec<_>>())
}

fn curves(content: &Content) -> &[Curve] {
    match content {
        Content::Curves(curves) => curves,
        Content::Map(_) => panic!("a map"),
    }
}

#[test]
fn curves_are_drawn_beside_their_theory() {
    let experiment = compiled(Path::new("sequences/dipolar_charging.seq"));
    let drawn = figure(&experiment, &[]).unwrap();
    let titles: Vec<&str> = drawn.panels.iter().map(|p| p.title.as_str()).collect();
    assert_eq!(titles, ["ergotropy", "capacity", "power", "l1_coherence"]);
    let [found, theory] = curves(&drawn.panels[0].content) else { panic!("two curves") };
    assert_eq!((found.label.as_str(), theory.label.as_str(), theory.marks), ("charging", "theory", true));
    for (t, y) in &theory.points {
        let near = found.points.iter().min_by(|a, b| (a.0 - t).abs().total_cmp(&(b.0 - t).abs())).unwrap();
        assert!((near.0 - t).abs() < 1e-12 && (near.1 - y).abs() < 1e-8);
    }
    // Rounding is not drawn as if it were physics: the capacity is one number.
    let flat = &curves(&drawn.panels[1].content)[0].points;
    assert!(flat.iter().all(|p| p.1 == flat[0].1));
}

#[test]
fn axes_are_in_readable_units() {
    let mut experiment = compiled(Path::new("sequences/jeener_broekaert.seq"));
    let drawn = figure(&experiment, &["ergotropy"]).unwrap();
    let [panel] = drawn.panels.as_slice() else { panic!("one panel") };
    assert_eq!((panel.x.as_str(), panel.y.as_str()), ("tau [us]", "ergotropy [1e-36 J]"));
    let names: Vec<&str> = curves(&panel.content).iter().map(|c| c.label.as_str()).collect();
    assert_eq!(names, ["prepared", "charged"]);
    let last = curves(&panel.content)[0].points.last().unwrap();
    assert!((last.0 - 12.0).abs() < 1e-9 && last.1 > 100.0 && last.1 < 1000.0, "{last:?}");
    // Angles are in degrees, as they are written.
    let text = std::fs::read_to_string("sequences/jeener_broekaert.seq").unwrap();
    let line = text.lines().find(|l| l.starts_with("sweep")).unwrap();
    let text = text.replace(line, "sweep theta = 0 deg .. 180 deg points 7\nsweep tau = 1 us .. 3 us points 5");
    experiment = ergoseq::compile("test.seq", &text, &mut ergoseq::no_files).unwrap().experiment;
    let drawn = figure(&experiment, &["order(dipolar)"]).unwrap();
    let panel = &drawn.panels[1];
    assert_eq!((panel.title.as_str(), panel.y.as_str()), ("order(dipolar) at charged", "theta [deg]"));
    let Content::Map(map) = &panel.content else { panic!("a map") };
    assert_eq!((map.x.len(), map.y.len(), map.y[6]), (5, 7, 180.0));
    let why = figure(&experiment, &["ergotropi"]).unwrap_err();
    assert!(why.starts_with("nothing that was measured is called `ergotropi`; there is ergotropy, capacity"), "{why}");
}

#[test]
fn every_sequence_is_drawn_or_has_nothing_to_draw() {
    let mut drawn = 0;
    for path in sequences() {
        match figure(&compiled(&path), &[]) {
            Ok(figure) => {
                let picture = svg(&figure);
                assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"), "{}", path.display());
                assert!(!picture.contains("NaN") && !picture.contains("inf"), "{}", path.display());
                drawn += 1;
            }
            Err(why) => assert!(why.starts_with("there is nothing to draw"), "{}: {why}", path.display()),
        }
    }
    assert!(drawn >= 12, "{drawn}");
}

#[test]
fn the_command_draws_and_teaches() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("charts");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    let run = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_ergoseq"))
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
    };
    // A file is begun, drawn in each format, and nothing is overwritten unless asked.
    let file = path("my.seq");
    assert_eq!(run(&["new", &file, "--like", "dipolar_charging"]).0, 0);
    assert_eq!(run(&["new", &file]).0, 3);
    for (name, head) in [("a.svg", &b"<svg"[..]), ("a.png", b"\x89PNG"), ("a.csv", b"panel,curve,x,y,value")] {
        let (code, _, why) = run(&["plot", &file, "--output", &path(name)]);
        assert_eq!(code, 0, "{why}");
        assert!(std::fs::read(path(name)).unwrap().starts_with(head), "{name}");
    }
    assert_eq!(run(&["plot", &file, "--output", &path("a.svg")]).0, 3);
    assert!(run(&["plot", &file, "--output", &path("a.gif")]).2.contains("end it in .svg, .png or .csv"));
    assert!(
        run(&["plot", &file, "--what", "nothing", "--output", &path("b.svg")]).2.contains("there is xi_max, P_max")
    );
    // What a word means, and what is near to one that means nothing.
    let (code, text, _) = run(&["explain", "E408"]);
    assert!(
        code == 0 && text.starts_with("E408: quantities that contradict each other\n") && text.contains("An example:")
    );
    assert!(run(&["explain", "ergotropy"]).1.contains("E - sum_k r_k(down) e_k(up)"));
    assert!(run(&["explain", "ergotropi"]).2.contains("did you mean `ergotropy`?"));
    let (_, all, _) = run(&["list"]);
    assert!(all.lines().count() > 60 && all.lines().all(|l| l.chars().count() <= 100), "{all}");
    assert!(run(&["list", "sidebands"]).1.starts_with("lab/sidebands"));
    assert_eq!(run(&["list", "--print", "adrf"]).1, std::fs::read_to_string("sequences/adrf.seq").unwrap());
    assert_eq!(run(&["list", "--print", "adrg"]).0, 1);
    for shell in ["bash", "zsh", "fish"] {
        assert!(run(&["completions", shell]).1.contains("ergoseq"));
    }
}
