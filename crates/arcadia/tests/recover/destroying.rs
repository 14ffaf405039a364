//! A saga of the older copy that would destroy something, and was called back in the commits that are lost.

use super::child::{Child, PATIENCE};
use super::customer::Customer;
use super::operator::{provisioned, recover, recover_as_table, release, until_claiming, until_held};
use super::site::{LOOK_EVERY, Site};
use arcadia_saga::SagaId;
use arcadia_sql::Engine;
use serde_json::{Value, json};

pub async fn ended(customer: &Customer, server: &Child, saga: SagaId) -> Value {
    let ending = async {
        loop {
            let shown = customer.get(&server.base, &format!("/api/v1/sagas/{saga}")).await;
            if ["completed", "rolled_back", "failed"].contains(&shown["status"].as_str().unwrap()) {
                return shown;
            }
            tokio::time::sleep(LOOK_EVERY * 10).await;
        }
    };
    tokio::time::timeout(PATIENCE, ending).await.expect("the saga ends")
}

on_both_databases! {
    async fn what_a_release_would_destroy_is_named_and_may_be_called_back_again(engine: Engine) {
        let (mut site, customer) = (Site::new(engine).await, Customer::new());
        let server = Child::serve(&site).await;
        let [one] = provisioned(&server, &customer, ["one"]).await;
        server.stop().await;
        let droplet = site.droplets()[&format!("arcadia-saga-{}", one.saga)];
        let saga = site.start("destroy_droplet", json!({"droplet_id": droplet})).await;
        let copy = site.copy().await;
        site.cancel(saga).await;
        let server = Child::serve(&site).await;
        until_claiming(&server).await;
        // Claims go on; that it was claimed is another matter.
        ended(&customer, &server, saga).await;
        let report = recover(&site, &[]).await;
        assert_eq!(report["would_destroy"], json!([]), "{report:#}");
        server.stop().await;
        assert_eq!(site.destructions(), Vec::<String>::new(), "it was called back");

        site.put_back(&copy).await;
        let server = Child::serve(&site).await;
        until_held(&server, "lost commits").await;
        let report = recover(&site, &[]).await;
        let named: Vec<_> = report["would_destroy"].as_array().into_iter().flatten().collect();
        assert_eq!((named.len(), &named[0]["saga"]), (1, &json!(saga)), "{report:#}");
        let table = recover_as_table(&site).await;
        assert!(table.contains(&saga.to_string()) && table.contains("has no way back"), "{table}");

        customer.cancel(&server.base, saga.0).await;
        release(&site).await;
        let shown = ended(&customer, &server, saga).await;
        assert_eq!(shown["status"], "rolled_back", "{shown:#}");
        server.stop().await;
        assert_eq!(site.destructions(), Vec::<String>::new(), "a droplet was destroyed");
    }
}
