//! Invoices are made from what the account used: items, summary, CSV and preview agree to the cent.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::site::{Site, droplet, options};

fn dollars(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

async fn items(site: &Site, invoice: &str) -> Vec<Value> {
    let (status, body) = site.get(&format!("/v2/customers/my/invoices/{invoice}?per_page=200")).await;
    assert_eq!(status, 200, "{body}");
    body["invoice_items"].as_array().unwrap().clone()
}

async fn csv(site: &Site, invoice: &str) -> String {
    let path = format!("/v2/customers/my/invoices/{invoice}/csv");
    let answer = site.send(reqwest::Method::GET, &path, None).await;
    assert_eq!(answer.headers()["content-type"], "text/csv");
    assert!(answer.headers()["content-disposition"].to_str().unwrap().starts_with("attachment; filename="));
    answer.text().await.unwrap()
}

/// The column `USD`, counted from the right: only a description may hold a comma.
fn csv_sum(text: &str) -> Decimal {
    let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let from_right = header.len() - header.iter().position(|column| *column == "USD").unwrap();
    let amount =
        |line: &str| line.rsplit(',').nth(from_right - 1).unwrap().trim_start_matches('$').parse::<Decimal>();
    text.lines().skip(1).map(|line| amount(line).unwrap()).sum()
}

/// The amount of an invoice, after all its forms were found to agree.
async fn agreed(site: &Site, invoice: &str, listed: &Value) -> Decimal {
    let lines = items(site, invoice).await;
    let (_, summary) = site.get(&format!("/v2/customers/my/invoices/{invoice}/summary")).await;
    let text = csv(site, invoice).await;
    let sum: Decimal = lines.iter().map(|line| dollars(&line["amount"])).sum();
    assert_eq!(sum, dollars(&listed["amount"]), "{invoice}");
    assert_eq!(sum, dollars(&summary["amount"]));
    assert_eq!(sum, csv_sum(&text), "{text}");
    assert_eq!(text.lines().count(), lines.len() + 1);
    let charges = &summary["product_charges"];
    let products: Decimal =
        charges["items"].as_array().unwrap().iter().map(|it| dollars(&it["amount"])).sum();
    assert_eq!(products, dollars(&charges["amount"]));
    assert_eq!(products + dollars(&summary["taxes"]["amount"]), sum);
    sum
}

#[tokio::test]
async fn the_scenario_s_april_invoice_is_33_lines_of_86_92_with_7_90_tax() {
    let site = Site::start().await;
    assert_eq!(site.post("/_sim/scenario", json!({ "name": "april-2026" })).await.0, 200);
    let (_, body) = site.get("/v2/customers/my/invoices?per_page=200").await;
    let invoices = body["invoices"].as_array().unwrap();
    assert_eq!((invoices.len(), body["meta"]["total"].as_u64()), (137, Some(137)));
    assert_eq!(invoices[0]["invoice_period"], "2026-04");
    assert_eq!(invoices[136]["invoice_period"], "2014-12");
    let april = invoices[0]["invoice_uuid"].as_str().unwrap();
    assert_eq!(agreed(&site, april, &invoices[0]).await.to_string(), "86.92");
    let lines = items(&site, april).await;
    assert_eq!(lines.len(), 33);
    let of = |product: &str| lines.iter().filter(|line| line["product"] == product).collect::<Vec<_>>();
    assert_eq!(of("Taxes").len(), 1);
    assert_eq!(
        (&of("Taxes")[0]["amount"], &of("Taxes")[0]["description"]),
        (&json!("7.90"), &json!("GST (10%)"))
    );
    assert_eq!(of("Spaces Subscription").len(), 1);
    assert_eq!(of("Spaces Subscription")[0]["amount"], "5.00");
    assert_eq!(
        (of("Droplets").len(), of("Droplet Backups").len(), of("Droplet Snapshots").len()),
        (13, 3, 15)
    );
}

#[tokio::test]
async fn every_invoice_of_the_scenario_agrees_with_itself_in_every_form() {
    let site = Site::start().await;
    site.post("/_sim/scenario", json!({ "name": "april-2026", "seed": 9 })).await;
    let (_, body) = site.get("/v2/customers/my/invoices?per_page=200").await;
    for invoice in body["invoices"].as_array().unwrap() {
        agreed(&site, invoice["invoice_uuid"].as_str().unwrap(), invoice).await;
    }
    assert!(agreed(&site, "preview", &body["invoice_preview"]).await > Decimal::from(10));
    let old = body["invoices"][130]["invoice_uuid"].as_str().unwrap();
    assert!(
        csv(&site, old)
            .await
            .starts_with("product,group_description,description,hours,start,end,USD,project_name\n")
    );
    let new = body["invoices"][0]["invoice_uuid"].as_str().unwrap();
    let header = "product,group_description,description,hours,start,end,USD,project_name,category\n";
    assert!(csv(&site, new).await.starts_with(header));
}

#[tokio::test]
async fn the_scenario_holds_what_it_says() {
    let site = Site::start().await;
    site.post("/_sim/scenario", json!({ "name": "april-2026" })).await;
    let backups = |body: &Value| body["meta"]["total"].as_u64().unwrap();
    let (_, droplets) = site.get("/v2/droplets").await;
    let mut kept = 0;
    for droplet in droplets["droplets"].as_array().unwrap() {
        kept += backups(&site.get(&format!("/v2/droplets/{}/backups", droplet["id"])).await.1);
    }
    assert_eq!((site.total("/v2/droplets").await, kept), (5, 4));
    assert_eq!((site.total("/v2/domains").await, site.total("/v2/snapshots").await), (7, 12));
    assert_eq!((site.total("/v2/firewalls").await, site.total("/v2/volumes").await), (1, 0));
    assert_eq!((site.total("/v2/floating_ips").await, site.total("/v2/load_balancers").await), (0, 0));
    let (_, projects) = site.get("/v2/projects").await;
    let mut buckets = 0;
    for project in projects["projects"].as_array().unwrap() {
        let path = format!("/v2/projects/{}/resources?per_page=200", project["id"].as_str().unwrap());
        let (_, members) = site.get(&path).await;
        let of_spaces = |member: &&Value| member["urn"].as_str().unwrap().starts_with("do:space:");
        buckets += members["resources"].as_array().unwrap().iter().filter(of_spaces).count();
    }
    assert_eq!((projects["projects"].as_array().unwrap().len(), buckets), (4, 6));
    assert_eq!(site.simulator.now().to_string(), "2026-05-12T08:00:00Z");
}

#[tokio::test]
async fn an_invoice_is_issued_on_the_first_and_paid_and_the_preview_begins_anew() {
    let site = Site::with(options()).await;
    let id = site.active_droplet("edge-1").await;
    let (_, before) = site.get("/v2/customers/my/invoices").await;
    assert_eq!(before["invoices"], json!([]));
    let preview = before["invoice_preview"]["invoice_uuid"].clone();
    site.advance_s(10 * 24 * 3_600);
    let running =
        agreed(&site, "preview", &site.get("/v2/customers/my/invoices").await.1["invoice_preview"]).await;
    // From 09:00 on the 2nd to midnight before the 12th: 231 hours at 0.00893.
    assert_eq!(running.to_string(), "2.06");
    site.advance_s(19 * 24 * 3_600);
    let (_, body) = site.get("/v2/customers/my/invoices").await;
    assert_eq!(body["invoices"][0]["invoice_period"], "2026-11");
    assert_eq!(body["invoices"][0]["amount"], "6.00", "687 hours are more than the month's price");
    assert_ne!(body["invoices"][0]["invoice_uuid"], preview);
    let (_, history) = site.get("/v2/customers/my/billing_history").await;
    let kinds: Vec<&Value> =
        history["billing_history"].as_array().unwrap().iter().map(|it| &it["type"]).collect();
    assert_eq!(kinds, ["Payment", "Invoice"]);
    assert_eq!(history["billing_history"][0]["amount"], "-6.00");
    let (_, balance) = site.get("/v2/customers/my/balance").await;
    assert_eq!(balance["account_balance"], "0.00");
    site.delete(&format!("/v2/droplets/{id}")).await;
}

#[tokio::test]
async fn a_resize_gives_two_lines_and_a_droplet_of_seconds_costs_a_cent() {
    let site = Site::instant().await;
    let (_, body) = site.post("/v2/droplets", droplet("grows")).await;
    let id = body["droplet"]["id"].as_u64().unwrap();
    site.advance_s(100 * 3_600);
    site.act(id, json!({ "type": "power_off" })).await;
    site.act(id, json!({ "type": "resize", "size": "s-1vcpu-2gb" })).await;
    site.advance_s(100 * 3_600);
    let (_, body) = site.post("/v2/droplets", droplet("brief")).await;
    let brief = body["droplet"]["id"].as_u64().unwrap();
    site.advance_s(5);
    site.delete(&format!("/v2/droplets/{brief}")).await;
    site.delete(&format!("/v2/droplets/{id}")).await;
    site.advance_s(24 * 3_600);
    let lines = items(&site, "preview").await;
    let facts: Vec<(&str, &str)> = lines
        .iter()
        .map(|it| (it["description"].as_str().unwrap(), it["amount"].as_str().unwrap()))
        .collect();
    let expected =
        [("brief (s-1vcpu-1gb)", "0.01"), ("grows (s-1vcpu-1gb)", "0.89"), ("grows (s-1vcpu-2gb)", "1.79")];
    assert_eq!(facts, expected);
}
