//! Texts that keep a rule: parsed once, at the door, so that nobody checks them again.

/// A text that does not keep the rule of what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid {what}: must be {rule}")]
pub struct InvalidText {
    /// What it should be, such as `SLA name`.
    pub what: &'static str,
    /// The rule, such as `1 to 63 of A-Z a-z 0-9 . _ -`.
    pub rule: &'static str,
}

/// Makes a type of the texts that `keeps` says keep a rule.
///
/// JSON has them as texts; one that does not keep the rule is refused. `also` says which others JSON may have.
macro_rules! checked_text {
    (
        $(#[$about:meta])*
        $name:ident, what: $what:literal, rule: $rule:literal, keeps: $keeps:expr, also: $also:expr
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, schemars::JsonSchema)]
        #[schemars(inline)]
        pub struct $name(String);

        impl $name {
            /// What is wrong with any other text.
            pub const INVALID: $crate::text::InvalidText = $crate::text::InvalidText {
                what: $what,
                rule: $rule,
            };

            /// Reads one.
            ///
            /// # Errors
            /// When the text does not keep the rule.
            pub fn parse(text: impl Into<String>) -> Result<Self, $crate::text::InvalidText> {
                let text = text.into();
                let keeps: fn(&str) -> bool = $keeps;
                if keeps(&text) { Ok(Self(text)) } else { Err(Self::INVALID) }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::text::InvalidText;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let also: fn(&str) -> bool = $also;
                if also(&text) {
                    return Ok(Self(text));
                }
                Self::parse(text).map_err(serde::de::Error::custom)
            }
        }

        impl std::ops::Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }
    };
}
pub(crate) use checked_text;
