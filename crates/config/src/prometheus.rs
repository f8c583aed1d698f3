use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::{Host, Url};

use crate::{AwsCredentials, ConfigError, Environment};

/// Where Prometheus is and how to log in.
#[derive(Clone, Debug)]
pub struct PrometheusConfig {
    /// `PROMETHEUS_URL` without user and password; `/api/v1/…` is appended to it.
    pub url: Url,
    /// `PROMETHEUS_AUTH`, or user and password of `PROMETHEUS_URL`.
    pub auth: PrometheusAuth,
    /// `PROMETHEUS_HEADERS`: names and values, sent with each request.
    pub headers: Vec<(String, SecretString)>,
    /// `PROMETHEUS_CA_FILE` or `PROMETHEUS_CA_PEM`: certificates in PEM to trust besides the public roots.
    pub certificates: Option<String>,
}

/// `PROMETHEUS_AUTH`.
#[derive(Clone, Debug)]
pub enum PrometheusAuth {
    /// `none`, the default.
    None,
    /// `basic`.
    Basic {
        /// `PROMETHEUS_USERNAME`.
        username: String,
        /// `PROMETHEUS_PASSWORD`.
        password: SecretString,
    },
    /// `bearer`: `PROMETHEUS_TOKEN`.
    Bearer(SecretString),
    /// `sigv4`: Amazon Managed Service for Prometheus.
    SigV4 {
        /// The region that `PROMETHEUS_URL` names, else `AWS_REGION`.
        region: String,
        /// The function's own.
        credentials: AwsCredentials,
    },
}

impl PrometheusConfig {
    /// Reads the `PROMETHEUS_…` variables.
    ///
    /// # Errors
    /// When the URL is absent or malformed, what the login needs is absent, there are two logins, a header or certificate
    /// cannot be used, or a secret would go off loopback without TLS.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let mut url = environment
            .http_url(URL)?
            .ok_or_else(|| ConfigError::new(URL, "is not set"))?;
        let of_url = user_of(&mut url)?;
        let auth = match environment.get(AUTH).unwrap_or("none") {
            "none" => of_url.map_or(PrometheusAuth::None, |(username, password)| {
                PrometheusAuth::Basic { username, password }
            }),
            "basic" => match of_url {
                Some(_) if environment.get("PROMETHEUS_USERNAME").is_some() => {
                    return Err(two_logins("PROMETHEUS_USERNAME is set"));
                }
                Some((username, password)) => PrometheusAuth::Basic { username, password },
                None => PrometheusAuth::Basic {
                    username: environment.required("PROMETHEUS_USERNAME")?.to_owned(),
                    password: environment.secret("PROMETHEUS_PASSWORD")?,
                },
            },
            other @ ("bearer" | "sigv4") if of_url.is_some() => {
                return Err(two_logins(&format!("PROMETHEUS_AUTH is {other}")));
            }
            "bearer" => PrometheusAuth::Bearer(environment.secret("PROMETHEUS_TOKEN")?),
            "sigv4" => PrometheusAuth::SigV4 {
                region: region_of_workspace(&url)
                    .map_or_else(|| environment.required("AWS_REGION"), Ok)?
                    .to_owned(),
                credentials: AwsCredentials::read(environment)?,
            },
            _ => {
                return Err(ConfigError::new(
                    AUTH,
                    "must be none, basic, bearer or sigv4",
                ));
            }
        };
        let headers = headers(environment)?;
        let is_login = |name: &str| name.eq_ignore_ascii_case("authorization");
        if !matches!(auth, PrometheusAuth::None) && headers.iter().any(|(name, _)| is_login(name)) {
            return Err(ConfigError::new(
                HEADERS,
                "must not have Authorization beside another login",
            ));
        }
        let has_secret = matches!(
            auth,
            PrometheusAuth::Basic { .. } | PrometheusAuth::Bearer(_)
        ) || headers.iter().any(|(name, _)| is_secret(name));
        if has_secret && url.scheme() == "http" && !is_on_loopback(&url) {
            return Err(ConfigError::new(
                URL,
                "is http, so that everybody on the way could read the login: it must be https",
            ));
        }
        Ok(Self {
            url,
            auth,
            headers,
            certificates: environment.certificates("PROMETHEUS")?,
        })
    }
}

const URL: &str = "PROMETHEUS_URL";
const AUTH: &str = "PROMETHEUS_AUTH";
const HEADERS: &str = "PROMETHEUS_HEADERS";

fn two_logins(beside: &str) -> ConfigError {
    ConfigError::new(
        URL,
        format!("has a user and password, and {beside}: use one login"),
    )
}

/// Takes user and password out of a URL.
fn user_of(url: &mut Url) -> Result<Option<(String, SecretString)>, ConfigError> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let decoded = |text: &str| {
        percent_decode_str(text)
            .decode_utf8()
            .map(|text| text.into_owned())
            .map_err(|_| ConfigError::new(URL, "has a user or password that is not UTF-8"))
    };
    let username = decoded(url.username())?;
    let password = decoded(url.password().unwrap_or_default())?;
    // A URL with a host takes both.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Ok(Some((username, password.into())))
}

/// The lines of `PROMETHEUS_HEADERS`, `Name: value` each.
fn headers(environment: &Environment) -> Result<Vec<(String, SecretString)>, ConfigError> {
    let text = environment.get(HEADERS).unwrap_or_default();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .enumerate()
        .map(|(position, line)| {
            // Not the line itself: it may hold a secret.
            let fault = |reason: &str| {
                ConfigError::new(HEADERS, format!("line {}: {reason}", position + 1))
            };
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| fault("must be `Name: value`"))?;
            let (name, value) = (name.trim(), value.trim());
            if name.is_empty() || !name.chars().all(is_of_token) {
                return Err(fault("the name must be of letters, digits and hyphens"));
            }
            if OWN_HEADERS.iter().any(|own| name.eq_ignore_ascii_case(own)) {
                return Err(fault(&format!("{name} is set by the client itself")));
            }
            if value.chars().any(|c| c.is_control() && c != '\t') {
                return Err(fault("the value must not have control characters"));
            }
            Ok((name.to_owned(), value.into()))
        })
        .collect()
}

/// What the requests set themselves.
const OWN_HEADERS: [&str; 7] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "x-prometheus-remote-read-version",
];

/// A character of a header's name (RFC 9110, token).
fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// Whether a header of that name is likely to be a login. A tenant's name is not.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "authorization",
        "cookie",
        "key",
        "token",
        "secret",
        "password",
    ]
    .iter()
    .any(|word| name.contains(word))
}

fn is_on_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// `eu-west-1` of `https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/…`, and of the addresses of FIPS, of VPC endpoints
/// and of both IP versions.
fn region_of_workspace(url: &Url) -> Option<&str> {
    let mut labels = url.host_str()?.split('.');
    labels.find(|label| label.starts_with("aps-workspaces"))?;
    let region = labels.next()?;
    let is_amazon = labels.any(|label| ["amazonaws", "aws"].contains(&label));
    is_amazon.then_some(region)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn the_region_of_a_managed_prometheus_is_in_its_address() {
        for (url, region) in [
            (
                "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1",
                Some("eu-west-1"),
            ),
            (
                "https://aps-workspaces-fips.us-east-1.amazonaws.com/workspaces/ws-1",
                Some("us-east-1"),
            ),
            (
                "https://vpce-0a1b-2c3d.aps-workspaces.eu-west-1.vpce.amazonaws.com/workspaces/ws-1",
                Some("eu-west-1"),
            ),
            (
                "https://aps-workspaces.eu-west-1.api.aws/workspaces/ws-1",
                Some("eu-west-1"),
            ),
            (
                "https://aps-workspaces.cn-north-1.amazonaws.com.cn/workspaces/ws-1",
                Some("cn-north-1"),
            ),
            ("https://aps-workspaces.example", None),
            ("https://aps-workspaces.proxy.example", None),
            ("https://prometheus.example/", None),
        ] {
            assert_eq!(region_of_workspace(&url.parse().unwrap()), region, "{url}");
        }
    }

    #[test]
    fn a_login_goes_off_loopback_through_tls_alone() {
        for (url, auth, is_read) in [
            ("http://prometheus:9090", "none", true),
            ("http://prometheus:9090", "bearer", false),
            ("http://prometheus:9090", "basic", false),
            ("https://prometheus:9090", "bearer", true),
            ("http://127.0.0.1:9090", "bearer", true),
            ("http://[::1]:9090", "basic", true),
            ("http://localhost:9090", "basic", true),
        ] {
            let variables = [
                ("PROMETHEUS_URL", url),
                ("PROMETHEUS_AUTH", auth),
                ("PROMETHEUS_TOKEN", "t"),
                ("PROMETHEUS_USERNAME", "u"),
                ("PROMETHEUS_PASSWORD", "p"),
            ];
            let read = PrometheusConfig::read(&Environment::from_iter(variables));
            assert_eq!(read.is_ok(), is_read, "{url} {auth}");
        }
    }

    fn read(variables: &[(&str, &str)]) -> Result<PrometheusConfig, ConfigError> {
        PrometheusConfig::read(&variables.iter().copied().collect())
    }

    #[test]
    fn user_and_password_of_the_address_are_a_login() {
        let config = read(&[(URL, "https://team%40a:p%3Aw@prometheus:9090/x")]).unwrap();
        assert_eq!(config.url.as_str(), "https://prometheus:9090/x");
        let PrometheusAuth::Basic { username, password } = config.auth else {
            panic!("{:?}", config.auth)
        };
        assert_eq!(
            (username.as_str(), password.expose_secret()),
            ("team@a", "p:w")
        );
        for (url, beside, is_read) in [
            ("http://u:p@prometheus:9090", (AUTH, "none"), false),
            ("http://u:p@127.0.0.1:9090", (AUTH, "none"), true),
            ("http://u@127.0.0.1:9090", (AUTH, "basic"), true),
            ("http://u:p@127.0.0.1:9090", (AUTH, "bearer"), false),
            (
                "http://u:p@127.0.0.1:9090",
                (HEADERS, "Authorization: x"),
                false,
            ),
        ] {
            assert_eq!(
                read(&[(URL, url), beside]).is_ok(),
                is_read,
                "{url} {beside:?}"
            );
        }
    }

    #[test]
    fn headers_are_lines_of_name_and_value() {
        let headers = "X-Scope-OrgID: team-a\n\n  THANOS-TENANT : a:b ";
        let config = read(&[(URL, "http://mimir:8080"), (HEADERS, headers)]).unwrap();
        let pairs: Vec<(&str, &str)> = config
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose_secret()))
            .collect();
        assert_eq!(
            pairs,
            [("X-Scope-OrgID", "team-a"), ("THANOS-TENANT", "a:b")]
        );
        assert!(!format!("{config:?}").contains("team-a"));
        for (headers, said) in [
            ("team-a", "line 1: must be `Name: value`"),
            ("A: b\nnot a name: hunter2", "line 2: the name"),
            ("Host: x", "line 1: Host is set"),
        ] {
            let error = read(&[(URL, "http://mimir"), (HEADERS, headers)]).unwrap_err();
            assert_eq!(error.variable, HEADERS);
            assert!(error.reason.starts_with(said), "{error}");
            assert!(!error.reason.contains("hunter2"));
        }
        let secret = read(&[(URL, "http://mimir"), (HEADERS, "X-Api-Key: k")]);
        assert_eq!(secret.unwrap_err().variable, URL);
    }

    #[test]
    fn what_a_login_needs_is_named() {
        for (auth, named) in [
            ("basic", "PROMETHEUS_USERNAME"),
            ("bearer", "PROMETHEUS_TOKEN"),
            ("sigv4", "AWS_REGION"),
            ("magic", "PROMETHEUS_AUTH"),
        ] {
            let variables = [
                ("PROMETHEUS_URL", "http://127.0.0.1:9090"),
                ("PROMETHEUS_AUTH", auth),
            ];
            let error = PrometheusConfig::read(&Environment::from_iter(variables)).unwrap_err();
            assert_eq!(error.variable, named);
        }
    }
}
