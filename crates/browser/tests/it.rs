//! Every page in a real browser: with and without its script, light and dark, on a phone and on a desk. Chromium and
//! chromedriver are on PATH, or `WEBDRIVER_URL` says where a driver listens. Pictures are left in `target/pages`; with `RENEW=1`
//! the list is the picture in the README, too.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "it/data.rs"]
mod data;
#[path = "it/driver.rs"]
mod driver;
#[path = "it/server.rs"]
mod server;

use std::{fs, path::PathBuf};

use data::filled;
use driver::{Driver, View};
use server::{Access, Server};

/// Every page, and what it has to say.
const PAGES: [(&str, &str, &str); 12] = [
    ("list", "/ui", "out of its range now"),
    (
        "list-empty",
        "/ui?q=nothing-is-called-so",
        "No objective fits",
    ),
    ("list-then", "/ui?as_of=-1m", "As it was known at"),
    ("sla", "/ui/sla/web", "in range"),
    ("objective", "/ui/sla/web/cpu", "likely"),
    (
        "objective-events",
        "/ui/sla/shop/availability",
        "Error budget",
    ),
    ("series", "/ui/series", "cpuUsage"),
    ("runs", "/ui/runs", "run"),
    ("alerts", "/ui/alerts", "alert"),
    ("try", "/ui/try", "Nothing is saved"),
    ("new", "/ui/sla", "A new SLA"),
    ("nowhere", "/ui/nowhere", "There is no such page"),
];

fn pictures() -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/pages");
    fs::create_dir_all(&directory).unwrap();
    directory
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_whole_and_accessible() {
    let database = filled().await;
    let server = Server::start(database.store().clone(), Access::Anybody).await;
    let driver = Driver::start().await;
    let mut checked = 0;
    for view in View::all() {
        driver.view(view).await;
        for (name, path, says) in PAGES {
            driver.goto(&server.url(path)).await;
            let file = format!("{name}-{}.png", view.name());
            let picture = driver.picture().await;
            if file == "list-1440-light.png" && std::env::var_os("RENEW").is_some() {
                let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/page.png");
                fs::write(readme, &picture).unwrap();
            }
            fs::write(pictures().join(&file), picture).unwrap();
            assert!(driver.text().await.contains(says), "{file}: {says}");
            let overflow = driver.overflow().await;
            assert!(overflow <= 0, "{file} is {overflow} px too wide");
            let violations = driver.axe(view).await;
            assert_eq!(violations, Vec::<String>::new(), "{file}");
            checked += 1;
        }
        let complaints = driver.complaints().await;
        assert_eq!(complaints, Vec::<String>::new(), "{}", view.name());
    }
    eprintln!("axe: {checked} pages, 0 violations");
    driver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_adds_a_cursor_and_keys() {
    let database = filled().await;
    let server = Server::start(database.store().clone(), Access::Anybody).await;
    let driver = Driver::start().await;
    driver.view(View::all()[0]).await;
    driver.goto(&server.url("/ui/sla/web/cpu")).await;
    let slider = "document.querySelector('.chart input[type=range]')";
    let read = driver
        .evaluate(&format!(
            "const s = {slider}; s.focus(); s.value = 980; s.dispatchEvent(new Event('input')); \
             return document.querySelector('.head output').value"
        ))
        .await;
    assert!(read.as_str().unwrap().contains("about"), "{read}");
    driver.goto(&server.url("/ui")).await;
    let focused = driver
        .evaluate(
            "dispatchEvent(new KeyboardEvent('keydown', {key: '/'})); return document.activeElement.name",
        )
        .await;
    assert_eq!(focused, "q");
    driver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_leads_to_the_page_that_was_asked_for() {
    let database = filled().await;
    let server = Server::start(database.store().clone(), Access::Token).await;
    let driver = Driver::start().await;
    let phone = View::all()[1];
    driver.view(phone).await;
    driver.goto(&server.url("/ui/sla/web/cpu?from=-1h")).await;
    fs::write(pictures().join("login.png"), driver.picture().await).unwrap();
    assert_eq!(driver.axe(phone).await, Vec::<String>::new());
    driver.submit("#token", "wrong-wrong-wrong").await;
    assert!(driver.text().await.contains("This is no token"));
    driver.submit("#token", server::TOKEN).await;
    assert!(
        driver
            .location()
            .await
            .ends_with("/ui/sla/web/cpu?from=-1h")
    );
    // A form of the page itself is let through.
    driver
        .evaluate(
            "document.querySelector('form[action$=exclusions]').closest('details').open = true",
        )
        .await;
    driver.fill("#ex-from", "-1h").await;
    driver.fill("#ex-to", "now").await;
    driver.submit("#ex-reason", "an upgrade").await;
    assert!(driver.text().await.contains("an upgrade"));
    driver.stop().await;
}
