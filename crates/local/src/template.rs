//! What the laptop needs of `template.yaml`: functions, routes, the schedule and the Kafka trigger.
//!
//! CloudFormation's short tags (`!Ref Name`) read as the text behind them; where a number is wanted and a text is
//! there, it is the name of a parameter and its default counts.

use std::{collections::BTreeMap, path::Path, time::Duration};

use serde::Deserialize;
use serde_json::Value;

/// The template, as far as it concerns the laptop.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// The functions, by name.
    pub functions: Vec<Function>,
    /// The HTTP routes, in the template's order of names.
    pub routes: Vec<Route>,
    /// The functions that a schedule invokes.
    pub schedules: Vec<Schedule>,
    /// The Kafka triggers, one per function and topic.
    pub kafka_triggers: Vec<KafkaTrigger>,
}

/// A Lambda function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name here: the name of its binary.
    pub name: String,
    /// How long an invocation may take.
    pub timeout: Duration,
    /// MB.
    pub memory_mb: u32,
}

/// A path of the API, every method of which goes to one function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// With parameters as `{name}`.
    pub path: String,
    /// The function's name.
    pub function: String,
}

/// A schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The function's name.
    pub function: String,
    /// `rate(…)` or `cron(…)`.
    pub expression: String,
}

/// A Kafka event source mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaTrigger {
    /// The function's name.
    pub function: String,
    /// The topic.
    pub topic: String,
    /// The consumer group.
    pub group: String,
    /// At most that many records an invocation.
    pub batch_size: usize,
    /// How long a batch may fill up.
    pub window: Duration,
}

/// A template that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// It cannot be read.
    #[error("{path} cannot be read")]
    Read {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is no YAML of the expected shape.
    #[error("the template is malformed: {0}")]
    Malformed(#[from] serde_saphyr::Error),
    /// A resource lacks a property, or has one of the wrong kind.
    #[error("{resource}: {property} {reason}")]
    Property {
        /// The resource's logical name.
        resource: String,
        /// The property.
        property: String,
        /// What is wrong.
        reason: String,
    },
}

impl Template {
    /// Reads a template from a file.
    ///
    /// # Errors
    /// When the file is not there or [`Template::parse`] refuses it.
    pub fn read(path: &Path) -> Result<Self, TemplateError> {
        let text = std::fs::read_to_string(path).map_err(|source| TemplateError::Read {
            path: path.display().to_string(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Reads a template.
    ///
    /// # Errors
    /// When it is no YAML, or a property the laptop needs is missing or malformed.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let document: Document = serde_saphyr::from_str(text)?;
        let mut template = Self {
            functions: Vec::new(),
            routes: Vec::new(),
            schedules: Vec::new(),
            kafka_triggers: Vec::new(),
        };
        for (logical_name, resource) in &document.resources {
            let properties = Properties {
                resource: logical_name,
                document: &document,
                values: &resource.properties,
            };
            match resource.kind.as_str() {
                "AWS::Serverless::Function" => template.add_function(resource, &properties)?,
                "AWS::Lambda::EventSourceMapping" => template.add_trigger(&properties)?,
                _ => {}
            }
        }
        Ok(template)
    }

    /// The function that runs the ETL: the one whose route asks for a run.
    pub fn runner(&self) -> Option<&str> {
        let mut routes = self.routes.iter();
        let route = routes.find(|route| route.path == "/ETL")?;
        Some(&route.function)
    }

    fn add_function(
        &mut self,
        resource: &Resource,
        properties: &Properties<'_>,
    ) -> Result<(), TemplateError> {
        let name = resource
            .binary()
            .ok_or_else(|| properties.error("Metadata.BuildProperties.Binary", "is missing"))?;
        self.functions.push(Function {
            name: name.to_owned(),
            timeout: Duration::from_secs(properties.number("Timeout")?),
            memory_mb: properties.number("MemorySize")?,
        });
        let events = properties.values.get("Events").and_then(Value::as_object);
        for (event, definition) in events.into_iter().flatten() {
            let nested = Properties {
                resource: event,
                document: properties.document,
                values: &definition["Properties"],
            };
            match definition["Type"].as_str() {
                Some("Api") => self.routes.push(Route {
                    path: nested.text("Path")?,
                    function: name.to_owned(),
                }),
                Some("Schedule") => self.schedules.push(Schedule {
                    function: name.to_owned(),
                    expression: nested.text("Schedule")?,
                }),
                _ => {}
            }
        }
        Ok(())
    }

    /// The mappings for MSK and for other brokers differ in nothing the laptop can see: one is enough.
    fn add_trigger(&mut self, properties: &Properties<'_>) -> Result<(), TemplateError> {
        let target = properties.text("FunctionName")?;
        let function = properties
            .document
            .resources
            .get(&target)
            .and_then(Resource::binary)
            .ok_or_else(|| properties.error("FunctionName", "names no function"))?
            .to_owned();
        let group = [
            "AmazonManagedKafkaEventSourceConfig",
            "SelfManagedKafkaEventSourceConfig",
        ]
        .iter()
        .find_map(|name| properties.values.get(name))
        .ok_or_else(|| properties.error("ConsumerGroupId", "is missing"))?;
        let topic = properties.values["Topics"]
            .get(0)
            .ok_or_else(|| properties.error("Topics", "is missing"))?;
        let trigger = KafkaTrigger {
            function,
            topic: properties.resolved_text("Topics", topic)?,
            group: properties.resolved_text("ConsumerGroupId", &group["ConsumerGroupId"])?,
            batch_size: properties.number("BatchSize")?,
            window: Duration::from_secs(properties.number("MaximumBatchingWindowInSeconds")?),
        };
        if !self.kafka_triggers.contains(&trigger) {
            self.kafka_triggers.push(trigger);
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    #[serde(default)]
    parameters: BTreeMap<String, Parameter>,
    #[serde(default)]
    globals: Globals,
    resources: BTreeMap<String, Resource>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Globals {
    #[serde(default)]
    function: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    default: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(default)]
    properties: Value,
    #[serde(default)]
    metadata: Value,
}

impl Resource {
    fn binary(&self) -> Option<&str> {
        self.metadata["BuildProperties"]["Binary"].as_str()
    }
}

/// The properties of one resource, with the template they stand in.
struct Properties<'a> {
    resource: &'a str,
    document: &'a Document,
    values: &'a Value,
}

impl Properties<'_> {
    fn number<T: TryFrom<u64>>(&self, property: &str) -> Result<T, TemplateError> {
        let value = [self.values, &self.document.globals.function]
            .iter()
            .find_map(|values| values.get(property))
            .ok_or_else(|| self.error(property, "is missing"))?;
        self.resolved(value)
            .as_u64()
            .and_then(|number| number.try_into().ok())
            .ok_or_else(|| self.error(property, "is neither a number nor a parameter with one"))
    }

    fn text(&self, property: &str) -> Result<String, TemplateError> {
        let value = self.values.get(property).unwrap_or(&Value::Null);
        self.resolved_text(property, value)
    }

    fn resolved_text(&self, property: &str, value: &Value) -> Result<String, TemplateError> {
        self.resolved(value)
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| self.error(property, "must be a string"))
    }

    /// The default of the parameter that the value names, else the value.
    fn resolved<'v>(&'v self, value: &'v Value) -> &'v Value {
        value
            .as_str()
            .and_then(|name| self.document.parameters.get(name))
            .and_then(|parameter| parameter.default.as_ref())
            .unwrap_or(value)
    }

    fn error(&self, property: &str, reason: &str) -> TemplateError {
        TemplateError::Property {
            resource: self.resource.to_owned(),
            property: property.to_owned(),
            reason: reason.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn repository() -> Template {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
        Template::read(&path).unwrap()
    }

    #[test]
    fn the_repositorys_template_has_the_five_functions() {
        let names: Vec<_> = repository().functions.into_iter().map(|f| f.name).collect();
        assert_eq!(names, ["alerting", "etl", "retrieval", "sla", "storage"]);
    }

    #[test]
    fn every_route_of_the_contract_reaches_its_function() {
        let template = repository();
        for (function, paths) in [
            ("etl", &["/ETL"][..]),
            (
                "alerting",
                &[
                    "/alerts",
                    "/alerts/deliveries",
                    "/alerts/deliveries/{id}/retry",
                    "/alerts/test",
                ],
            ),
            (
                "sla",
                &[
                    "/sla",
                    "/sla/try",
                    "/sla/{name}",
                    "/sla/{name}/budget",
                    "/sla/{name}/violations",
                    "/sla/{name}/exclusions",
                    "/sla/{name}/exclusions/{id}",
                    "/check_json",
                    "/predict_json",
                ],
            ),
            (
                "retrieval",
                &[
                    "/",
                    "/series",
                    "/metrics",
                    "/metadata",
                    "/predict",
                    "/forecasts/quality",
                    "/runs",
                    "/health",
                    "/openapi.json",
                ],
            ),
        ] {
            for path in paths {
                let route = template.routes.iter().find(|route| route.path == *path);
                assert_eq!(
                    route.map(|route| route.function.as_str()),
                    Some(function),
                    "{path}"
                );
            }
        }
    }

    #[test]
    fn the_routes_are_those_of_the_api_description() {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/http-api/src/openapi.json");
        let description: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let described: BTreeSet<_> = description["paths"].as_object().unwrap().keys().collect();
        let template = repository();
        let routed = template.routes.iter().map(|route| &route.path);
        // A page is for people: no description of an API has it.
        let routed: BTreeSet<_> = routed.filter(|path| !path.starts_with("/ui")).collect();
        assert_eq!(routed, described);
    }

    #[test]
    fn cargo_lambda_watch_has_the_same_routes() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
        let manifest: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
        let router = manifest["workspace"]["metadata"]["lambda"]["watch"]["router"].clone();
        let router: BTreeMap<String, String> = router.try_into().unwrap();
        let routes = repository().routes.into_iter();
        let routes: BTreeMap<_, _> = routes.map(|route| (route.path, route.function)).collect();
        assert_eq!(router, routes);
    }

    #[test]
    fn a_parameters_default_stands_in_for_its_name() {
        let template = repository();
        let expressions = template.schedules.iter().map(|own| own.expression.as_str());
        let expressions: Vec<_> = expressions.collect();
        assert_eq!(expressions, ["rate(1 minute)", "rate(1 minute)"]);
        assert_eq!(template.runner(), Some("etl"));
        assert_eq!(
            template.kafka_triggers,
            [KafkaTrigger {
                function: "storage".to_owned(),
                topic: "prometheusdata".to_owned(),
                group: "slacast-storage".to_owned(),
                batch_size: 500,
                window: Duration::ZERO,
            }]
        );
    }

    #[test]
    fn globals_hold_unless_the_function_says_otherwise() {
        let text = "
Globals: {Function: {Timeout: 3, MemorySize: 128}}
Resources:
  One:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: one}}
    Properties: {Timeout: 7, Policies: [!If [A, !Ref B, !GetAtt C.D]]}
";
        let function = &Template::parse(text).unwrap().functions[0];
        assert_eq!(function.timeout, Duration::from_secs(7));
        assert_eq!(function.memory_mb, 128);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let text = "
Resources:
  One:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: one}}
    Properties: {Timeout: soon, MemorySize: 1}
";
        assert_eq!(
            Template::parse(text).unwrap_err().to_string(),
            "One: Timeout is neither a number nor a parameter with one"
        );
        assert!(matches!(
            Template::parse("Resources: ["),
            Err(TemplateError::Malformed(_))
        ));
    }
}
