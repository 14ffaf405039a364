//! A saga of the older copy had done more by the time the copy was put back, and is called back after the release.

use super::child::Child;
use super::customer::Customer;
use super::destroying::ended;
use super::operator::{asked_of_nobody, release, until_held};
use super::site::Site;
use arcadia_saga::SagaId;
use arcadia_sql::Engine;

on_both_databases! {
    async fn a_saga_called_back_after_a_lost_ledger_destroys_its_droplet_and_names_its_record(engine: Engine) {
        let (mut site, customer) = (Site::new(engine).await, Customer::new());
        let asked = asked_of_nobody(&site, &customer, "main").await;
        let copy = site.copy().await;
        let server = Child::serve(&site).await;
        let shown = customer.until_ended(&server.base, asked.deployment).await;
        assert_eq!(shown["state"], "active", "{shown:#}");
        server.stop().await;
        let droplet = site.droplets()[&format!("arcadia-saga-{}", asked.saga)];
        let record = site.record("main");

        site.put_back(&copy).await;
        site.forget_beat();
        let server = Child::serve(&site).await;
        until_held(&server, "1 droplets").await;
        customer.cancel(&server.base, asked.saga).await;
        release(&site).await;
        let shown = ended(&customer, &server, SagaId(asked.saga)).await;
        server.stop().await;
        assert_eq!(site.destructions(), [droplet.to_string()], "it bears the saga's mark: {shown:#}");
        // Nothing proves whose the record is: it is left alone, and a person is told of it.
        assert_eq!(site.record("main"), record);
        assert_eq!(shown["status"], "failed", "{shown:#}");
        let standing = shown["attention"]["standing"].as_array().unwrap();
        assert_eq!((standing.len(), &standing[0]["step"]), (1, &"point_deployment_dns".into()), "{shown:#}");
        let words = standing[0]["error"]["compensation"].as_str().unwrap();
        let (_, number) = record.0.rsplit_once('/').unwrap();
        assert!(words.contains(&record.1) && words.contains(&format!("id {number}")), "{words}");
    }
}
