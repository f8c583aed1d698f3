use config::{ConfigError, Environment};
use url::Url;

/// Where a service of AWS is in a region: where `AWS_ENDPOINT_URL_SERVICE` or `AWS_ENDPOINT_URL` say, else where AWS has
/// it.
pub(crate) fn endpoint(
    service: &str,
    region: &str,
    environment: &Environment,
) -> Result<Url, ConfigError> {
    let own = format!("AWS_ENDPOINT_URL_{}", service.to_uppercase());
    if let Some(url) = environment
        .http_url(&own)?
        .or(environment.http_url("AWS_ENDPOINT_URL")?)
    {
        return Ok(url);
    }
    let domain = match region.starts_with("cn-") {
        true => "amazonaws.com.cn",
        false => "amazonaws.com",
    };
    Url::parse(&format!("https://{service}.{region}.{domain}/"))
        .map_err(|error| ConfigError::new("AWS_REGION", error))
}
