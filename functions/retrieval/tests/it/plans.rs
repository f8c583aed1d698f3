use store::testing::CrowdedDatabase;

use crate::service::Service;

#[tokio::test]
async fn no_route_reads_a_whole_table() {
    let crowded = CrowdedDatabase::create().await;
    let run = format!("as_of={}", CrowdedDatabase::newest());
    let span = format!("from={0}&to={0}", CrowdedDatabase::newest());
    let mut uris = vec!["/health".to_owned()];
    for list in [
        "series",
        "metrics",
        "metadata",
        "predict",
        "runs",
        "forecasts/quality",
    ] {
        for query in [
            "",
            "metric=cpuUsage",
            "metric=cpuUsage&label.instance=host8",
            "label.instance=host8&label.job=node",
            "limit=3",
            "from=2026-11-23T08:44:00Z&limit=5",
            "to=2026-11-23T08:44:30Z&limit=5",
            &run,
            &span,
        ] {
            uris.push(format!("/{list}?{query}"));
        }
    }
    uris.push("/metrics?window=1h".to_owned());
    uris.push("/history?metric=cpuUsage&limit=3&to=2026-11-23T09:00:00Z".to_owned());
    uris.push("/history?label.instance=host8&step=1h&to=2026-11-23T09:00:00Z".to_owned());
    uris.push("/forecasts/quality?sla=demo".to_owned());
    uris.push("/forecasts/quality?sla=demo&metric=cpuUsage&limit=2".to_owned());
    uris.push("/metadata?full=true&limit=10".to_owned());
    uris.push("/predict?full=true&label.instance=host9".to_owned());
    let (statuses, statements) = crowded
        .answer_by_index(async |store| {
            let service = Service::new(store);
            let mut statuses = Vec::new();
            for uri in &uris {
                let reply = service.reply("GET", uri).await;
                statuses.push((uri, reply.status().as_u16()));
                let document = crate::service::json(&reply);
                let Some(next) = document["next"].as_str() else {
                    continue;
                };
                let next = format!("{uri}&cursor={next}");
                statuses.push((uri, service.reply("GET", &next).await.status().as_u16()));
            }
            statuses
        })
        .await;
    let refused: Vec<_> = statuses
        .iter()
        .filter(|(_, status)| *status != 200)
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
    assert!(statements >= uris.len(), "{statements}");
}
