//! A column of numbers of which each is near what the ones before it let expect.
//!
//! A number is written as its difference from what is expected, both as whole numbers. Where all numbers of a column have few
//! decimal places, these are multiples of the last place. Elsewhere they are where the numbers stand in the order that their
//! bits give all numbers, so that numbers that are close differ by little. Nothing is rounded.
//!
//! Differences are Golomb-Rice codes (Rice and Plaunt 1971) with the parameter that makes the column shortest: a neighbour that
//! agrees in the first bits saves these. What differs too much is written in full.

use super::{Form, Unreadable, read_count, write_count};
use crate::decimals::Decimals;

/// So many ones before a number say that it is written in full.
const ESCAPE: u32 = 24;
const SIGN: u64 = 1 << 63;
/// In place of a number of decimal places: the numbers are in the order of their bits.
const BY_BITS: u8 = u8::MAX;
/// More places than most numbers have that are computed.
const MOST_PLACES: u8 = 15;

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
    let order = Order::of(values);
    out.push(order.code());
    let differences: Vec<u64> = (0..values.len())
        .map(|position| {
            let expected = order.expected(expected(&values[..position]));
            folded(order.rank(values[position]).wrapping_sub(expected))
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
    form: Form,
    expected: impl Fn(&[f64]) -> f64,
) -> Result<Vec<f64>, Unreadable> {
    let count = read_count(bytes)?;
    if count == 0 {
        return Ok(Vec::new());
    }
    let order = match form {
        Form::ByBits => Order::Bits,
        Form::ByPlaces => {
            let (&code, after) = bytes.split_first().ok_or(Unreadable::Damaged)?;
            *bytes = after;
            Order::read(code)?
        }
    };
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
        let expected = order.expected(expected(&values));
        values.push(order.number(expected.wrapping_add(unfolded(difference))));
    }
    *bytes = bits.bytes;
    Ok(values)
}

/// Which whole numbers stand for the numbers of a column.
#[derive(Clone, Copy)]
enum Order {
    /// How many of the last decimal place they are.
    Places(u8),
    /// Where they stand among all numbers.
    Bits,
}

impl Order {
    /// The fewest places that all the numbers have exactly.
    fn of(values: &[f64]) -> Self {
        let mut places = 0;
        for value in values {
            while !is_exact(*value, places) {
                places += 1;
                if places > MOST_PLACES {
                    return Self::Bits;
                }
            }
        }
        // A place more can make one of the first too long.
        if values.iter().all(|value| is_exact(*value, places)) {
            Self::Places(places)
        } else {
            Self::Bits
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Places(places) => places,
            Self::Bits => BY_BITS,
        }
    }

    fn read(code: u8) -> Result<Self, Unreadable> {
        match code {
            BY_BITS => Ok(Self::Bits),
            0..=MOST_PLACES => Ok(Self::Places(code)),
            _ => Err(Unreadable::Damaged),
        }
    }

    /// The whole number that stands for one that was written.
    fn rank(self, value: f64) -> u64 {
        match self {
            Self::Places(places) => Decimals::new(places).count(value).unwrap_or_default() as u64,
            Self::Bits => {
                let bits = value.to_bits();
                if bits & SIGN == 0 { bits | SIGN } else { !bits }
            }
        }
    }

    /// The whole number for what is expected. What computers do not agree on, the bits of what is no number, is never
    /// expected.
    fn expected(self, value: f64) -> u64 {
        self.rank(if value.is_finite() { value } else { 0.0 })
    }

    /// The number that a whole number stands for.
    fn number(self, rank: u64) -> f64 {
        match self {
            Self::Places(places) => Decimals::new(places).number(rank as i64),
            Self::Bits => f64::from_bits(if rank & SIGN == 0 { !rank } else { rank ^ SIGN }),
        }
    }
}

/// Whether a number with so many places comes back bit for bit.
fn is_exact(value: f64, places: u8) -> bool {
    let decimals = Decimals::new(places);
    let count = decimals.count(value);
    count.is_some_and(|count| decimals.number(count).to_bits() == value.to_bits())
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
