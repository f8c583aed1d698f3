//! YAML documents as JSON values, within bounds.
//!
//! The events are granit-parser's; what is made of them is YAML's core schema (1.2), with the merge keys (`<<`) of 1.1 that
//! the tools' own readers know. A key that appears twice is an error, as it is for them.

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

/// The most bytes of a body.
pub const LONGEST_BODY: usize = 1 << 20;
/// The most levels of a document, its root being the first.
const MOST_LEVELS: usize = 64;
/// The most nodes that aliases may stand for, altogether.
const MOST_ALIASED: usize = 1_000;

/// Why a body cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is too long.
    #[error("has more than {LONGEST_BODY} bytes")]
    TooLong,
    /// It is no YAML.
    #[error("line {line}: {reason}")]
    NotYaml {
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// It has more than may be read.
    #[error("line {line}: {reason}")]
    BeyondBound {
        /// The line, from 1.
        line: usize,
        /// Which bound.
        reason: String,
    },
}

/// The documents of a body, in order; an empty one is null.
///
/// # Errors
/// When the body is not YAML or beyond a bound.
pub(crate) fn parse(body: &str) -> Result<Vec<Value>, Unreadable> {
    if body.len() > LONGEST_BODY {
        return Err(Unreadable::TooLong);
    }
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut builder = Builder::default();
    for event in Parser::new_from_str_with_options(body, options) {
        match event {
            Ok((event, span)) => builder.take(event, span.start.line())?,
            Err(error) => {
                let line = error.marker().line();
                return Err(match error.kind() {
                    // The parser's own bound is beyond the one here.
                    ErrorKind::RecursionLimitExceeded => too_deep(line),
                    _ => not_yaml(line, &error.info()),
                });
            }
        }
    }
    Ok(builder.documents)
}

/// A value and what it takes: how many nodes, and how many levels.
#[derive(Clone)]
struct Node {
    value: Value,
    nodes: usize,
    levels: usize,
}

impl Node {
    fn leaf(value: Value) -> Self {
        Self {
            value,
            nodes: 1,
            levels: 1,
        }
    }
}

/// A list or a mapping that is not complete yet.
struct Open {
    anchor: usize,
    content: Content,
    nodes: usize,
    levels: usize,
}

enum Content {
    List(Vec<Value>),
    Mapping {
        fields: Map<String, Value>,
        /// The key whose value comes next.
        key: Option<String>,
        /// What `<<` adds, where the mapping does not say it itself.
        merged: Vec<Map<String, Value>>,
    },
}

#[derive(Default)]
struct Builder {
    documents: Vec<Value>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    /// How many nodes aliases have stood for so far.
    aliased: usize,
}

const MERGE: &str = "<<";

impl Builder {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), Unreadable> {
        match event {
            Event::DocumentStart(..) => self.anchors.clear(),
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.map(|tag| tag.to_string());
                let node = if self.wants_a_key() {
                    Node::leaf(Value::String(text.into_owned()))
                } else {
                    Node::leaf(scalar(&text, style, tag.as_deref()))
                };
                self.add(node, anchor, line)?;
            }
            Event::SequenceStart(_, anchor, _) => {
                self.begin(anchor, Content::List(Vec::new()), line)?;
            }
            Event::MappingStart(_, anchor, _) => {
                let content = Content::Mapping {
                    fields: Map::new(),
                    key: None,
                    merged: Vec::new(),
                };
                self.begin(anchor, content, line)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(line)?,
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err(not_yaml(line, "an alias stands within what it stands for"));
                };
                self.aliased += node.nodes;
                if self.aliased > MOST_ALIASED {
                    let reason = format!("aliases stand for more than {MOST_ALIASED} nodes");
                    return Err(Unreadable::BeyondBound { line, reason });
                }
                let node = node.clone();
                self.add(node, 0, line)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn wants_a_key(&self) -> bool {
        let open = self.open.last().map(|open| &open.content);
        matches!(open, Some(Content::Mapping { key: None, .. }))
    }

    fn begin(&mut self, anchor: usize, content: Content, line: usize) -> Result<(), Unreadable> {
        if self.open.len() >= MOST_LEVELS {
            return Err(too_deep(line));
        }
        self.open.push(Open {
            anchor,
            content,
            nodes: 1,
            levels: 1,
        });
        Ok(())
    }

    fn end(&mut self, line: usize) -> Result<(), Unreadable> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let value = match open.content {
            Content::List(items) => Value::Array(items),
            Content::Mapping {
                mut fields, merged, ..
            } => {
                for (name, value) in merged.into_iter().flatten() {
                    fields.entry(name).or_insert(value);
                }
                Value::Object(fields)
            }
        };
        let node = Node {
            value,
            nodes: open.nodes,
            levels: open.levels,
        };
        self.add(node, open.anchor, line)
    }

    /// Puts a node where it belongs: into what is open, or it is a document.
    fn add(&mut self, node: Node, anchor: usize, line: usize) -> Result<(), Unreadable> {
        if self.open.len() + node.levels > MOST_LEVELS {
            return Err(too_deep(line));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node.value);
            return Ok(());
        };
        open.nodes += node.nodes;
        open.levels = open.levels.max(node.levels + 1);
        match &mut open.content {
            Content::List(items) => items.push(node.value),
            Content::Mapping {
                fields,
                key,
                merged,
            } => match key.take() {
                None => {
                    let text = match node.value {
                        Value::String(text) => text,
                        // No tool has such a field, so that it is reported as one without a use.
                        other => other.to_string(),
                    };
                    if fields.contains_key(&text) {
                        return Err(not_yaml(line, &format!("the key `{text}` appears twice")));
                    }
                    *key = Some(text);
                }
                Some(text) => match (text == MERGE).then(|| mappings(&node.value)).flatten() {
                    Some(mappings) => merged.extend(mappings),
                    None => {
                        fields.insert(text, node.value);
                    }
                },
            },
        }
        Ok(())
    }
}

/// The mappings that `<<` names, the one that counts first in front; `None` where it is a field like any other.
fn mappings(value: &Value) -> Option<Vec<Map<String, Value>>> {
    let values = match value {
        Value::Array(values) => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    values
        .iter()
        .map(|value| value.as_object().cloned())
        .collect()
}

/// A scalar by the core schema. Infinities and what is no number (`.inf`, `.nan`) are texts, as JSON has no such numbers: no
/// field that takes a number takes them.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&str>) -> Value {
    let is_text = match tag {
        Some("!" | "tag:yaml.org,2002:str") => true,
        Some(_) => false,
        None => style != ScalarStyle::Plain,
    };
    if is_text {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
}

/// A number by the core schema: whole ones in digits, octal and hexadecimal, and those with a point or an exponent.
fn number(text: &str) -> Option<Number> {
    let parsed = |digits: &str, base| u64::from_str_radix(digits, base).ok().map(Number::from);
    if let Some(digits) = text.strip_prefix("0x") {
        return parsed(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return parsed(digits, 8);
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.contains(|c: char| c.is_ascii_digit())
        && digits
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    if !is_number {
        return None;
    }
    let text = text.strip_prefix('+').unwrap_or(text);
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    text.parse::<f64>().ok().and_then(Number::from_f64)
}

fn not_yaml(line: usize, reason: &str) -> Unreadable {
    Unreadable::NotYaml {
        line,
        reason: reason.to_owned(),
    }
}

fn too_deep(line: usize) -> Unreadable {
    let reason = format!("has more than {MOST_LEVELS} levels");
    Unreadable::BeyondBound { line, reason }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_are_read_by_the_core_schema() {
        for (text, expected) in [
            ("", vec![]),
            ("# nothing\n", vec![]),
            (
                "---\n# first\na: 1\n---\nb: 2\n",
                vec![json!({"a": 1}), json!({"b": 2})],
            ),
            (
                "a: 1\n---\n---\nb: 2",
                vec![json!({"a": 1}), json!(null), json!({"b": 2})],
            ),
            (
                "- 99.9\n- 1e3\n- .5\n- -4\n- 0x1F\n- 0o17",
                vec![json!([99.9, 1000.0, 0.5, -4, 31, 15])],
            ),
            (
                "- yes\n- 'true'\n- true\n- ~\n-\n- null",
                vec![json!(["yes", "true", true, null, null, null])],
            ),
            (
                "- 1.2.3\n- 5m\n- 1-2\n- e3\n- !!str 5",
                vec![json!(["1.2.3", "5m", "1-2", "e3", "5"])],
            ),
            (
                "t: 2022-01-01 12:00:00",
                vec![json!({"t": "2022-01-01 12:00:00"})],
            ),
            ("1: a\ntrue: b", vec![json!({"1": "a", "true": "b"})]),
            ("a: &x [1]\nb: *x", vec![json!({"a": [1], "b": [1]})]),
            (
                "base: &x {a: 1, b: 2}\none:\n  <<: *x\n  b: 3",
                vec![json!({"base": {"a": 1, "b": 2}, "one": {"a": 1, "b": 3}})],
            ),
            (
                "x: &x {a: 1}\ny: &y {a: 2, b: 2}\nz:\n  <<: [*x, *y]",
                vec![json!({"x": {"a": 1}, "y": {"a": 2, "b": 2}, "z": {"a": 1, "b": 2}})],
            ),
            (
                "a: .nan\nb: [-.inf, 1]\n? [c]\n: d\n<<: 5",
                vec![json!({"a": ".nan", "b": ["-.inf", 1], "[\"c\"]": "d", "<<": 5})],
            ),
            ("q: |\n  sum(\n    x)\n", vec![json!({"q": "sum(\n  x)\n"})]),
        ] {
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_yaml_is_named_with_its_line() {
        for (text, line, said) in [
            ("a: 1\na: 2", 2, "appears twice"),
            ("a: {b: 1, b: 2}", 1, "appears twice"),
            ("a: 1\n\tb: 2", 1, "tab"),
            ("a: [1", 1, ""),
            ("a: 'x", 1, ""),
            ("a: *x", 1, ""),
            ("a: &x [*x]", 1, "within what it stands for"),
        ] {
            match parse(text) {
                Err(Unreadable::NotYaml {
                    line: found,
                    reason,
                }) => {
                    assert!(
                        found >= line && reason.contains(said),
                        "{text}: {found}: {reason}"
                    );
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn bounds_hold() {
        let lists = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(parse(&lists(64)).is_ok());
        let is_beyond = |text: &str| matches!(parse(text), Err(Unreadable::BeyondBound { .. }));
        for levels in [65, 255, 256, 1_000, 100_000] {
            assert!(is_beyond(&lists(levels)), "{levels}");
        }
        assert!(parse(&format!("[{}5{}]", "[".repeat(62), "]".repeat(62))).is_ok());
        assert!(is_beyond(&format!(
            "[{}5{}]",
            "[".repeat(63),
            "]".repeat(63)
        )));
        // What an alias stands for is as deep as if it were written there.
        let aliased = |levels: usize| format!("- &x {}\n- [[*x]]", lists(levels));
        assert!(parse(&aliased(61)).is_ok());
        assert!(is_beyond(&aliased(62)));
        let used = |times: usize| {
            let uses = vec!["*x"; times].join(",");
            format!("a: &x [1,2,3,4]\nb: [{uses}]")
        };
        assert!(parse(&used(200)).is_ok());
        assert!(is_beyond(&used(201)));
        let bomb = "a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]";
        assert!(is_beyond(bomb));
        let body = format!("# {}", "x".repeat(LONGEST_BODY - 2));
        assert_eq!(parse(&body), Ok(Vec::new()));
        assert_eq!(parse(&format!("{body}x")), Err(Unreadable::TooLong));
    }
}
