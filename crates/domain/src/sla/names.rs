/// The SLA that is meant where none is named.
pub const DEFAULT_NAME: &str = "default";

/// Whether `name` may name an SLA: `[a-z0-9][a-z0-9._-]{0,62}`, and not `try`.
pub fn is_sla_name(name: &str) -> bool {
    let legal =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    begins && name.len() <= 63 && name.chars().all(legal) && name != "try"
}

/// Whether `id` may be an objective's: `[A-Za-z0-9._-]{1,63}`.
pub fn is_objective_id(id: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=63).contains(&id.len()) && id.chars().all(legal)
}

/// Whether `name` is a label's in Prometheus: `[a-zA-Z_][a-zA-Z0-9_]*`.
pub fn is_label_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
