//! The heat along a segment, at any of its times.

use super::super::engines::StepError;
use super::super::generator::Generator;
use super::super::motion::Heat;
use super::super::settings::Options;
use super::Meter;
use super::flow::{Flow, flow};
use crate::hamiltonian::Segment;
use crate::spin::State;

/// Memory for states along a segment, bytes.
const MOST_KEPT: usize = 100_000_000;

/// The heat of a member along a segment.
pub struct HeatTrack<'a> {
    /// At the start of the segment.
    begin: Heat,
    /// `None` if the segment exchanges none.
    flow: Option<Box<dyn Flow + 'a>>,
    /// Times with their states and the heat since the start, ascending.
    known: Vec<(f64, State, f64)>,
    most: usize,
}

impl<'a> HeatTrack<'a> {
    /// From the heat at the start of a segment, and the state there.
    ///
    /// # Errors
    /// If no method can be chosen.
    pub fn new(
        begin: Heat,
        meter: Option<&Meter>,
        generator: &'a Generator,
        (segment, state): (&Segment, &State),
        options: &Options,
    ) -> Result<HeatTrack<'a>, StepError> {
        let (Ok(_), Some(meter), false) = (begin, meter, segment.relaxing.is_empty()) else {
            return Ok(HeatTrack { begin, flow: None, known: vec![], most: 0 });
        };
        let flow = flow(generator, generator.dissipated(meter.energy()), segment, options)?;
        let state = State::Mixed(state.density());
        let most = (MOST_KEPT / (16 * state.dimension().pow(2)).max(1)).max(8);
        Ok(HeatTrack { begin, flow: Some(flow), known: vec![(0.0, state, 0.0)], most })
    }

    /// The heat at time t of the segment.
    ///
    /// # Errors
    /// If the method fails.
    pub fn at(&mut self, t: f64) -> Result<Heat, StepError> {
        let (Ok(begin), Some(flow)) = (self.begin, &mut self.flow) else { return Ok(self.begin) };
        let at = self.known.partition_point(|(s, ..)| *s <= t);
        let Some((from, state, before)) = self.known.get(at.saturating_sub(1)) else { return Ok(self.begin) };
        if *from == t {
            return Ok(Ok(begin + before));
        }
        let (state, heat) = flow.advance(state, *from, t)?;
        let since = before + heat;
        if at == self.known.len() {
            self.known.push((t, state, since));
            if self.known.len() > self.most {
                let last = self.known.len() - 1;
                let mut k = 0;
                self.known.retain(|_| {
                    k += 1;
                    (k - 1) % 2 == 0 || k - 1 == last
                });
            }
        }
        Ok(Ok(begin + since))
    }
}
