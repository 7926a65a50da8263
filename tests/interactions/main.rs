//! Hamiltonians of spin systems: interactions, frames, spaces and spectra, beside closed forms and whole Hamiltonians written out.

mod collectives;
mod cross_terms;
mod decoupling;
mod disorder;
mod electrons;
mod geometry;
mod second_order;
mod sectors;
mod signals;
mod spectra;
mod tensors;
