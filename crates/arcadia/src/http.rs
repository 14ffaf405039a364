//! Every route on one page. A handler takes its caller as an argument, so that a route without a token is one that
//! names none: only the health is public.

pub mod body;
pub mod caller;
pub mod frame;
pub mod health;
pub mod id;
pub mod key;
pub mod query;
pub mod sagas;
pub mod schedules;
pub mod verb;

use crate::cloud::Cloud;
use crate::deployments;
use crate::error::Error;
use crate::inventory::http as inventory;
use crate::tokens::Verifier;
use axum::routing::{get, post};
use axum::{Router, middleware};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What handlers are handed.
#[derive(Debug, Clone)]
pub struct App {
    pub cloud: Arc<Cloud>,
    pub verifier: Arc<Verifier>,
}

/// The HTTP API.
pub fn router(cloud: Arc<Cloud>, verifier: Verifier) -> Router {
    let app = App { cloud, verifier: Arc::new(verifier) };
    Router::new()
        .route("/api/health", get(health::show))
        .route("/api/v1/deployments", get(deployments::http::list).post(deployments::http::create))
        .route("/api/v1/deployments/{id}", get(deployments::http::show))
        .route("/api/v1/inventory", get(inventory::list))
        .route("/api/v1/inventory/{id}", get(inventory::show).patch(inventory::say))
        .route("/api/v1/inventory/{id}/events", get(inventory::events))
        .route("/api/v1/projects", get(inventory::projects::list))
        .route("/api/v1/projects/{id}", get(inventory::projects::show).patch(inventory::projects::give))
        .route("/api/v1/sync-runs", get(inventory::runs::list))
        .route("/api/v1/sync-runs/health", get(inventory::runs::health))
        .route("/api/v1/sagas", get(sagas::list).post(sagas::steer::start))
        .route("/api/v1/sagas/{id}", get(sagas::show))
        .route("/api/v1/sagas/{id}/events", get(sagas::events))
        .route("/api/v1/sagas/{id}/cancel", post(sagas::steer::cancel))
        .route("/api/v1/sagas/{id}/retry", post(sagas::steer::retry))
        .route("/api/v1/sagas/{id}/skip", post(sagas::steer::skip))
        .route("/api/v1/sagas/{id}/resolve", post(sagas::steer::resolve))
        .route("/api/v1/sagas/{id}/abandon", post(sagas::steer::abandon))
        .route("/api/v1/sagas/{id}/signal", post(sagas::steer::signal))
        .route("/api/v1/schedules", get(schedules::list))
        .route("/api/v1/schedules/{name}/run", post(schedules::run))
        .route("/api/v1/schedules/{name}/pause", post(schedules::pause))
        .route("/api/v1/schedules/{name}/resume", post(schedules::resume))
        .fallback(async || Error::NotFound)
        .method_not_allowed_fallback(async || Error::MethodNotAllowed)
        .layer(middleware::from_fn_with_state(app.clone(), frame::around))
        .with_state(app)
}

/// Serves until `shutdown`; requests that are under way then are answered.
///
/// # Errors
/// The listener.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await
}
