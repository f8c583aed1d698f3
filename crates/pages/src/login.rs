use maud::html;

use crate::Frame;

/// The form that takes a token.
pub fn login(frame: &Frame<'_>, next: Option<&str>, was_wrong: bool) -> String {
    let main = html! {
        h1 { "Sign in" }
        p class="lead" { "Show an API token once; this browser stays signed in for 12 hours." }
        @if was_wrong { p class="note firing" role="alert" { "This is no token of this system." } }
        form class="stack" method="post" action=(frame.path("/ui/login")) {
            div {
                label for="token" { "API token" }
                input id="token" name="token" type="password" autocomplete="current-password" required autofocus aria-invalid=[was_wrong.then_some("true")];
            }
            @if let Some(next) = next { input type="hidden" name="next" value=(next); }
            button { "Sign in" }
        }
        p class="soft" { "A token that begins with " code { "ro:" } " in " code { "API_TOKENS" } " only reads. The token itself is not kept." }
    };
    frame.page("Sign in", None, &main)
}
