//! Real functions behind a real host.

#[cfg(test)]
mod it {
    mod fixture;
    mod http;
    mod invoke;
    mod lifecycle;
    mod start;
}
