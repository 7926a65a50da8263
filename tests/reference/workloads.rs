//! The jobs of `ergoseq bench` beside what independent programs computed: digests of every array, in `reference/workloads.json`.

use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// The golden section of i + 1, without its whole turns.
fn golden(i: usize) -> f64 {
    ((i as f64 + 1.0) * 0.618_033_988_749_894_9).fract()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// The largest deviation of an array from a digest, in tolerances of an entry.
fn deviation(array: &[f64], told: &Value) -> f64 {
    let (n, tolerance) = (told["n"].as_u64().unwrap() as usize, number(&told["tolerance"]));
    assert_eq!(array.len(), n);
    let sum: f64 = array.iter().sum();
    let weighted: f64 = array.iter().enumerate().map(|(i, x)| x * (golden(i) - 0.5)).sum();
    let length = array.iter().map(|x| x * x).sum::<f64>().sqrt();
    let mut worst = (sum - number(&told["sum"])).abs() / n as f64;
    worst = worst.max((weighted - number(&told["dotw"])).abs() / (0.5 * n as f64));
    worst = worst.max((length - number(&told["l2"])).abs() / (n as f64).sqrt());
    for (k, spot) in told["spots"].as_array().unwrap().iter().enumerate() {
        let place = (golden(k) * n as f64) as usize;
        worst = worst.max((array[place] - number(spot)).abs());
    }
    worst / tolerance
}

#[test]
fn arrays_are_those_of_other_programs() {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/workloads.json")).unwrap();
    let told: Value = serde_json::from_str(&text).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("workloads");
    let mut arrays = 0;
    for (job, about) in told["jobs"].as_object().unwrap() {
        let out = folder.join(job);
        let _ = std::fs::remove_dir_all(&out);
        let done = Command::new(env!("CARGO_BIN_EXE_ergoseq"))
            .args(["bench", job, "--size", about["size"].as_str().unwrap(), "--out"])
            .arg(&out)
            .output()
            .unwrap();
        assert!(done.status.success(), "{job}: {}", String::from_utf8_lossy(&done.stderr));
        let last = String::from_utf8(done.stdout).unwrap();
        let last: Value = serde_json::from_str(last.lines().last().unwrap()).unwrap();
        assert!(last["wall_s"].as_f64().unwrap() > 0.0);
        for (name, digest) in about["arrays"].as_object().unwrap() {
            let bytes = std::fs::read(out.join(format!("{name}.f64"))).unwrap();
            let array: Vec<f64> = bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
            let worst = deviation(&array, digest);
            assert!(worst <= 1.0, "{job}.{name} deviates by {worst:.2} tolerances");
            arrays += 1;
        }
    }
    assert_eq!(arrays, 22);
}
