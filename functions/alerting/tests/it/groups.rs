//! Groups of events: each an alert of its own, until there are too many.

use std::{collections::BTreeSet, time::Duration};

use domain::Labels;
use serde_json::{Value, json};

use crate::{
    service::System,
    shop::{Shop, in_one_minute, now},
};

/// So many groups, of each minute of which so many events of 100 are bad.
fn groups(count: usize, bad: f64) -> impl Iterator<Item = (Labels, f64)> {
    (0..count).map(move |number| {
        let labels = [("shop", format!("{number:03}"))].into_iter().collect();
        (labels, bad)
    })
}

/// The labels of the alerts about the budget that fire.
async fn burning(system: &System) -> Vec<Value> {
    system.tick().await;
    let listed = system.get("/alerts?state=firing&limit=100").await;
    let alerts = listed["alerts"].as_array().unwrap().iter();
    let labels = alerts.map(|alert| alert["labels"].clone());
    labels
        .filter(|labels| labels["alertname"] == "SlacastBudgetBurn")
        .collect()
}

fn is_of_group(labels: &&Value) -> bool {
    labels["shop"].is_string()
}

#[tokio::test]
async fn what_burns_of_all_together_is_an_alert_beside_a_storm_of_groups() {
    let shop = Shop::with(json!({"by": ["shop"]})).await;
    let newest = now() - Duration::from_secs(31);
    let bad: Vec<_> = groups(60, 20.0).collect();
    shop.counted_of(newest, &bad).await;
    let all = burning(&shop.system).await;
    assert_eq!(all.iter().filter(is_of_group).count(), 50, "{all:?}");
    let others = all.iter().filter(|labels| !is_of_group(labels));
    let others: BTreeSet<_> = others
        .map(|labels| labels["slacast_groups"].as_str())
        .collect();
    assert_eq!(others, [None, Some("rest")].into());
    assert_eq!(all.len(), 52);
}

#[tokio::test]
async fn groups_have_alerts_of_their_own_while_all_together_burns() {
    let shop = Shop::with(json!({"by": ["shop"]})).await;
    let [first, second] = in_one_minute();
    // One big group burns by itself, and the budget of all with it.
    let big: (Labels, f64) = ([("shop", "big")].into_iter().collect(), 90.0);
    let few: Vec<_> = groups(1, 0.0).chain([big.clone()]).collect();
    shop.counted_of(first, &few).await;
    assert_eq!(burning(&shop.system).await.len(), 2);
    let many: Vec<_> = groups(30, 20.0).chain([big]).collect();
    shop.counted_of(second, &many).await;
    let all = burning(&shop.system).await;
    assert_eq!(all.iter().filter(is_of_group).count(), 31, "{all:?}");
    assert_eq!(all.len(), 32);
}

#[tokio::test]
async fn a_pair_that_becomes_a_ticket_resolves_its_page_and_says_why() {
    let pair = |severity| json!({"alerts": [{"long": "1h", "short": "5m", "factor": 14.4, "severity": severity}]});
    let shop = Shop::with(pair("page")).await;
    let [first, second] = in_one_minute();
    shop.counted(first, 20.0).await;
    assert_eq!(burning(&shop.system).await[0]["severity"], "page");
    let shop = shop.replaced(pair("ticket")).await;
    shop.counted(second, 20.0).await;
    let all = burning(&shop.system).await;
    assert_eq!((all.len(), &all[0]["severity"]), (1, &json!("ticket")));
    let resolved = shop.system.get("/alerts?state=resolved").await;
    assert_eq!(resolved["alerts"][0]["labels"]["severity"], "page");
    assert_eq!(resolved["alerts"][0]["reason"], "severity");
}
