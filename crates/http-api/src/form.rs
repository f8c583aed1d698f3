use std::collections::BTreeMap;

use lambda_http::http::{HeaderMap, header};

use crate::{ApiError, Fault};

/// The fields of a form. Each is taken once; [`Form::finish`] then reports those that nobody took.
#[derive(Debug)]
pub struct Form(BTreeMap<String, String>);

const MOST_FIELDS: usize = 100;

impl Form {
    /// The fields of a body; an empty body has none.
    pub(crate) fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Self, ApiError> {
        if body.is_empty() {
            return Ok(Self(BTreeMap::new()));
        }
        let content_type = headers.get(header::CONTENT_TYPE);
        let essence = content_type
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .unwrap_or_default();
        if !essence
            .trim()
            .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        {
            return Err(wrong(
                "",
                "must be a form: application/x-www-form-urlencoded",
            ));
        }
        let mut fields = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(body) {
            if fields.len() == MOST_FIELDS {
                return Err(wrong("", "has more than 100 fields"));
            }
            // A browser ends lines as mail does.
            let value = value.replace("\r\n", "\n");
            if fields.insert(name.to_string(), value).is_some() {
                return Err(wrong(&name, "appears twice"));
            }
        }
        Ok(Self(fields))
    }

    /// A field's text without the space around it; `None` where it is missing or empty.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let text = self.0.remove(name)?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// There is nothing else.
    ///
    /// # Errors
    /// When there is a field that nobody took.
    pub fn finish(self) -> Result<(), ApiError> {
        match self.0.into_keys().next() {
            Some(name) => Err(wrong(&name, "is not a field of this form")),
            None => Ok(()),
        }
    }
}

fn wrong(field: &str, detail: &str) -> ApiError {
    let field: String = field.chars().take(64).collect();
    ApiError::Invalid(vec![Fault::at(field, detail)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(content_type: &str, body: &str) -> Result<Form, u16> {
        let headers = [(header::CONTENT_TYPE, content_type.parse().unwrap())];
        Form::parse(&headers.into_iter().collect(), body.as_bytes())
            .map_err(|error| error.status().as_u16())
    }

    const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

    #[test]
    fn fields_are_taken_by_name() {
        let mut form = parse(FORM, "from=-3h&to=+now+&reason=&a%26b=%3Cb%3E%0D%0Ax").unwrap();
        assert_eq!(form.take("from").as_deref(), Some("-3h"));
        assert_eq!(form.take("to").as_deref(), Some("now"));
        assert_eq!(form.take("reason"), None);
        assert_eq!(form.take("a&b").as_deref(), Some("<b>\nx"));
        assert!(form.finish().is_ok());
    }

    #[test]
    fn what_is_no_form_is_refused() {
        assert_eq!(parse("application/json", "{}").err(), Some(422));
        assert_eq!(parse(FORM, "a=1&a=2").err(), Some(422));
        assert!(parse(FORM, "a=1").unwrap().finish().is_err());
    }
}
