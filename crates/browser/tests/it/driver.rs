//! A browser of one's own, driven by chromedriver.

use std::{process::Stdio, sync::LazyLock, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

static AXE: LazyLock<String> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/axe/axe.min.js");
    std::fs::read_to_string(path).unwrap()
});

/// How a page is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    width: u32,
    is_dark: bool,
    with_script: bool,
}

impl View {
    pub(crate) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for with_script in [true, false] {
            for is_dark in [false, true] {
                for width in [1440, 390] {
                    all.push(Self {
                        width,
                        is_dark,
                        with_script,
                    });
                }
            }
        }
        all
    }

    /// Some of all, in which each two of these properties meet in every way.
    pub(crate) fn pairs() -> Vec<Self> {
        let all = Self::all().into_iter();
        let is_chosen = |view: &Self| (view.width == 1440) == (view.is_dark != view.with_script);
        all.filter(is_chosen).collect()
    }

    pub(crate) fn name(self) -> String {
        let scheme = if self.is_dark { "dark" } else { "light" };
        let script = if self.with_script { "" } else { "-no-script" };
        format!("{}-{scheme}{script}", self.width)
    }
}

pub(crate) struct Driver {
    client: Client,
    /// The address of the browser's session.
    session: String,
    process: Option<Child>,
}

/// How an element is called in the answers of the driver (W3C, `WebDriver`, section 12).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

impl Driver {
    /// A browser without a window.
    pub(crate) async fn start() -> Self {
        let (url, process) = match std::env::var("WEBDRIVER_URL") {
            Ok(url) => (url, None),
            Err(_) => {
                let (url, process) = chromedriver().await;
                (url, Some(process))
            }
        };
        let client = http_client::direct()
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap();
        let mut driver = Self {
            client,
            session: url,
            process,
        };
        let options = json!({
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--hide-scrollbars", "--force-color-profile=srgb"],
        });
        let capabilities =
            json!({"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}});
        let asked = json!({"capabilities": {"alwaysMatch": capabilities}});
        let session = driver.post("/session", asked).await;
        let id = session["sessionId"].as_str().unwrap();
        driver.session = format!("{}/session/{id}", driver.session);
        // Between two pages, and while one is parsed, an element is not there yet: the driver looks again for so long.
        driver.post("/timeouts", json!({"implicit": 30_000})).await;
        driver
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.session));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let is_success = answer.status().is_success();
        let mut document: Value = answer.json().await.unwrap();
        assert!(is_success, "{path}: {document}");
        document["value"].take()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.send(Method::POST, path, Some(body)).await
    }

    /// A command of the browser's own protocol.
    async fn own(&self, name: &str, parameters: Value) -> Value {
        self.post(
            "/goog/cdp/execute",
            json!({"cmd": name, "params": parameters}),
        )
        .await
    }

    async fn find(&self, selector: &str) -> String {
        let asked = json!({"using": "css selector", "value": selector});
        let found = self.post("/element", asked).await;
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    /// Looks at pages like this from now on.
    pub(crate) async fn view(&self, view: View) {
        let scheme = if view.is_dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.own("Emulation.setEmulatedMedia", json!({"features": features}))
            .await;
        let height = if view.width < 500 { 844 } else { 900 };
        let metrics = json!({"width": view.width, "height": height, "deviceScaleFactor": 1, "mobile": view.width < 500});
        self.own("Emulation.setDeviceMetricsOverride", metrics)
            .await;
        self.scripts(view.with_script).await;
    }

    /// Looks at pages on a medium (`screen` or `print`) with features of the reader's, such as `forced-colors: active`.
    pub(crate) async fn medium(&self, medium: &str, features: &[(&str, &str)]) {
        let features: Vec<Value> = features
            .iter()
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect();
        let asked = json!({"media": medium, "features": features});
        self.own("Emulation.setEmulatedMedia", asked).await;
    }

    /// Presses Tab, and says what has the focus then.
    pub(crate) async fn tab(&self) -> String {
        for kind in ["keyDown", "keyUp"] {
            let key =
                json!({"type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9});
            self.own("Input.dispatchKeyEvent", key).await;
        }
        let focused = "const own = document.activeElement; own.dataset.reached = 1; return own.outerHTML.slice(0, 120)";
        let focused = self.evaluate(focused).await;
        focused.as_str().unwrap().to_owned()
    }

    async fn scripts(&self, are_run: bool) {
        let disabled = json!({"value": !are_run});
        self.own("Emulation.setScriptExecutionDisabled", disabled)
            .await;
    }

    pub(crate) async fn goto(&self, url: &str) {
        self.post("/url", json!({ "url": url })).await;
    }

    pub(crate) async fn location(&self) -> String {
        let url = self.send(Method::GET, "/url", None).await;
        url.as_str().unwrap().to_owned()
    }

    /// The page's text.
    pub(crate) async fn text(&self) -> String {
        let body = self.find("body").await;
        let path = format!("/element/{body}/text");
        let text = self.send(Method::GET, &path, None).await;
        text.as_str().unwrap().to_owned()
    }

    /// The whole page as a picture.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        let parameters = json!({"captureBeyondViewport": true, "format": "png"});
        let picture = self.own("Page.captureScreenshot", parameters).await;
        STANDARD.decode(picture["data"].as_str().unwrap()).unwrap()
    }

    /// How many pixels the page is wider than its window, or what stands in a cell of the list than its cell.
    pub(crate) async fn overflow(&self) -> i64 {
        let widths = "const over = own => own.scrollWidth - own.clientWidth; \
            return Math.max(over(document.documentElement), ...[...document.querySelectorAll('.slas td')].map(over))";
        self.evaluate(widths).await.as_i64().unwrap()
    }

    /// The result of a script of the test's own.
    pub(crate) async fn evaluate(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({"script": script, "args": []}))
            .await
    }

    /// What axe finds wrong on a page as it was loaded: rule and place. axe itself needs scripts.
    pub(crate) async fn axe(&self, view: View) -> Vec<String> {
        self.scripts(true).await;
        self.evaluate(&AXE).await;
        let run = "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(\
            found => done(found.violations.flatMap(rule => rule.nodes.map(node => \
                `${rule.id}: ${node.html.slice(0, 200)} ${node.failureSummary ?? ''}`))), error => done([String(error)]))";
        let found = self
            .post("/execute/async", json!({"script": run, "args": []}))
            .await;
        self.scripts(view.with_script).await;
        serde_json::from_value(found).unwrap()
    }

    /// What the browser logged since it was asked last: a script or style that the policy refused, an asset that is missing.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", json!({"type": "browser"})).await;
        let entries = log.as_array().cloned().unwrap_or_default();
        let severe = entries.iter().filter(|entry| entry["level"] == "SEVERE");
        let texts = severe.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned());
        // Pages that refuse what is asked are asked for on purpose.
        let is_of_page = |text: &String| {
            text.contains("responded with a status of") && !text.contains("/ui/assets/")
        };
        texts.filter(|text| !is_of_page(text)).collect()
    }

    /// Types into a field.
    pub(crate) async fn fill(&self, field: &str, text: &str) {
        let field = self.find(field).await;
        self.post(&format!("/element/{field}/clear"), json!({}))
            .await;
        self.post(&format!("/element/{field}/value"), json!({ "text": text }))
            .await;
    }

    /// Types into a field and sends its form.
    pub(crate) async fn submit(&self, field: &str, text: &str) {
        self.fill(field, text).await;
        let field = self.find(field).await;
        let enter = json!({"text": "\u{e007}"});
        self.leave(&format!("/element/{field}/value"), enter).await;
    }

    /// Presses a button that leads to another page.
    pub(crate) async fn press(&self, button: &str) {
        let button = self.find(button).await;
        self.leave(&format!("/element/{button}/click"), json!({}))
            .await;
    }

    /// Does something that leads to another page.
    async fn leave(&self, path: &str, body: Value) {
        let before = self.find("html").await;
        self.post(path, body).await;
        // The next page is there once its root is another.
        for _ in 0..600 {
            if self.find("html").await != before {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no page follows");
    }

    pub(crate) async fn stop(mut self) {
        self.send(Method::DELETE, "", None).await;
        if let Some(process) = &mut self.process {
            process.kill().await.unwrap();
        }
    }
}

/// A driver on a port that is free; it ends with the test.
async fn chromedriver() -> (String, Child) {
    // It chooses a port before it takes it: another program may be quicker.
    const TRIES: usize = 10;
    for _ in 0..TRIES {
        if let Some(started) = try_chromedriver().await {
            return started;
        }
    }
    panic!("chromedriver did not say its port in {TRIES} tries");
}

async fn try_chromedriver() -> Option<(String, Child)> {
    let mut process = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("chromedriver is on PATH");
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        let port = line
            .strip_prefix("ChromeDriver was started successfully on port ")
            .map(|port| port.trim_end_matches('.'));
        if let Some(port) = port {
            let url = format!("http://127.0.0.1:{port}");
            // Nobody reads what it says later; a full pipe would stop it.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Some((url, process));
        }
    }
    None
}
