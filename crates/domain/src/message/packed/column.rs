//! A column of numbers of which each is near what the ones before it let expect.
//!
//! A number is written as its difference from what is expected: the difference of the two as whole numbers, in the order
//! that their bits give all numbers, so that numbers that are close differ by little and nothing is rounded. Differences are
//! Golomb-Rice codes (Rice and Plaunt 1971) with the parameter that makes the column shortest: a neighbour that agrees in
//! the first bits saves these. What differs too much is written in full.

use super::{Unreadable, read_count, write_count};

/// So many ones before a number say that it is written in full.
const ESCAPE: u32 = 24;
const SIGN: u64 = 1 << 63;

/// What is expected of the first number, and of one after those before it.
pub(super) fn last(before: &[f64]) -> f64 {
    before.last().copied().unwrap_or_default()
}

/// That a column goes the way of `other`: from the same start on, with the same differences.
pub(super) fn beside(other: &[f64]) -> impl Fn(&[f64]) -> f64 {
    |before| {
        let position = before.len();
        match (before.last(), other.get(position)) {
            (Some(last), Some(next)) => last + (next - other[position - 1]),
            (None, Some(first)) => *first,
            (_, None) => 0.0,
        }
    }
}

/// Writes a column; `expected` says what to expect after the numbers before.
pub(super) fn write(values: &[f64], expected: impl Fn(&[f64]) -> f64, out: &mut Vec<u8>) {
    write_count(values.len(), out);
    if values.is_empty() {
        return;
    }
    let differences: Vec<u64> = (0..values.len())
        .map(|position| {
            let expected = rank(finite(expected(&values[..position])));
            folded(rank(values[position]).wrapping_sub(expected))
        })
        .collect();
    let parameter = shortest(&differences);
    out.push(parameter as u8);
    let mut bits = Writer {
        out,
        held: 0,
        count: 0,
    };
    for difference in differences {
        let quotient = difference >> parameter;
        if quotient < u64::from(ESCAPE) {
            bits.put(((1 << quotient) - 1) << 1, quotient as u32 + 1);
            bits.put(difference & !(u64::MAX << parameter), parameter);
        } else {
            bits.put((1 << ESCAPE) - 1, ESCAPE);
            bits.put(difference, u64::BITS);
        }
    }
    bits.finish();
}

/// Reads a column that was written with the same expectations.
pub(super) fn read(
    bytes: &mut &[u8],
    expected: impl Fn(&[f64]) -> f64,
) -> Result<Vec<f64>, Unreadable> {
    let count = read_count(bytes)?;
    if count == 0 {
        return Ok(Vec::new());
    }
    let (&parameter, after) = bytes.split_first().ok_or(Unreadable::Damaged)?;
    // Every number has at least one bit.
    if u32::from(parameter) >= u64::BITS || count > 8 * after.len() {
        return Err(Unreadable::Damaged);
    }
    let mut bits = Reader {
        bytes: after,
        held: 0,
        count: 0,
    };
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        let difference = bits.number(u32::from(parameter))?;
        let expected = rank(finite(expected(&values)));
        values.push(number(expected.wrapping_add(unfolded(difference))));
    }
    *bytes = bits.bytes;
    Ok(values)
}

/// What computers do not agree on, the bits of what is no number, is never expected.
fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

/// Where a number stands among all numbers.
fn rank(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

/// The number that stands there.
fn number(rank: u64) -> f64 {
    f64::from_bits(if rank & SIGN == 0 { !rank } else { rank ^ SIGN })
}

/// A difference without its sign: 0, -1, 1, -2 … become 0, 1, 2, 3 ….
fn folded(difference: u64) -> u64 {
    (difference << 1) ^ ((difference as i64 >> 63) as u64)
}

fn unfolded(folded: u64) -> u64 {
    (folded >> 1) ^ (folded & 1).wrapping_neg()
}

/// The parameter that makes the column shortest, of those near the width of the middle difference.
fn shortest(differences: &[u64]) -> u32 {
    let mut widths: Vec<u32> = differences
        .iter()
        .map(|d| u64::BITS - d.leading_zeros())
        .collect();
    let middle = widths.len() / 2;
    let (_, middle, _) = widths.select_nth_unstable(middle);
    let candidates = middle.saturating_sub(4)..=(*middle + 1).min(u64::BITS - 1);
    candidates
        .min_by_key(|parameter| {
            let lengths = differences.iter().map(|d| length(*d, *parameter));
            lengths.sum::<u64>()
        })
        .unwrap_or_default()
}

/// How many bits a difference takes.
fn length(difference: u64, parameter: u32) -> u64 {
    let quotient = difference >> parameter;
    if quotient < u64::from(ESCAPE) {
        quotient + 1 + u64::from(parameter)
    } else {
        u64::from(ESCAPE + u64::BITS)
    }
}

/// Bits into bytes, the first into the top.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    held: u128,
    /// How many bits of `held` are not written yet, below 8.
    count: u32,
}

impl Writer<'_> {
    /// Writes the low `count` bits of `bits`; the others are 0.
    fn put(&mut self, bits: u64, count: u32) {
        self.held = (self.held << count) | u128::from(bits);
        self.count += count;
        while self.count >= 8 {
            self.count -= 8;
            self.out.push((self.held >> self.count) as u8);
        }
    }

    /// Fills the last byte.
    fn finish(mut self) {
        if self.count > 0 {
            self.put(0, 8 - self.count);
        }
    }
}

/// Bytes into bits.
struct Reader<'a> {
    bytes: &'a [u8],
    held: u128,
    /// How many bits of `held` are not read yet.
    count: u32,
}

impl Reader<'_> {
    fn take(&mut self, count: u32) -> Result<u64, Unreadable> {
        while self.count < count {
            let (byte, after) = self.bytes.split_first().ok_or(Unreadable::Damaged)?;
            self.bytes = after;
            self.held = (self.held << 8) | u128::from(*byte);
            self.count += 8;
        }
        self.count -= count;
        let bits = (self.held >> self.count) as u64;
        let mask = u64::MAX.checked_shr(u64::BITS - count).unwrap_or_default();
        Ok(bits & mask)
    }

    fn number(&mut self, parameter: u32) -> Result<u64, Unreadable> {
        let mut quotient = 0;
        while self.take(1)? == 1 {
            quotient += 1;
            if quotient == ESCAPE {
                return self.take(u64::BITS);
            }
        }
        let low = self.take(parameter)?;
        let high = u64::from(quotient)
            .checked_mul(1 << parameter)
            .ok_or(Unreadable::Damaged)?;
        Ok(high | low)
    }
}
