//! Shares and percentages by their decimal digits: a division of binary numbers would add some (99.9 / 100 is
//! 0.9990000000000001).

/// The share that a percentage is.
pub(crate) fn of_percent(percent: f64) -> f64 {
    format!("{percent}e-2").parse().unwrap_or(percent / 100.0)
}

/// What is left of the whole: 0.05 of 0.95.
pub(crate) fn rest(share: f64) -> f64 {
    let text = format!("{share}");
    let exact = || {
        let digits = text.strip_prefix("0.")?;
        let scale = 10_i128.checked_pow(u32::try_from(digits.len()).ok()?)?;
        let rest = scale.checked_sub(digits.parse().ok()?)?;
        format!("{rest}e-{}", digits.len()).parse().ok()
    };
    exact().unwrap_or(1.0 - share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_the_digits_that_were_written() {
        for (percent, share, left) in [
            (99.9, 0.999, 0.001),
            (99.99, 0.9999, 0.0001),
            (95.0, 0.95, 0.05),
            (99.0, 0.99, 0.01),
            (99.95, 0.9995, 0.0005),
            (7.0, 0.07, 0.93),
        ] {
            let found = of_percent(percent);
            assert_eq!(found.to_bits(), f64::to_bits(share), "{percent}");
            assert_eq!(rest(found).to_bits(), f64::to_bits(left), "{percent}");
        }
    }
}
