//! Refuses electrons: consoles of NMR have no channel for their frequency, and SIMPSON has no such spin.

use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Event, EventKind, Experiment, SiteDeclaration};
use crate::source::Place;
use crate::spin::ELECTRON;

/// Refuses the statements that send to electrons or receive from them, and for a simulator the electrons themselves.
///
/// # Errors
/// All of them, each at its place.
pub(super) fn refuse(experiment: &Experiment, simulated: bool) -> Result<(), Vec<Diagnostic>> {
    let mut places: Vec<Place> = Vec::new();
    if simulated {
        let electrons = experiment.system.sites.iter().filter(|site| is_electron(site));
        places.extend(electrons.map(SiteDeclaration::place));
    } else {
        let present = experiment.system.sites.iter().any(is_electron);
        experiment.sequence.iter().for_each(|event| of_event(event, present, &mut places));
    }
    if places.is_empty() {
        return Ok(());
    }
    let (message, help) = match simulated {
        true => ("SIMPSON has no electrons", "`ergoseq run` emulates them"),
        false => ("a spectrometer for NMR has no channel for electrons", "export the part that is done on nuclei"),
    };
    let said = |place: Place| Diagnostic::new(Code::NotExported, place.span(), message).label("an electron").help(help);
    Err(places.into_iter().map(said).collect())
}

fn is_electron(site: &SiteDeclaration) -> bool {
    match site {
        SiteDeclaration::Spin { of, .. } | SiteDeclaration::Collective { of, .. } => {
            of.symbol() == Some(ELECTRON.symbol)
        }
        SiteDeclaration::Mode { .. } => false,
    }
}

fn of_event(event: &Event, present: bool, places: &mut Vec<Place>) {
    let used = match &event.kind {
        EventKind::Loop { body, .. } => return body.iter().for_each(|event| of_event(event, present, places)),
        EventKind::Project { up, down, .. } => {
            return up.iter().chain(down).for_each(|event| of_event(event, present, places));
        }
        EventKind::Lock(lock) => lock.nucleus == ELECTRON.symbol,
        EventKind::Acquire { nucleus, .. } => nucleus == ELECTRON.symbol,
        // A tomography reads all spins.
        EventKind::Tomography(_) => present,
        _ => event.pulses().iter().any(|p| p.nucleus == ELECTRON.symbol),
    };
    if used {
        places.push(event.place);
    }
}
