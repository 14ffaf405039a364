//! The public health: whether the database answers and whether somebody drives the sagas.

use super::App;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

/// A load balancer asks often and does not wait long.
const PATIENCE: Duration = Duration::from_secs(2);

pub async fn show(State(app): State<App>) -> (StatusCode, Json<Value>) {
    let sagas = &app.cloud.sagas;
    let counts = async { tokio::try_join!(sagas.live_runners(), sagas.unfinished()) };
    let counted = match tokio::time::timeout(PATIENCE, counts).await {
        Ok(Ok(counted)) => Some(counted),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database is away");
            None
        }
        Err(_) => {
            tracing::warn!("the database does not answer");
            None
        }
    };
    let engine = match app.cloud.db.engine() {
        arcadia_sql::Engine::Sqlite => "sqlite",
        arcadia_sql::Engine::Postgres => "postgres",
    };
    let held = app.cloud.sagas.claims_held();
    let missing = app.cloud.sagas.schedules_missing();
    let worker = counted.map(|(runners, unfinished)| {
        let ok = runners > 0 && held.is_none() && missing.is_none();
        json!({"ok": ok, "held": held, "schedules_missing": missing, "live_runners": runners,
            "unfinished_sagas": unfinished})
    });
    let (code, status) = match counted {
        Some(_) if held.is_some() => (StatusCode::OK, "claims_held"),
        Some((0, _)) => (StatusCode::OK, "no_worker"),
        Some(_) => (StatusCode::OK, "ok"),
        None => (StatusCode::SERVICE_UNAVAILABLE, "database_unavailable"),
    };
    let health = json!({
        "service": "arcadia-cloud",
        "version": env!("CARGO_PKG_VERSION"),
        "status": status,
        "database": {"engine": engine, "ok": counted.is_some()},
        "worker": worker.unwrap_or_else(|| json!({"ok": false})),
    });
    (code, Json(health))
}
