use crate::arrival::Arrival;

/// Whom a path is for, which decides how they show who they are and what they can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Programs: a token in each request, JSON.
    Programs,
    /// People who signed in: a cookie or a token, HTML.
    People,
    /// Whoever has a browser: what it takes to sign in, HTML.
    Anybody,
}

impl Audience {
    /// Whom a request is for, whether there is a route for it or not.
    pub(crate) fn of(arrival: &Arrival) -> Self {
        let paths = arrival.resource.as_deref().into_iter();
        paths
            .chain(arrival.paths())
            .map(Self::of_path)
            .find(|audience| *audience != Self::Programs)
            .unwrap_or(Self::Programs)
    }

    /// Whom a route is for.
    pub(crate) fn of_path(path: &str) -> Self {
        let mut segments = path.split('/').skip(1);
        match (segments.next(), segments.next()) {
            (Some("ui"), Some("login" | "logout" | "assets")) => Self::Anybody,
            (Some("ui"), _) => Self::People,
            _ => Self::Programs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_with_ui_is_for_people() {
        for (path, audience) in [
            ("/", Audience::Programs),
            ("/sla/ui", Audience::Programs),
            ("/uix", Audience::Programs),
            ("/ui", Audience::People),
            ("/ui/", Audience::People),
            ("/ui/sla/login", Audience::People),
            ("/ui/nowhere", Audience::People),
            ("/ui/login", Audience::Anybody),
            ("/ui/assets/style.css", Audience::Anybody),
        ] {
            assert_eq!(Audience::of(&Arrival::at(path)), audience, "{path}");
        }
    }
}
