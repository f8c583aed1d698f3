//! Schedules and Kafka triggers against a real HTTP server and the broker that librdkafka brings.

#[cfg(test)]
mod it {
    mod failures;
    mod function;
    mod groups;
    mod invoker;
    mod schedule;
    mod topic;
    mod trigger;
}
