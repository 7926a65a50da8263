//! Theory, emulation and measurement side by side.

use super::{cases, ergoseq, said, scratch};
use serde_json::Value;

fn compared(arguments: &[&str]) -> Value {
    let mut all = vec!["compare"];
    all.extend(arguments);
    all.extend(["--format", "json"]);
    let done = ergoseq(&all);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    serde_json::from_slice(&done.stdout).unwrap()
}

fn number(v: &Value) -> f64 {
    v.as_f64().unwrap_or_else(|| panic!("{v}"))
}

#[test]
fn a_table_is_compared_point_by_point() {
    let folder = scratch("compare_table");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    let cases = cases("tables");
    let (file, data) = (cases.join("ir.seq"), cases.join("plain.csv"));
    let (file, data) = (file.to_str().unwrap(), data.to_str().unwrap());
    let found = compared(&[file, "--data", data, "--set", "T1=2 s", "--output", &path("a.csv")]);
    let rows = found["rows"].as_array().unwrap();
    // 1 - 2 exp(-t/T1) of the thermal order, but for the polarisation that an inversion has in its square.
    let mut chi = 0.0;
    for row in rows {
        let t = number(&row["at"]["value"]);
        let exact = 1.0 - 2.0 * (-t / 2.0).exp();
        assert!((number(&row["theory"]) - exact).abs() < 1e-4, "{row}");
        assert_eq!(row["theory"], row["emulation"]);
        let deviation = (number(&row["measurement"]) - number(&row["emulation"])) / number(&row["error"]);
        assert!((number(&row["deviation"]) - deviation).abs() < 1e-9);
        chi += deviation * deviation;
    }
    assert_eq!((rows.len(), number(&found["curves"][0]["numbers"])), (10, 10.0));
    assert!((number(&found["curves"][0]["chi_square"]["emulation"]) - chi).abs() < 1e-9 * chi);
    let curves = std::fs::read_to_string(path("a.csv")).unwrap();
    for curve in ["theory", "emulation", "measurement", "residual"] {
        assert_eq!(curves.lines().filter(|l| l.contains(&format!(",{curve},"))).count(), 10, "{curve}");
    }
}

#[test]
fn decays_of_a_tomography_are_compared() {
    let folder = scratch("compare_decays");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    let text = std::fs::read_to_string(cases("decays").join("pair.seq")).unwrap();
    let noisy = text
        .replace("dwell = 0.5 ms", "dwell = 0.5 ms snr = 30 seed = SEED")
        .replace("repetitions = 20", "repetitions = 40");
    let (file, other, data) = (path("pair.seq"), path("other.seq"), path("data"));
    std::fs::write(&file, noisy.replace("SEED", "1")).unwrap();
    std::fs::write(&other, noisy.replace("SEED", "2")).unwrap();
    assert_eq!(ergoseq(&["plan", &other, "--decays", &data]).status.code(), Some(0));
    let found = compared(&[&file, "--data", &data]);
    let energies: Vec<&str> = found["rows"].as_array().unwrap().iter().map(|r| r["result"].as_str().unwrap()).collect();
    assert_eq!(energies, ["energy", "ergotropy", "capacity"]);
    let ergotropy = &found["rows"][1];
    assert!((number(&ergotropy["theory"]) / 9.931_146_5e-30 - 1.0).abs() < 1e-6);
    assert!(number(&ergotropy["deviation"]).abs() < 6.0, "{ergotropy}");
    let decays = found["curves"].as_array().unwrap();
    assert_eq!(decays.len(), 8);
    for decay in decays {
        // White noise of 512 numbers: chi^2 is 512 with a standard deviation of 32, and the noise is known to a hundredth.
        let chi = number(&decay["chi_square"]["emulation"]);
        assert!((chi - 512.0).abs() < 6.0 * 32.0 + 15.0, "{decay}");
    }
    let page = path("page.html");
    assert_eq!(ergoseq(&["report", &file, "--data", &data, "--output", &page]).status.code(), Some(0));
    assert!(std::fs::read_to_string(&page).unwrap().contains("Comparison with measurement"));
}

#[test]
fn what_is_acquired_is_compared_but_for_the_receiver() {
    let folder = scratch("compare_acquired");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    let (file, data) = (path("line.seq"), folder.join("data"));
    std::fs::write(
        &file,
        "ergoseq 1\nsystem {\n field 9.4 T\n temperature 300 K\n spin h : 1H\n shift h = 2.5 ppm\n relax h { T1 = 1 s, T2 = 50 ms }\n}\n\
         channel 1H { rf = 25 kHz, carrier = 1 ppm }\nsequence {\n prepare thermal\n pulse 1H 90 deg phase y ideal\n \
         acquire 1H points 512 dwell 200 us\n}\nmeasure { signal(1H) }\n",
    )
    .unwrap();
    let written = String::from_utf8(ergoseq(&["run", &file, "--format", "simpson"]).stdout).unwrap();
    // Another gain and phase: times 3i.
    let turned: String = written
        .lines()
        .map(|line| match line.split_once(' ') {
            Some((re, im)) => {
                let (re, im): (f64, f64) = (re.parse().unwrap(), im.parse().unwrap());
                format!("{:e} {:e}\n", -3.0 * im, 3.0 * re)
            }
            None => format!("{line}\n"),
        })
        .collect();
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("fid.1H.fid"), turned).unwrap();
    let data = data.to_str().unwrap();
    let found = compared(&[&file, "--data", data]);
    assert!(number(&found["curves"][0]["left_over"]["emulation"]) < 1e-20, "{found}");
    assert!(found["notes"][0].as_str().unwrap().contains("gain is 3, its phase 90 deg"), "{found}");
    std::fs::rename(folder.join("data/fid.1H.fid"), folder.join("data/echo.1H.fid")).unwrap();
    let done = ergoseq(&["compare", &file, "--data", data]);
    assert!(said(&done).contains("the program acquires no FID `echo.1H`; it acquires fid.1H"), "{}", said(&done));
}

/// The picture has a bar for every error, and its numbers a column.
#[test]
fn errors_are_drawn() {
    let folder = scratch("compare_errors");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    let cases = cases("tables");
    let file = cases.join("ir.seq");
    let file = file.to_str().unwrap();
    let bare = "tau [s],order(Iz(h))\n0.5,-0.56\n2,0.26\n";
    let with = "tau [s],order(Iz(h)),error\n0.5,-0.56,0.02\n2,0.26,0.03\n";
    let text = std::fs::read_to_string(file).unwrap();
    let head = std::fs::read_to_string(cases.join("plain.csv")).unwrap();
    let head: Vec<&str> = head.lines().next().unwrap().split(',').collect();
    let table = |text: &str| {
        let (names, rest) = text.split_once('\n').unwrap();
        let error = if names.ends_with(",error") { ",error" } else { "" };
        format!("{},{}{error}\n{rest}", head[0], head[1])
    };
    std::fs::write(path("bare.csv"), table(bare)).unwrap();
    std::fs::write(path("with.csv"), table(with)).unwrap();
    let pictures: Vec<(String, String)> = ["bare", "with"]
        .iter()
        .map(|name| {
            let data = path(&format!("{name}.csv"));
            for output in ["curves.csv", "picture.svg"] {
                let output = path(&format!("{name}_{output}"));
                let done = ergoseq(&["compare", file, "--data", &data, "--output", &output]);
                assert_eq!(done.status.code(), Some(0), "{}\n{text}", said(&done));
            }
            let read = |end: &str| std::fs::read_to_string(path(&format!("{name}_{end}"))).unwrap();
            (read("curves.csv"), read("picture.svg"))
        })
        .collect();
    let [(bare, plain), (with, barred)] = pictures.as_slice() else { panic!() };
    assert!(bare.starts_with("panel,curve,x,y,value,x axis,y axis\n"));
    assert!(with.starts_with("panel,curve,x,y,value,error,x axis,y axis\n"));
    for curve in ["measurement", "residual"] {
        let errors: Vec<&str> =
            with.lines().filter(|l| l.contains(&format!(",{curve},"))).map(|l| l.split(',').nth(5).unwrap()).collect();
        assert_eq!(errors, ["0.02", "0.03"], "{curve}: {with}");
    }
    assert!(with.lines().all(|l| l.matches(',').count() == 7), "{with}");
    // A bar has a line and two caps.
    let strokes = |svg: &str| svg.matches("<line").count() + svg.matches("<path").count();
    assert!(strokes(barred) > strokes(plain), "{} {}", strokes(barred), strokes(plain));
}

/// Rows of a hypercomplex experiment are the map of a spectrum.
#[test]
fn two_dimensional_experiments_are_transformed() {
    let folder = scratch("spectrum");
    let plane = folder.join("plane.csv").to_str().unwrap().to_string();
    let data = cases("decays").join("bruker_states");
    let done = ergoseq(&["spectrum", data.to_str().unwrap(), "--output", &plane]);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(text.contains("States") && text.contains("indirect width      500 Hz"), "{text}");
    let map = std::fs::read_to_string(&plane).unwrap();
    assert!(map.lines().count() > 10 && map.contains(",magnitude,"), "{map}");
    let done = ergoseq(&["spectrum", folder.to_str().unwrap()]);
    assert!(done.status.code() == Some(3) && said(&done).contains("neither acqus nor procpar"), "{}", said(&done));
}

/// A column of times that are not those of SW is said, and SW is taken.
#[test]
fn an_abscissa_that_disagrees_is_said() {
    let folder = scratch("abscissa");
    let file = folder.join("x.fid");
    let text = "SIMP\nNP=3\nSW=1000\nTYPE=FID\nDATA\n0 1 0\n0.005 0.5 0\n0.01 0.25 0\nEND\n";
    std::fs::write(&file, text).unwrap();
    let done = ergoseq(&["spectrum", file.to_str().unwrap()]);
    let shown = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(shown.contains("steps of 0.005, but SW gives a dwell time of 0.001 s"), "{shown}{}", said(&done));
    std::fs::write(&file, text.replace("0.005", "1").replace("0.01 0", "2 0")).unwrap();
    let done = ergoseq(&["spectrum", file.to_str().unwrap()]);
    assert!(!String::from_utf8_lossy(&done.stdout).contains("note"), "milliseconds");
    std::fs::write(&file, text.replace("0.005", "1")).unwrap();
    assert!(said(&ergoseq(&["spectrum", file.to_str().unwrap()])).contains("does not increase in equal steps"));
}
