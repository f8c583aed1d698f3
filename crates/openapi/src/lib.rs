//! Where the routes of all functions come together, in a test: no function depends on another.
//!
//! The routes stand in `routes.rs` of each function. `RENEW=1 cargo test -p openapi` writes what follows from them, the
//! OpenAPI document and the list of `GET /` (`crates/http-api/src/openapi.json`, `routes.json`) and the router of `cargo
//! lambda watch` (`Cargo.toml`); without `RENEW` the test compares, with `template.yaml` too.
