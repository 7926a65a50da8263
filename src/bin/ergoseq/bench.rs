//! `ergoseq bench`: does a job, and says how long it took.

use crate::workloads::WORKLOADS;
use crate::{Outcome, args, files, overrides, terminal};
use ergoseq::compile::{compile, no_files};
use ergoseq::diagnostic::{Code, Diagnostic};
use std::time::Instant;

/// Does a workload, writes its arrays and says how long it took.
pub fn bench(a: &args::Bench) -> Outcome {
    let Some(workload) = WORKLOADS.iter().find(|w| w.name == a.workload) else { return Outcome::Usage };
    let size = a.size.as_deref().or(workload.sizes.first().map(|(size, _)| *size)).unwrap_or_default();
    let Some((_, number)) = workload.sizes.iter().find(|(s, _)| *s == size) else {
        let sizes: Vec<&str> = workload.sizes.iter().map(|(s, _)| *s).collect();
        refuse(
            Diagnostic::without_place(Code::UnknownName, format!("unknown size `{size}` of {}", workload.name))
                .help(format!("there are {}", sizes.join(", "))),
        );
        return Outcome::Usage;
    };
    if a.input.is_some() && workload.name != "w8" {
        refuse(Diagnostic::without_place(Code::Contradiction, format!("{} takes no input", workload.name)));
        return Outcome::Usage;
    }
    overrides::threads(a.threads);
    if let Some(folder) = &a.out
        && let Err(diagnostic) = files::folder(folder).and_then(|()| files::writable_folder(folder, &[], true))
    {
        return refuse(diagnostic);
    }
    // A generated program is written before the clock begins.
    let program = (workload.program)(*number);
    let start = Instant::now();
    let done = compile(&format!("{}.seq", workload.name), &program, &mut no_files)
        .map_err(|refused| refused.diagnostics.into_iter().next().map(Box::new))
        .and_then(|compiled| (workload.run)(&compiled.experiment, size, *number, a.input.as_deref()).map_err(Some));
    let wall = start.elapsed().as_secs_f64();
    let arrays = match done {
        Ok(arrays) => arrays,
        Err(Some(diagnostic)) => return refuse(*diagnostic),
        Err(None) => return Outcome::Wrong,
    };
    if let Some(folder) = &a.out {
        for (name, values) in &arrays {
            let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
            if let Err(diagnostic) = files::write_bytes(&folder.join(format!("{name}.f64")), &bytes, true) {
                return refuse(diagnostic);
            }
        }
    }
    let told = serde_json::json!({
        "workload": workload.name, "size": size, "threads": rayon::current_num_threads(), "wall_s": wall,
    });
    terminal::print(&format!("{told}\n"))
}

fn refuse(diagnostic: Diagnostic) -> Outcome {
    terminal::refuse(&[diagnostic], &Default::default())
}
