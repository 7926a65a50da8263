//! Two spins 1/2 on different channels: every gate exactly, by its Cartan decomposition, in the shortest time of the coupling.

use super::block::{Block, Pulse, Transmitter};
use super::cartan::Cartan;
use super::turn::Turn;
use std::f64::consts::{FRAC_PI_2, PI};

/// Rotation that takes z to an axis, 0 for x.
fn from_z(axis: usize, negative: bool) -> Turn {
    let sign = if negative { -1.0 } else { 1.0 };
    match axis {
        0 => Turn::about([0.0, 1.0, 0.0], sign * FRAC_PI_2),
        1 => Turn::about([1.0, 0.0, 0.0], -sign * FRAC_PI_2),
        _ if negative => Turn::about([1.0, 0.0, 0.0], PI),
        _ => Turn::NONE,
    }
}

/// The block of a decomposition for the coupling `g ZZ`, rad/s, g not 0. With `refocused`, a 180 deg pulse on both spins in the middle of
/// each period removes their offsets; the second one of each period is part of the rotation that follows.
///
/// Rotations about z are not sent: they shift the phases of the following pulses, since they commute with the coupling. The last
/// rotation, with what has accumulated about z, is one pulse or two for each spin.
pub fn block(cartan: &Cartan, g: f64, refocused: bool, order: [usize; 3]) -> Block {
    let mut out = Block::default();
    // What is still to be sent, and the rotation about z that is owed, of each spin.
    let mut waiting = cartan.first;
    let mut owed = [0.0f64; 2];
    for axis in order {
        let c = cartan.coupling[axis];
        if c == 0.0 {
            continue;
        }
        // exp(-i c AA) = (V1 x V2) exp(-i |c| sign(g) ZZ) (V1 x V2)^dagger, V2 to the opposite axis for the opposite sign.
        let to = [from_z(axis, false), from_z(axis, (c < 0.0) != (g < 0.0))];
        let time = (c / g).abs();
        let mut pulses = [None; 2];
        for spin in 0..2 {
            let (pulse, after) = send(waiting[spin].then(to[spin].inverse()), owed[spin]);
            pulses[spin] = pulse;
            owed[spin] = after;
            waiting[spin] = to[spin];
        }
        out.pulses(pulses.to_vec());
        if refocused {
            out.delay(0.5 * time);
            out.pulses(vec![Some(Pulse::new(PI, 0.0)); 2]);
            out.delay(0.5 * time);
            for spin in 0..2 {
                // The pulse turns z over, and with it the sense of the rotation that is owed.
                owed[spin] = -owed[spin];
                waiting[spin] = Turn::about([1.0, 0.0, 0.0], -PI).then(waiting[spin]);
            }
            // The owed rotation is applied before the 180 deg pulse in the ideal order: R(pi) Rz(a) = Rz(-a) R(pi).
        } else {
            out.delay(time);
        }
    }
    let last: Vec<Vec<Pulse>> =
        (0..2).map(|s| Turn::z(owed[s]).then(waiting[s]).then(cartan.last[s]).pulses()).collect();
    let most = last.iter().map(Vec::len).max().unwrap_or(0);
    for k in 0..most {
        out.pulses(last.iter().map(|p| p.get(k).copied()).collect());
    }
    out
}

/// The pulse that makes a rotation up to one about z after it, when a rotation about z is owed before it; and what is owed then.
fn send(turn: Turn, owed: f64) -> (Option<Pulse>, f64) {
    Turn::z(owed).then(turn).pulse_then_z()
}

/// The block with the fewest pulses among the orders of the three periods, which commute.
pub fn best(cartan: &Cartan, g: f64, refocused: bool, channels: &[Transmitter]) -> Block {
    const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let all = ORDERS.map(|order| block(cartan, g, refocused, order));
    let cost = |b: &Block| (b.count(), b.duration(channels, false));
    let best = all.into_iter().min_by(|a, b| {
        let (a, b) = (cost(a), cost(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    best.unwrap_or_default()
}
