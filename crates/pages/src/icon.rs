use maud::{Markup, PreEscaped, html};

/// A symbol of [`symbols`], beside a word that says the same.
pub(crate) fn icon(name: &str) -> Markup {
    html! { svg class="i" aria-hidden="true" { use href={ "#" (name) } {} } }
}

/// The symbols of a page, once.
pub(crate) fn symbols() -> Markup {
    PreEscaped(SYMBOLS.to_owned())
}

const SYMBOLS: &str = r##"<svg width="0" height="0" class="sr" aria-hidden="true"><defs><symbol id="firing" viewBox="0 0 16 16"><path d="M8 1.6 15 14H1z"/><path d="M8 6v4M8 12v.1"/></symbol><symbol id="pending" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.3"/><path d="M8 4.4V8.2l2.4 1.5"/></symbol><symbol id="ok" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.3"/><path d="m5.2 8.2 2 2 3.7-4.1"/></symbol><symbol id="no_data" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.3" stroke-dasharray="2.5 2.4"/><path d="M5.4 8h5.2"/></symbol><symbol id="ended" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.3"/><path d="M6 6h4v4H6z"/></symbol><symbol id="frozen" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.3"/><path d="M6.4 5.5v5M9.6 5.5v5"/></symbol><symbol id="over" viewBox="0 0 16 16"><path d="M8 3 13.5 12.5h-11z"/></symbol><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path d="M0 0v7" class="hatch"/></pattern></defs></svg>"##;
