//! The page of a report: that it needs nothing but itself, that it is made of every shipped sequence, and that a browser draws it.

use ergoseq::emulator::Options;
use ergoseq::hamiltonian::Values;
use ergoseq::report::{page, page_of_mistakes};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str, from: &str) -> Result<(String, String), String> {
    let found = root().join(from).parent().map(|p| p.join(path)).ok_or("no folder")?;
    let text = std::fs::read_to_string(&found).map_err(|e| e.to_string())?;
    Ok((found.display().to_string(), text))
}

fn of(file: &str) -> String {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    let compiled = ergoseq::compile(file, &text, &mut read).unwrap();
    page(&compiled, &Values::new(), &Options::default(), file).unwrap()
}

/// Every sequence of the first folder becomes a page of itself alone, small enough to be sent.
#[test]
fn every_sequence_has_a_page() {
    let entries = std::fs::read_dir(root().join("sequences")).unwrap().map(|entry| entry.unwrap().path());
    let paths: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == "seq")).collect();
    assert!(paths.len() >= 10);
    paths.par_iter().for_each(|path| {
        let file = format!("sequences/{}", path.file_name().unwrap().to_str().unwrap());
        let page = of(&file);
        assert!(page.len() < 2_000_000, "{file}: {} bytes", page.len());
        // The only address is the name of the language of pictures, which nobody fetches.
        let without = page.replace("http://www.w3.org/2000/svg", "");
        for address in ["http://", "https://", "src=", "@import", "url(http"] {
            assert!(!without.contains(address), "{file} refers to {address}");
        }
        for part in ["<h1>", "id=\"source\"", "id=\"sequence\"", "id=\"numerical-methods\""] {
            assert!(page.contains(part), "{file} has no {part}");
        }
    });
}

#[test]
fn numbers_of_the_page_are_those_of_the_run() {
    let page = of("sequences/dipolar_charging.seq");
    assert!(page.contains("All 3 expectations hold."));
    assert!(page.contains("<th scope=\"row\">xi_max</th><td>1.69553</td>"), "the summary");
    // The levels -4/3, -1/3, 0, 5/3 of the default parameters, and theory as points beside the curve.
    for level in [">\u{2212}1.33333<", ">\u{2212}0.333333<", ">0<", ">1.66667<"] {
        assert!(page.contains(level), "{level}");
    }
    assert!(page.contains("\"label\":\"theory\",\"marks\":true"));
}

/// A page of thousands of statements and marks has drawings of some of them, says so, and has the results of all.
#[test]
fn a_page_of_many_marks_stays_small() {
    let many = 2100;
    let body: String = (0..many).map(|k| format!("    evolve X(a) + 0.2*Y(b) for 0.01\n    mark m{k}\n")).collect();
    let text = format!(
        "ergoseq 1\nunits natural\nsystem {{ spin a, b : 1/2 }}\nbattery {{ energy = Z(a)*Z(b) + 0.3*X(a) }}\nsequence {{\n    \
         prepare down(a), up(b)\n{body}}}\nmeasure {{ energy }}\n"
    );
    let compiled = ergoseq::compile("many.seq", &text, &mut ergoseq::no_files).unwrap();
    let page = page(&compiled, &Values::new(), &Options::default(), "many.seq").unwrap();
    assert!(page.len() < 4_000_000, "{} bytes", page.len());
    for said in [
        "Not drawn: the sequence has 2101 statements, and at most 2000 are drawn.",
        "101 more statements are not shown.",
        "2062 more marks are not drawn",
        "<th scope=\"row\">m0</th>",
        "<th scope=\"row\">m2099</th>",
    ] {
        assert!(page.contains(said), "{said}");
    }
}

#[test]
fn mistakes_stand_in_their_line() {
    let text = "ergoseq 1\nsystem { spin a : 1H }\nsequence {\n    prepare termal\n}\n";
    let refused = ergoseq::compile("bad.seq", text, &mut read).unwrap_err();
    let page = page_of_mistakes(&refused.diagnostics, &refused.sources, "bad.seq");
    let line = page.lines().find(|l| l.contains("termal</code>")).unwrap();
    assert!(line.starts_with("<li class=\"error\">") && line.contains("class=\"message error\""), "{line}");
}

/// The pictures of the page, alone: what is drawn is what the file says, and each is well-formed as far as its elements are closed.
#[test]
fn pictures_can_be_had_alone() {
    let text = std::fs::read_to_string(root().join("sequences/jeener_broekaert.seq")).unwrap();
    let experiment = ergoseq::compile("jb.seq", &text, &mut read).unwrap().experiment;
    let drawn: Vec<String> = ergoseq::report::DRAWINGS
        .iter()
        .filter_map(|(_, _, draw)| draw(&experiment, &Values::new(), &Options::default()).unwrap())
        .map(|drawing| drawing.svg())
        .collect();
    assert_eq!(drawn.len(), 6, "all but a tomography");
    assert_eq!(drawn[0].matches("class=\"pulse\"").count(), 3, "three pulses");
    assert_eq!(drawn[0].matches("class=\"gradient\"").count(), 1, "one crusher");
    assert_eq!(drawn[0].matches("class=\"mark\"").count(), 2, "two marks");
    // Three levels at four moments.
    assert_eq!(drawn[1].matches("class=\"population\"").count(), 12);
    for svg in &drawn {
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
        assert_eq!(svg.matches("<g>").count(), svg.matches("</g>").count());
        // Every class has a style.
        for class in svg.split("class=\"").skip(2).map(|rest| rest.split('"').next().unwrap()) {
            assert!(ergoseq::output::drawing::style(class).is_some(), "{class}");
        }
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    }
}

fn browser() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    names.iter().flat_map(|n| folders.iter().map(move |f| f.join(n))).find(|p| p.exists())
}

/// What is appended to the page: it reads a chart with the pointer and with a key, zooms, hides a curve, and leaves what it saw in the
/// document. Mistakes of the page's own script are caught by what stands before it.
const VISIT: &str = r#"<script>
const charts = document.querySelectorAll("figure.chart svg"), first = charts[0], seen = {};
const box = first.getBoundingClientRect();
const event = (type, share) => first.dispatchEvent(new PointerEvent(type, { bubbles: true, clientX: box.left + share * box.width, clientY: box.top + 50 }));
const output = first.parentElement.querySelector("output");
seen.charts = charts.length;
event("pointermove", 0.5); seen.hover = output.textContent;
event("pointerleave", 0.5); seen.left = output.textContent;
first.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" })); seen.key = output.textContent;
const whole = first.querySelectorAll("text.tick").length;
event("pointerdown", 0.4); event("pointerup", 0.6); seen.zoomed = first.textContent;
first.dispatchEvent(new MouseEvent("dblclick")); seen.back = first.querySelectorAll("text.tick").length === whole;
const button = first.parentElement.querySelector(".legend button");
button.click(); seen.hidden = button.getAttribute("aria-pressed"); button.click();
seen.resources = performance.getEntriesByType("resource").map((r) => r.name);
seen.errors = window.mistakes;
document.body.setAttribute("data-seen", JSON.stringify(seen));
</script></body>"#;

#[test]
fn a_browser_draws_it() {
    let Some(browser) = browser() else {
        eprintln!("skipped: no Chromium is installed");
        return;
    };
    let folder = std::env::temp_dir().join(format!("ergoseq-report-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let visit = |address: &str| -> String {
        let done = Command::new(&browser)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom"])
            .arg("--window-size=1000,900")
            .arg(format!("--user-data-dir={}", folder.join("profile").display()))
            .arg(address)
            .output()
            .unwrap();
        String::from_utf8_lossy(&done.stdout).to_string()
    };
    // Where a browser opens no page at all, as in some closed rooms, there is nothing to be learnt.
    if !visit("data:text/html,<p>here</p>").contains("<p>here</p>") {
        eprintln!("skipped: {} does not start here", browser.display());
        return;
    }
    for file in ["sequences/jeener_broekaert.seq", "sequences/dipolar_charging.seq"] {
        let watched = "<script>window.mistakes = []; window.addEventListener(\"error\", (e) => window.mistakes.push(e.message));</script></head>";
        let page = of(file);
        let path = folder.join("page.html");
        std::fs::write(&path, &page).unwrap();
        // The page allows its own script alone, which adds buttons.
        let own = visit(&format!("file://{}", path.display()));
        assert!(own.matches("<button").count() > page.matches("<button").count(), "{file}: its own script did not run");
        // A visitor's script is allowed for the visit.
        let rule = page.split_once("script-src '").and_then(|(_, rest)| rest.split_once('\'')).map(|(hash, _)| hash);
        let open = page.replace(rule.expect("the rule for scripts"), "unsafe-inline");
        std::fs::write(&path, open.replace("</head>", watched).replace("</body>", VISIT)).unwrap();
        let dom = visit(&format!("file://{}", path.display()));
        let seen =
            dom.split_once("data-seen=\"").map(|(_, rest)| rest.split_once('"').unwrap().0.replace("&quot;", "\""));
        let seen: serde_json::Value = serde_json::from_str(&seen.expect("the page was visited")).unwrap();
        assert_eq!(seen["errors"], serde_json::json!([]), "{file}");
        assert_eq!(seen["resources"], serde_json::json!([]), "{file}");
        assert!(seen["charts"].as_u64().unwrap() >= 4, "{seen}");
        let hover = seen["hover"].as_str().unwrap();
        let expected = if file.contains("broekaert") { "tau [us]: " } else { "time: 1." };
        assert!(hover.starts_with(expected) && hover.len() > expected.len() + 10, "{hover}");
        assert_eq!(seen["left"], "");
        assert!(seen["key"].as_str().unwrap().len() > 10);
        assert_eq!(seen["back"], true);
        assert_eq!(seen["hidden"], "false");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
