//! The configuration with its secrets filled in.

use std::error::Error;

use config::{
    AwsCredentials, ConfigError, DatabaseConfig, Environment, ExposeSecret, KafkaConfig,
    PrometheusConfig, SecretString,
};
use url::Url;

use crate::secrets::{Secret, SecretError};

/// What a secret says, under the names of the variables it stands for.
type Variables = Vec<(&'static str, SecretString)>;

/// A variable with an ARN, and how the secret there becomes other variables.
struct Source {
    variable: &'static str,
    read: fn(&Secret, &Environment) -> Result<Variables, SecretError>,
}

/// That of the database is read again when the server refuses the login.
const DATABASE: Source = Source {
    variable: "DATABASE_SECRET_ARN",
    read: database_variables,
};

/// That of Kafka is too, when a broker refuses the login.
const KAFKA: Source = Source {
    variable: "KAFKA_SECRET_ARN",
    read: kafka_variables,
};

const KAFKA_CA: Source = Source {
    variable: "KAFKA_CA_SECRET_ARN",
    read: kafka_ca,
};

/// That of Prometheus is too, when the server refuses the login.
const PROMETHEUS: Source = Source {
    variable: "PROMETHEUS_SECRET_ARN",
    read: prometheus_variables,
};

const SOURCES: [Source; 7] = [
    DATABASE,
    KAFKA,
    KAFKA_CA,
    PROMETHEUS,
    Source {
        variable: "API_TOKENS_SECRET_ARN",
        read: api_tokens,
    },
    Source {
        variable: "ALERTMANAGER_SECRET_ARN",
        read: alertmanager,
    },
    Source {
        variable: "ALERT_WEBHOOKS_SECRET_ARN",
        read: alert_webhooks,
    },
];

/// The environment of this process, in which each `…_SECRET_ARN` is replaced by what its secret says. Called once, when
/// an instance starts; the secrets are asked for one after the other.
///
/// # Errors
/// When a secret cannot be read or lacks a key. The error names the variable, and the key, but no value.
pub async fn environment() -> Result<Environment, ConfigError> {
    resolved(Environment::of_process()).await
}

/// The same of an environment that is given.
///
/// # Errors
/// As [`environment`].
pub async fn resolved(environment: Environment) -> Result<Environment, ConfigError> {
    resolved_by(environment, &SOURCES).await
}

/// How to reach the database now: its secret is read once more.
///
/// # Errors
/// When there is no secret, it cannot be read, or what it says is no configuration.
pub async fn database() -> Result<DatabaseConfig, ConfigError> {
    let environment = Environment::of_process();
    environment.required(DATABASE.variable)?;
    let environment = resolved_by(environment, &[DATABASE]).await?;
    DatabaseConfig::read(&environment)
}

/// How to log in to Kafka now: its secret is read once more.
///
/// # Errors
/// As [`database`].
pub async fn kafka() -> Result<KafkaConfig, ConfigError> {
    let environment = Environment::of_process();
    environment.required(KAFKA.variable)?;
    let environment = resolved_by(environment, &[KAFKA, KAFKA_CA]).await?;
    KafkaConfig::read(&environment)
}

/// How to log in to Prometheus now: its secret is read once more.
///
/// # Errors
/// As [`database`].
pub async fn prometheus() -> Result<PrometheusConfig, ConfigError> {
    let environment = Environment::of_process();
    environment.required(PROMETHEUS.variable)?;
    let environment = resolved_by(environment, &[PROMETHEUS]).await?;
    PrometheusConfig::read(&environment)
}

async fn resolved_by(
    environment: Environment,
    sources: &[Source],
) -> Result<Environment, ConfigError> {
    let mut found = Variables::new();
    for source in sources {
        let Some(arn) = environment.get(source.variable) else {
            continue;
        };
        let credentials = AwsCredentials::read(&environment)?;
        let endpoint = endpoint(&environment)?;
        let read = async {
            let secret = Secret::read(arn, &credentials, endpoint).await?;
            (source.read)(&secret, &environment)
        };
        let variables = read
            .await
            .map_err(|error| ConfigError::new(source.variable, with_causes(&error)))?;
        found.extend(variables);
    }
    Ok(environment.with(
        found
            .iter()
            .map(|(variable, value)| (*variable, value.expose_secret())),
    ))
}

/// Where Secrets Manager is, if it is not where AWS has it: the variables are those of the SDKs.
fn endpoint(environment: &Environment) -> Result<Option<Url>, ConfigError> {
    match environment.http_url("AWS_ENDPOINT_URL_SECRETS_MANAGER")? {
        Some(url) => Ok(Some(url)),
        None => environment.http_url("AWS_ENDPOINT_URL"),
    }
}

/// User and password, and where the database is unless `DATABASE_URL` says so: the keys are those that Aurora, RDS and
/// their rotation use.
fn database_variables(
    secret: &Secret,
    environment: &Environment,
) -> Result<Variables, SecretError> {
    let (username, password) = (secret.required("username")?, secret.required("password")?);
    let given = environment.get("DATABASE_URL").map(Url::parse);
    let mut url = match given {
        Some(Ok(url)) => url,
        // What is wrong with it is found by whoever reads it.
        Some(Err(_)) => return Ok(Variables::new()),
        None => {
            let host = secret.required("host")?;
            let text = |key| {
                secret
                    .get(key)
                    .map(|value| value.expose_secret().to_owned())
            };
            let port = text("port").unwrap_or_else(|| "3306".to_owned());
            let name = text("dbname").unwrap_or_else(|| "DataStorage".to_owned());
            let host = host.expose_secret();
            Url::parse(&format!("mysql://{host}:{port}/{name}"))
                .map_err(|_| SecretError::MissingKey("host"))?
        }
    };
    // A URL without a host takes neither, and is refused by whoever reads it.
    let _ = url.set_username(username.expose_secret());
    let _ = url.set_password(Some(password.expose_secret()));
    let mut variables = vec![("DATABASE_URL", url.as_str().into())];
    variables.extend(certificates(secret, "DATABASE_CA_PEM"));
    Ok(variables)
}

fn kafka_variables(secret: &Secret, _: &Environment) -> Result<Variables, SecretError> {
    let mut variables = vec![
        ("KAFKA_USERNAME", secret.required("username")?),
        ("KAFKA_PASSWORD", secret.required("password")?),
    ];
    variables.extend(certificates(secret, "KAFKA_CA_PEM"));
    Ok(variables)
}

/// The certificate of Kafka's CA, as Lambda's pollers read it from a secret.
fn kafka_ca(secret: &Secret, _: &Environment) -> Result<Variables, SecretError> {
    Ok(vec![("KAFKA_CA_PEM", secret.required("certificate")?)])
}

/// The certificates to trust besides the public roots, under the name of their variable or as `ca_pem`.
fn certificates(secret: &Secret, variable: &'static str) -> Option<(&'static str, SecretString)> {
    let found = secret.get(variable).or_else(|| secret.get("ca_pem"));
    found.map(|pem| (variable, pem))
}

/// The login that `PROMETHEUS_AUTH` asks for, the object `headers`, and the certificates to trust.
fn prometheus_variables(
    secret: &Secret,
    environment: &Environment,
) -> Result<Variables, SecretError> {
    let headers = secret.object("headers")?;
    let certificates = certificates(secret, "PROMETHEUS_CA_PEM");
    let mut found = match environment.get("PROMETHEUS_AUTH") {
        Some("bearer") => vec![("PROMETHEUS_TOKEN", secret.required("token")?)],
        // A secret may hold headers alone.
        None | Some("none" | "sigv4") if headers.is_some() || certificates.is_some() => Vec::new(),
        _ => vec![
            ("PROMETHEUS_USERNAME", secret.required("username")?),
            ("PROMETHEUS_PASSWORD", secret.required("password")?),
        ],
    };
    if let Some(headers) = headers {
        let lines = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.expose_secret()));
        let lines: Vec<String> = lines.collect();
        found.push(("PROMETHEUS_HEADERS", lines.join("\n").into()));
    }
    found.extend(certificates);
    Ok(found)
}

fn api_tokens(secret: &Secret, _: &Environment) -> Result<Variables, SecretError> {
    Ok(vec![("API_TOKENS", secret.required("tokens")?)])
}

/// The login that `ALERTMANAGER_AUTH` asks for.
fn alertmanager(secret: &Secret, environment: &Environment) -> Result<Variables, SecretError> {
    Ok(match environment.get("ALERTMANAGER_AUTH") {
        Some("bearer") => vec![("ALERTMANAGER_TOKEN", secret.required("token")?)],
        _ => vec![
            ("ALERTMANAGER_USERNAME", secret.required("username")?),
            ("ALERTMANAGER_PASSWORD", secret.required("password")?),
        ],
    })
}

/// `webhooks`, the text of `ALERT_WEBHOOKS`, and `secret`, where all of them share one.
fn alert_webhooks(secret: &Secret, _: &Environment) -> Result<Variables, SecretError> {
    let mut found = vec![("ALERT_WEBHOOKS", secret.required("webhooks")?)];
    found.extend(
        secret
            .get("secret")
            .map(|own| ("ALERT_WEBHOOK_SECRET", own)),
    );
    Ok(found)
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
