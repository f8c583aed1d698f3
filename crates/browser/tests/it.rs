//! Every page in a real browser: with and without its script, light and dark, on a phone and on a desk. Chromium and
//! chromedriver are on PATH, or `WEBDRIVER_URL` says where a driver listens. Pictures are left in `target/pages`; with `RENEW=1`
//! the list is the picture in the README, too.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "it/asked.rs"]
mod asked;
#[path = "it/data.rs"]
mod data;
#[path = "it/driver.rs"]
mod driver;
#[path = "it/server.rs"]
mod server;
#[path = "it/told.rs"]
mod told;

use std::{fs, path::PathBuf};

use asked::{EMPTY, FORMS, PAGES, Page, STATES};
use data::{filled, presentable};
use driver::{Driver, View};
use server::{Access, Server};

/// Looks at pages as they are drawn and as axe finds them, and says how many it looked at.
async fn look(
    driver: &Driver,
    server: &Server,
    view: View,
    name: &str,
    pages: &[Page<'_>],
) -> usize {
    for (page, path, says) in pages {
        driver.goto(&server.url(path)).await;
        inspect(driver, view, &format!("{page}-{name}.png"), says).await;
    }
    let complaints = driver.complaints().await;
    assert_eq!(complaints, Vec::<String>::new(), "{name}");
    pages.len()
}

/// The page that the driver is at has this to say, is whole, and is as axe wants it.
async fn inspect(driver: &Driver, view: View, file: &str, says: &str) {
    let picture = driver.picture().await;
    fs::write(pictures().join(file), picture).unwrap();
    assert!(driver.text().await.contains(says), "{file}: {says}");
    let overflow = driver.overflow().await;
    assert!(overflow <= 0, "{file} is {overflow} px too wide");
    let violations = driver.axe(view).await;
    assert_eq!(violations, Vec::<String>::new(), "{file}");
    let injected =
        "return typeof injected + document.querySelectorAll('main script, main img').length";
    assert_eq!(driver.evaluate(injected).await, "undefined0", "{file}");
}

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
    let series = format!("/ui/series/{}", data::series());
    let mut pages: Vec<Page<'_>> = PAGES.to_vec();
    pages.push(("one-series", series.as_str(), "cpuUsage"));
    let mut checked = 0;
    for view in View::all() {
        driver.view(view).await;
        checked += look(&driver, &server, view, &view.name(), &pages).await;
    }
    eprintln!("axe: {checked} pages, 0 violations");
    driver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_the_picture_of_the_readme() {
    let database = presentable().await;
    let server = Server::start(database.store().clone(), Access::Anybody).await;
    let driver = Driver::start().await;
    let view = View::all()[0];
    driver.view(view).await;
    driver.goto(&server.url("/ui")).await;
    inspect(&driver, view, "readme.png", "out of its range now").await;
    if std::env::var_os("RENEW").is_some() {
        let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/page.png");
        fs::write(readme, driver.picture().await).unwrap();
    }
    driver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_state_and_answer_is_whole_and_accessible() {
    let database = filled().await;
    let server = Server::start(database.store().clone(), Access::Anybody).await;
    let late = Server::late(database.store().clone()).await;
    let driver = Driver::start().await;
    let of_fleet = |instance| {
        format!(
            "/ui/sla/fleet/cpu?series={}",
            data::series_of_fleet(instance)
        )
    };
    let (frozen, ended) = (of_fleet("frozen"), of_fleet("ended"));
    let mut states: Vec<Page<'_>> = STATES.to_vec();
    states.push(("objective-frozen", frozen.as_str(), "Frozen"));
    states.push(("objective-ended", ended.as_str(), "ended"));
    let lates = [
        ("list-stale", "/ui", "stale"),
        ("sla-stale", "/ui/sla/web", "stale"),
        ("objective-stale", "/ui/sla/web/cpu", "known too long ago"),
        (
            "try-away",
            "/ui/try?metric=cpuUsage&max=40",
            "Something that this page needs is away",
        ),
    ];
    let mut checked = 0;
    for view in View::pairs() {
        driver.view(view).await;
        let name = view.name();
        checked += look(&driver, &server, view, &name, &states).await;
        checked += look(&driver, &late, view, &name, &lates).await;
        for sent in &FORMS {
            driver.goto(&server.url(sent.path)).await;
            if !sent.before.is_empty() {
                driver.evaluate(sent.before).await;
            }
            for (field, text) in sent.fields {
                driver.fill(field, text).await;
            }
            driver.press(sent.button).await;
            let file = format!("{}-{name}.png", sent.page);
            inspect(&driver, view, &file, sent.says).await;
            checked += 1;
        }
    }
    eprintln!("axe: {checked} pages, 0 violations");
    driver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_signed_in_or_may_only_read_is_told_so() {
    let database = filled().await;
    let server = Server::start(database.store().clone(), Access::Token).await;
    let driver = Driver::start().await;
    let mut checked = 0;
    for view in View::pairs() {
        driver.view(view).await;
        let name = view.name();
        let file = |page: &str| format!("{page}-{name}.png");
        driver.goto(&server.url("/ui/sla/web")).await;
        inspect(&driver, view, &file("login"), "Sign in").await;
        driver.submit("#token", "wrong-wrong-wrong").await;
        inspect(&driver, view, &file("login-wrong"), "This is no token").await;
        driver.submit("#token", server::READER).await;
        inspect(&driver, view, &file("signed-in"), "Sign out").await;
        driver.press("[value=retire]").await;
        inspect(&driver, view, &file("forbidden"), "This is not permitted").await;
        driver.goto(&server.url("/ui")).await;
        driver.press("form[action$=logout] button").await;
        checked += 4;
    }
    eprintln!("axe: {checked} pages, 0 violations");
    driver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_slides_over_what_was_measured() {
    let database = filled().await;
    let server = Server::start(database.store().clone(), Access::Anybody).await;
    let driver = Driver::start().await;
    driver.view(View::all()[0]).await;
    let path = "/ui/try?metric=cpuUsage&max=40&for=1m";
    driver.goto(&server.url(path)).await;
    let slid = "const s = document.getElementById('slide'); s.focus(); s.value = 50; s.dispatchEvent(new Event('input')); \
        return document.getElementById('try-max').value + document.querySelector('.slide output').value";
    let slid = driver.evaluate(slid).await;
    let slid = slid.as_str().unwrap();
    // The step of the slider is a part of what the chart shows.
    let (_, counted) = slid.split_once(": ").unwrap();
    assert!(slid.starts_with("50") || slid.starts_with("49"), "{slid}");
    assert!(
        counted.ends_with(" averages are beyond it") && !counted.starts_with("0 of"),
        "{slid}"
    );
    // A time cannot be chosen there.
    let dragged = "document.querySelector('.chart').dispatchEvent(new MouseEvent('dblclick', {bubbles: true})); return location.search";
    let search = path.split_once("/try").unwrap().1;
    assert_eq!(driver.evaluate(dragged).await, search);
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

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_whole_in_the_readers_own_colours_and_on_paper() {
    let database = filled().await;
    let server = Server::start(database.store().clone(), Access::Anybody).await;
    let driver = Driver::start().await;
    let mut checked = 0;
    let view = View::all()[0];
    driver.view(view).await;
    for (name, medium, features) in [
        (
            "forced",
            "screen",
            &[
                ("forced-colors", "active"),
                ("prefers-reduced-motion", "reduce"),
            ][..],
        ),
        ("paper", "print", &[][..]),
    ] {
        driver.medium(medium, features).await;
        let name = format!("{}-{name}", view.name());
        checked += look(&driver, &server, view, &name, &PAGES).await;
    }
    eprintln!("axe: {checked} pages, 0 violations");
    driver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_and_one_of_ten_thousand_series_are_shown() {
    let (empty, crowded) = (
        store::testing::TestDatabase::create().await,
        data::crowded(10_000).await,
    );
    let empty = Server::start(empty.store().clone(), Access::Anybody).await;
    let full = Server::start(crowded.store().clone(), Access::Anybody).await;
    let driver = Driver::start().await;
    let mut checked = 0;
    let all = View::all();
    for view in [all[0], all[all.len() - 1]] {
        driver.view(view).await;
        let name = format!("{}-empty", view.name());
        checked += look(&driver, &empty, view, &name, &EMPTY).await;
        let name = format!("{}-crowded", view.name());
        let pages = [("series", "/ui/series", "next")];
        checked += look(&driver, &full, view, &name, &pages).await;
        let next = "return document.querySelector('a[rel=next]').href";
        let next = driver.evaluate(next).await;
        driver.goto(next.as_str().unwrap()).await;
        assert!(driver.text().await.contains("cpuUsage"));
    }
    eprintln!("axe: {checked} pages, 0 violations");
    driver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_reaches_every_link_and_field() {
    let database = filled().await;
    let server = Server::start(database.store().clone(), Access::Anybody).await;
    let driver = Driver::start().await;
    driver.view(View::all()[0]).await;
    // Each kind of link and field is on one of these.
    let kinds = ["list-empty", "objective-events", "alerts", "try", "new"];
    for (name, path, _) in PAGES.iter().filter(|page| kinds.contains(&page.0)) {
        driver.goto(&server.url(path)).await;
        let first = driver.tab().await;
        assert!(first.contains("Skip to the content"), "{name}: {first}");
        let missing = "return [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]\
            .filter(own => own.type !== 'hidden' && own.checkVisibility() && !own.dataset.reached)\
            .map(own => own.outerHTML.slice(0, 120))";
        let all = driver.evaluate(missing).await.as_array().unwrap().len();
        // Whatever scrolls by itself is reached, too.
        for _ in 0..2 * all + 20 {
            driver.tab().await;
        }
        let missing = driver.evaluate(missing).await;
        assert_eq!(missing, serde_json::json!([]), "{name}");
    }
    driver.stop().await;
}
