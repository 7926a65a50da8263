//! Bar chart of the coherence orders after every statement.

use super::html::number;
use crate::emulator::DryRun;
use crate::ir::{Event, EventKind, Experiment};
use crate::output::drawing::{Anchor, Drawing, Shape};

const CLASSES: [&str; 6] = ["order0", "order1", "order2", "order3", "order4", "order5"];

/// Short label of a statement.
fn word(event: &Event) -> String {
    match &event.kind {
        EventKind::Prepare(_) => "prepare".into(),
        EventKind::Pulse(p) => format!("pulse {}", p.nucleus),
        EventKind::Delay { .. } => "delay".into(),
        EventKind::Gradient { .. } => "gradient".into(),
        EventKind::Lock(l) => format!("lock {}", l.nucleus),
        EventKind::Evolve { .. } => "evolve".into(),
        EventKind::Compile(_) => "compile".into(),
        EventKind::Crush { .. } => "crush".into(),
        EventKind::Dephase { .. } => "dephase".into(),
        EventKind::Reset { .. } => "reset".into(),
        EventKind::Read { name, .. } => format!("read {name}"),
        EventKind::Project { .. } => "project".into(),
        EventKind::Mark { name } => name.clone(),
        EventKind::Acquire { nucleus, .. } => format!("acquire {nucleus}"),
        EventKind::Tomography(_) => "tomography".into(),
        EventKind::Loop { .. } => "loop".into(),
        EventKind::Parallel { .. } => "parallel".into(),
        EventKind::Decouple(p) => format!("decouple {}", p.nucleus),
        EventKind::EndDecoupling { nucleus } => format!("end of {nucleus}"),
    }
}

/// Draws the figure; `None` if no coherence orders are known.
pub fn picture(experiment: &Experiment, rehearsal: &DryRun) -> Option<Drawing> {
    const HEIGHT: f64 = 150.0;
    let behind: Vec<(String, &[Option<f64>])> = experiment
        .sequence
        .iter()
        .enumerate()
        .filter_map(|(k, event)| {
            let block = rehearsal.blocks.iter().find(|b| b.event == k)?;
            Some((word(event), block.orders.as_slice()))
        })
        .filter(|(_, orders)| orders.iter().any(Option::is_some))
        .collect();
    let orders = behind.iter().map(|(_, o)| o.len()).max()?;
    let group = (9.0 * orders as f64 + 14.0).max(56.0);
    let (left, top) = (44.0, 34.0);
    let width = left + group * behind.len() as f64 + 90.0;
    let mut out = Drawing::new(
        "orders",
        "fractions of the coherence orders after every statement",
        width.max(360.0),
        top + HEIGHT + 46.0,
    );
    out.text(8.0, 16.0, Anchor::Start, "small", "fraction of the coherence orders");
    for k in 0..=4 {
        let y = top + HEIGHT * (1.0 - f64::from(k) / 4.0);
        out.line((left, y), (left + group * behind.len() as f64, y), "grid");
        out.text(left - 6.0, y + 4.0, Anchor::End, "tick", number(Some(f64::from(k) / 4.0)));
    }
    for (k, (name, shares)) in behind.iter().enumerate() {
        let begin = left + group * k as f64 + 7.0;
        for ((order, share), class) in shares.iter().enumerate().zip(CLASSES.into_iter().cycle()) {
            let Some(share) = share.filter(|s| *s > 0.0) else { continue };
            out.shapes.push(Shape::Begin(Some(format!("order {order} after {name}: {}", number(Some(share))))));
            let height = HEIGHT * share;
            out.rect(begin + 9.0 * order as f64, top + HEIGHT - height, 8.0, height, class);
            out.shapes.push(Shape::End);
        }
        let middle = begin + 4.5 * orders as f64;
        out.text(middle, top + HEIGHT + if k % 2 == 0 { 14.0 } else { 27.0 }, Anchor::Middle, "small", name.clone());
    }
    let right = left + group * behind.len() as f64 + 14.0;
    for (order, class) in (0..orders).zip(CLASSES.into_iter().cycle()) {
        let y = top + 10.0 + 15.0 * order as f64;
        out.rect(right, y - 8.0, 9.0, 9.0, class);
        out.text(right + 14.0, y, Anchor::Start, "small", format!("order {order}"));
    }
    Some(out)
}
