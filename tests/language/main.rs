//! The language: what texts mean, what is refused, and that what is printed reads back.

mod constants;
mod editors;
mod feedback;
mod grammar;
mod hermitian;
mod limits;
mod marks;
mod named_states;
mod open_protocols;
mod printing;
mod programs;
mod shapes;
mod shorthands;
mod tutorial;
