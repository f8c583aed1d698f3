//! JSON pointers (RFC 6901) to what is wrong in a document.

/// What is shown of a member's name at most, characters.
const LONGEST_NAME: usize = 255;

/// The pointer to a member of what `pointer` points to, its name escaped and cut to a length fit for an error.
pub fn below(pointer: &str, member: &str) -> String {
    let name: String = member.chars().take(LONGEST_NAME).collect();
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_escaped_and_cut() {
        assert_eq!(below("/objectives/0", "a/b~c"), "/objectives/0/a~1b~0c");
        assert_eq!(below("", &"é".repeat(1000)).chars().count(), 256);
    }
}
