//! Which server it is: Prometheus, or one of those that speak its API.

use serde::Deserialize;

use crate::{Prometheus, response::document};

impl Prometheus {
    /// Name and version.
    pub(super) async fn identity(&self) -> (Option<String>, Option<String>) {
        #[derive(Default, Deserialize)]
        struct Answer {
            #[serde(default)]
            data: BuildInfo,
        }
        #[derive(Default, Deserialize)]
        struct BuildInfo {
            application: Option<String>,
            version: Option<String>,
            revision: Option<String>,
            #[serde(rename = "goVersion")]
            go_version: Option<String>,
        }
        let unknown = || (None, None);
        let named = |name: &str, version| (Some(name.to_owned()), version);
        if self.is_signed() {
            return named("Amazon Managed Service for Prometheus", None);
        }
        let Ok(response) = self.get("api/v1/status/buildinfo").await else {
            return unknown();
        };
        let is_victoria = response.headers().contains_key("x-server-hostname");
        let Ok(body) = document(response).await else {
            return unknown();
        };
        let Answer { data } = serde_json::from_slice(&body).unwrap_or_default();
        if is_victoria {
            // Its build information is that of a Prometheus that it stands in for.
            return named("VictoriaMetrics", self.version_of_victoria().await);
        }
        // What was not built for a release has an empty version.
        let version = data.version.filter(|version| !version.is_empty());
        let is_old = version
            .as_ref()
            .is_some_and(|version| version.starts_with("0."));
        match data.application {
            Some(application) => named(&application, version),
            None if is_old && data.revision.is_some() => named("Thanos", version),
            None if version.is_some() || data.go_version.is_some() => named("Prometheus", version),
            None => unknown(),
        }
    }

    /// What it says of itself among its own metrics.
    async fn version_of_victoria(&self) -> Option<String> {
        let body = document(self.get("metrics").await.ok()?).await.ok()?;
        let text = String::from_utf8_lossy(&body);
        let line = text
            .lines()
            .find(|line| line.starts_with("vm_app_version{"))?;
        let version = ["short_version=\"", "version=\""]
            .iter()
            .filter_map(|label| line.split_once(label)?.1.split('"').next())
            .find(|version| !version.is_empty())?;
        Some(version.to_owned())
    }
}
