//! Pictures: the numbers that are drawn, and that every shipped sequence can be drawn.

use ergoseq::emulator::{Options, axes, points, run};
use ergoseq::hamiltonian::Values;
use ergoseq::ir::Experiment;
use ergoseq::output::drawing::{Drawing, Shape, Stroke};
use ergoseq::output::{Content, Curve, Figure, Kind, Picture, chart, letters};
use ergoseq::report::DRAWINGS;
use ergoseq::results::{EnergyUnit, ResultSet, Schema};
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
    let schema = Schema::new(experiment, "test.seq", &axes, &Values::new(), EnergyUnit::Default);
    chart(
        &ResultSet::of(schema, runs).unwrap(),
        experiment,
        &wanted.iter().map(|w| (*w).to_string()).collect::<Vec<_>>(),
    )
}

fn svg(picture: Picture) -> String {
    String::from_utf8((Kind::of("svg").unwrap().bytes)(picture).unwrap()).unwrap()
}

fn drawing(experiment: &Experiment, word: &str) -> Option<Drawing> {
    let (_, _, draw) = DRAWINGS.iter().find(|(w, ..)| *w == word).unwrap();
    draw(experiment, &Values::new(), &Options::default()).unwrap()
}

fn text(text: &str) -> Experiment {
    ergoseq::compile("test.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render())).experiment
}

/// The rectangles of a class: left, top, width, height.
fn rectangles(drawing: &Drawing, class: &str) -> Vec<[f64; 4]> {
    let all = drawing.shapes.iter();
    all.filter_map(|s| if let Shape::Rect(r, c) = s { (*c == class).then_some(*r) } else { None }).collect()
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
    assert!(why.starts_with("unknown result `ergotropi`; results are ergotropy, capacity"), "{why}");
}

#[test]
fn every_sequence_is_drawn_or_has_nothing_to_draw() {
    let mut drawn = 0;
    for path in sequences() {
        match figure(&compiled(&path), &[]) {
            Ok(figure) => {
                let picture = svg(Picture::Figure(&figure));
                assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"), "{}", path.display());
                let words = picture.split(|c: char| !c.is_alphanumeric());
                assert!(!words.into_iter().any(|w| w == "NaN" || w == "inf"), "{}", path.display());
                drawn += 1;
            }
            Err(why) => assert!(why.starts_with("there is nothing to plot"), "{}: {why}", path.display()),
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
    for (name, head) in
        [("a.svg", &b"<svg"[..]), ("a.png", b"\x89PNG"), ("a.pdf", b"%PDF-"), ("a.csv", b"panel,curve,x,y,value")]
    {
        let (code, _, why) = run(&["plot", &file, "--output", &path(name)]);
        assert_eq!(code, 0, "{why}");
        assert!(std::fs::read(path(name)).unwrap().starts_with(head), "{name}");
    }
    assert_eq!(run(&["plot", &file, "--output", &path("a.svg")]).0, 3);
    assert!(run(&["plot", &file, "--output", &path("a.gif")]).2.contains("use the extension .svg, .png, .pdf or .csv"));
    assert!(
        run(&["plot", &file, "--what", "nothing", "--output", &path("b.svg")]).2.contains("results are xi_max, P_max")
    );
    let (_, all, _) = run(&["list"]);
    assert!(all.lines().count() > 60 && all.lines().all(|l| l.chars().count() <= 100), "{all}");
    assert!(run(&["list", "sidebands"]).1.starts_with("lab/sidebands"));
    assert_eq!(run(&["list", "--print", "adrf"]).1, std::fs::read_to_string("sequences/adrf.seq").unwrap());
    assert_eq!(run(&["list", "--print", "adrg"]).0, 1);
    for shell in ["bash", "zsh", "fish"] {
        assert!(run(&["completions", shell]).1.contains("ergoseq"));
    }
}

/// Whatever a sequence is, all that can be drawn of it is drawn, in every kind of picture.
#[test]
fn everything_is_drawn_of_every_sequence() {
    let counts: Vec<Vec<usize>> = sequences()
        .par_iter()
        .map(|path| {
            let experiment = compiled(path);
            let one = |(word, ..): &(&str, &str, _)| {
                let Some(drawn) = drawing(&experiment, word) else { return 0 };
                let picture = svg(Picture::Drawing(&drawn));
                assert!(picture.contains("DejaVu Sans"), "letters are of a family that PDF finds");
                for wrong in ["NaN", "inf"] {
                    assert!(!picture.contains(wrong) && !drawn.svg().contains(wrong), "{word} of {}", path.display());
                }
                // Nothing lies outside of the sheet.
                for shape in &drawn.shapes {
                    let points: Vec<(f64, f64)> = match shape {
                        Shape::Rect([x, y, w, h], _) => vec![(*x, *y), (x + w, y + h)],
                        Shape::Path(strokes, _) => strokes
                            .iter()
                            .filter_map(|s| if let Stroke::Line(x, y) = s { Some((*x, *y)) } else { None })
                            .collect(),
                        Shape::Circle([x, y, _], _) | Shape::Text(x, y, ..) => vec![(*x, *y)],
                        Shape::Span([a, b, y]) => vec![(*a, *y), (*b, *y)],
                        Shape::Begin(_) | Shape::End => vec![],
                    };
                    for (x, y) in points {
                        let inside =
                            (-1.0..=drawn.width + 1.0).contains(&x) && (-1.0..=drawn.height + 1.0).contains(&y);
                        assert!(
                            inside,
                            "{word} of {}: {shape:?} on {} x {}",
                            path.display(),
                            drawn.width,
                            drawn.height
                        );
                    }
                }
                1
            };
            DRAWINGS.iter().map(one).collect()
        })
        .collect();
    for (k, (word, ..)) in DRAWINGS.iter().enumerate() {
        let drawn: usize = counts.iter().map(|c| c[k]).sum();
        assert!(drawn >= if *word == "tomography" { 2 } else { 10 }, "{word}: {drawn}");
    }
}

/// The areas of Hinton's squares, and the heights of towers, are the elements of the state.
#[test]
fn matrices_are_drawn_as_they_are() {
    let experiment = text(
        "ergoseq 1
units natural
system { spin a, b : 1/2 }
sequence {
    prepare superposition(3: ket \"00\", 4: ket \"11\")
    mark made
}
measure { purity }",
    );
    // 0.36 and 0.64 on the diagonal, 0.48 beside it, all positive and real.
    let hinton = drawing(&experiment, "hinton").unwrap();
    let mut areas: Vec<f64> = rectangles(&hinton, "positive").iter().map(|r| r[2] * r[3]).collect();
    // The last is the key.
    areas.pop();
    assert_eq!(areas.len(), 4);
    for (area, element) in areas.iter().zip([0.36, 0.48, 0.48, 0.64]) {
        assert!((area / areas[3] - element / 0.64).abs() < 1e-9, "{areas:?}");
    }
    assert_eq!(rectangles(&hinton, "negative").len(), 1, "the key");
    let city = drawing(&experiment, "city").unwrap();
    let heights: Vec<f64> = city
        .shapes
        .iter()
        .filter_map(|s| match s {
            Shape::Path(strokes, "positive-front") => Some(strokes.clone()),
            _ => None,
        })
        .map(|strokes| match (strokes[1], strokes[2]) {
            (Stroke::Line(_, low), Stroke::Line(_, high)) => low - high,
            _ => panic!("{strokes:?}"),
        })
        .collect();
    // From the back to the front: (1, 4), the diagonal, (4, 1).
    for (height, element) in heights.iter().zip([0.48, 0.36, 0.64, 0.48]) {
        assert!((height / heights[2] - element / 0.64).abs() < 1e-9, "{heights:?}");
    }
    // Near to the maximally mixed state the deviation is drawn, and said to be.
    let thermal = compiled(Path::new("sequences/jeener_broekaert.seq"));
    let drawn = drawing(&thermal, "hinton").unwrap();
    assert!(
        drawn.label.contains("deviation from the maximally mixed state; the largest element is 1.37937e\u{2212}5"),
        "{}",
        drawn.label
    );
}

/// A spin's way begins where it is prepared and ends where it is left; a quarter turn about x ends at -y.
#[test]
fn ways_end_where_spins_do() {
    let turned = |pulse: &str| {
        let experiment = text(&format!(
            "ergoseq 1
system {{ field 9.4 T
    spin h : 1H }}
channel 1H {{ rf = 25 kHz }}
sequence {{
    prepare up(h)
    {pulse}
}}
measure {{ purity }}"
        ));
        let drawn = drawing(&experiment, "bloch").unwrap();
        let dots: Vec<(f64, f64)> = drawn
            .shapes
            .iter()
            .filter_map(|s| if let Shape::Circle([x, y, _], _) = s { Some((*x, *y)) } else { None })
            .collect();
        assert_eq!(dots.len(), 2);
        let paths = drawn.shapes.iter().filter(|s| matches!(s, Shape::Path(_, "path1"))).count();
        (dots[1].0 - dots[0].0, dots[1].1 - dots[0].1, paths)
    };
    // Seen from 30 degrees beside x and 20 above it, -y lies at (-cos 30, sin 30 sin 20), up at (0, cos 20); the radius is 96.
    let (beside, above) = (30f64.to_radians(), 20f64.to_radians());
    let expected = (-96.0 * beside.cos(), -96.0 * (beside.sin() * above.sin() - above.cos()));
    for (pulse, paths) in [("pulse 1H 90 deg phase x", 1), ("pulse 1H 90 deg phase x ideal", 0)] {
        let (x, y, found) = turned(pulse);
        assert!((x - expected.0).abs() < 1e-4 && (y - expected.1).abs() < 1e-4, "{pulse}: {x} {y}, {expected:?}");
        assert_eq!(found, paths, "{pulse}");
    }
}

/// Bars of coherence orders are those of the rehearsal, each behind its own statement.
#[test]
fn bars_are_the_orders_behind_their_statement() {
    let drawn = drawing(&compiled(Path::new("sequences/jeener_broekaert.seq")), "orders").unwrap();
    // Shares of order 1 behind both long pulses and the delay, from the rehearsal: 0.9489, 0.9489, 0.0277, 0.1471.
    let mut heights: Vec<f64> = rectangles(&drawn, "order1").iter().map(|r| r[3] / 150.0).collect();
    heights.pop();
    let expected = [0.9489, 0.9489, 0.0277, 0.1471];
    assert!(heights.len() >= 4, "{heights:?}");
    let large: Vec<f64> = heights.into_iter().filter(|h| *h > 1e-6).collect();
    for (height, share) in large.iter().zip(expected) {
        assert!((height - share).abs() < 6e-5, "{large:?}");
    }
    assert_eq!(large.len(), 4);
}

/// A subsequence that is called twice takes its time twice, and each call begins where the one before ended.
#[test]
fn calls_are_rehearsed_one_by_one() {
    let experiment = text(
        "ergoseq 1
system { field 9.4 T
    temperature 300 K
    spin h : 1H }
channel 1H { rf = 25 kHz }
define turn() { pulse 1H 90 deg phase x }
sequence {
    prepare thermal
    turn()
    delay 30 us
    turn()
}
measure { purity }",
    );
    let rehearsed = ergoseq::emulator::dry_run(&experiment, &Values::new(), &Options::default()).unwrap();
    let times: Vec<(f64, f64)> = rehearsed.blocks.iter().map(|b| (b.start * 1e6, b.duration * 1e6)).collect();
    for (found, expected) in times.iter().zip([(0.0, 0.0), (0.0, 10.0), (10.0, 30.0), (40.0, 10.0)]) {
        assert!((found.0 - expected.0).abs() < 1e-9 && (found.1 - expected.1).abs() < 1e-9, "{times:?}");
    }
}

/// Rows of a tomography lie at their values, errors beside them.
#[test]
fn a_tomography_is_drawn_with_its_errors() {
    let experiment = compiled(Path::new("sequences/dipolar_tomography.seq"));
    let drawn = drawing(&experiment, "tomography").unwrap();
    let run = run(&experiment, &Values::new(), &Options::default(), &[]).unwrap();
    let e = run.tomographies[0].energies.clone().unwrap();
    let dots: Vec<f64> =
        drawn.shapes.iter().filter_map(|s| if let Shape::Circle([x, ..], _) = s { Some(*x) } else { None }).collect();
    let values = [e.energy.value, e.ergotropy.value, e.ergotropy.corrected, e.capacity.value, e.capacity.corrected];
    let scale = (dots[3] - dots[0]) / (values[3] - values[0]);
    for (dot, value) in dots.iter().zip(values) {
        assert!((dot - dots[0] - scale * (value - values[0])).abs() < 1e-6);
    }
    let bars: Vec<f64> = drawn
        .shapes
        .iter()
        .filter_map(|s| match s {
            Shape::Path(p, "error") => match (p[0], p[1]) {
                (Stroke::Move(a, y), Stroke::Line(b, z)) if y == z => Some(b - a),
                _ => None,
            },
            _ => None,
        })
        .collect();
    assert!((bars[1] / 2.0 - scale * e.ergotropy.error).abs() < 1e-6);
}

/// Two coupled spins after 90 - t1 - 90 have their peaks where their frequencies cross.
#[test]
fn a_plane_has_its_peaks_where_lines_cross() {
    let experiment = text(
        "ergoseq 1
param t1 = 1 ms
system {
    field 9.4 T
    temperature 300 K
    spin a : 1H
    spin b : 1H
    shift a = 0.3 ppm
    shift b = -0.4 ppm
    j a b = 12 Hz
    relax a, b { T1 = 2 s, T2 = 0.1 s }
}
sequence {
    prepare thermal
    pulse 1H 90 deg phase x ideal
    delay t1
    pulse 1H 90 deg phase x ideal
    acquire 1H points 128 dwell 1 ms
}
measure { signal(1H) }
sweep t1 = 0 ms .. 63 ms points 64",
    );
    let drawn = figure(&experiment, &[]).unwrap();
    let [panel] = drawn.panels.as_slice() else { panic!("{} panels", drawn.panels.len()) };
    assert_eq!((panel.title.as_str(), panel.y.as_str()), ("2-D spectrum of 1H", "frequency during t1 [Hz]"));
    let Content::Map(map) = &panel.content else { panic!("a map") };
    // Shifts of 0.3 and -0.4 ppm are 120.07 and -160.09 Hz; cross peaks are at (a, b) and (b, a).
    let larmor = 267_522_187.44 * 9.4 / std::f64::consts::TAU * 1e-6;
    let near = |x: f64, y: f64| {
        let mut most = 0.0f64;
        for (row, f1) in map.values.iter().zip(&map.y) {
            for (value, f2) in row.iter().zip(&map.x) {
                if (f2 - x).abs() < 20.0 && (f1 - y).abs() < 20.0 {
                    most = most.max(*value);
                }
            }
        }
        most
    };
    let (a, b) = (0.3 * larmor, -0.4 * larmor);
    let highest = map.values.iter().flatten().copied().fold(0.0, f64::max);
    for (x, y) in [(a, a), (a, b), (b, a), (b, b)] {
        assert!(near(x, y) > 0.3 * highest, "({x}, {y})");
    }
    assert!(near(0.0, 60.0) < 0.05 * highest);
}

/// Curves over time for a few values of a parameter are a family, one panel a result.
#[test]
fn curves_of_a_sweep_are_a_family() {
    let text_of = std::fs::read_to_string("sequences/dipolar_charging.seq").unwrap() + "\nsweep T = 0.5, 1, 2\n";
    let experiment = text(&text_of);
    let drawn = figure(&experiment, &["ergotropy"]).unwrap();
    let panel = drawn.panels.iter().find(|p| p.title == "charging.ergotropy").expect("a family");
    let family = curves(&panel.content);
    let labels: Vec<&str> = family.iter().map(|c| c.label.as_str()).collect();
    assert_eq!(labels, ["T = 0.5", "T = 1", "T = 2"]);
    // The colder the battery began, the more is charged.
    let highest = |c: &Curve| c.points.iter().map(|p| p.1).fold(0.0, f64::max);
    assert!(highest(&family[0]) > highest(&family[1]) && highest(&family[1]) > highest(&family[2]));
    assert!((highest(&family[1]) - 1.69553).abs() < 1e-5);
}

/// A plot in letters fits the terminal, and is plain where no colours are wanted.
#[test]
fn curves_are_drawn_in_letters() {
    let drawn = figure(&compiled(Path::new("sequences/dipolar_charging.seq")), &["ergotropy"]).unwrap();
    for columns in [60, 80, 120] {
        let text = letters(&drawn, columns, false);
        assert!(text.lines().all(|l| l.chars().count() <= columns), "{columns}");
        assert!(text.contains("ergotropy") && text.contains("time") && text.contains('\u{2502}'), "{text}");
        assert!(text.chars().filter(|c| ('\u{2800}'..='\u{28ff}').contains(c)).count() > 20, "{text}");
        assert!(!text.contains('\u{1b}'));
    }
}
