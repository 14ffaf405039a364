//! A saga that a platform admin orders by a plan's name. Its inputs are held to what the plan starts with, and it
//! locks what they name, so that it cannot meet another saga at the same thing.

use crate::cloud::Cloud;
use crate::deployments::create::{self, RequestKey};
use crate::deployments::{self, DeploymentId, State};
use crate::error::{Error, FieldError};
use crate::fields::{Faults, Fields};
use crate::scope::Caller;
use arcadia_saga::{Field, Idempotency, PlanError, SagaId, Sagas, StartError, StartSaga, Started};
use arcadia_sql::Tx;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// An order that fits its plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    plan: String,
    steps: Vec<String>,
    inputs: Map<String, Value>,
    deployment_id: Option<DeploymentId>,
}

impl Order {
    /// Reads a body: `plan`, `inputs`, `deployment_id`.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong.
    pub fn read(body: Map<String, Value>, sagas: &Sagas) -> Result<Order, Error> {
        let faults = Faults::default();
        let mut fields = Fields::of(body, &faults);
        let plan = fields.text("plan");
        let plan = fields.require("plan", plan);
        let mut inputs = fields.map("inputs").unwrap_or_default();
        let named = fields.text("deployment_id").and_then(|text| deployment_id(&faults, &text));
        fields.finish();
        let known = plan.and_then(|plan| known(&faults, sagas, plan));
        if let Some((_, _, wanted)) = &known {
            let is_input = wanted.iter().any(|field| field.name == "deployment_id");
            if let (true, Some(id)) = (is_input, named) {
                inputs.entry("deployment_id").or_insert_with(|| json!(id));
            }
            check_inputs(&faults, wanted, &inputs);
        }
        let meant = inputs.get("deployment_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
        let meant = meant.map(DeploymentId);
        if meant.is_some() && named.is_some() && meant != named {
            faults.add("deployment_id", "is not the deployment that the inputs name");
        }
        let errors = faults.into_errors();
        match known {
            Some((plan, steps, _)) if errors.is_empty() => {
                Ok(Order { plan, steps, inputs, deployment_id: meant.or(named) })
            }
            _ => Err(Error::Invalid(errors)),
        }
    }

    /// The word before the first underscore: `provision` for `provision_deployment`.
    fn kind(&self) -> String {
        self.plan.split('_').next().unwrap_or(&self.plan).to_owned()
    }

    fn locks(&self) -> Vec<String> {
        let text = |key: &str| self.inputs.get(key).and_then(Value::as_str);
        let deployment = self.deployment_id.map(|id| format!("deployment:{id}"));
        let droplet = self.inputs.get("droplet_id").map(|id| format!("droplet:{id}"));
        let record = text("dns_domain").zip(text("dns_record_name")).map(|(domain, name)| {
            let kind = text("dns_record_type").unwrap_or("A").to_ascii_uppercase();
            format!("dns:{domain}/{kind}/{name}")
        });
        [deployment, droplet, record].into_iter().flatten().collect()
    }
}

fn deployment_id(faults: &Faults, text: &str) -> Option<DeploymentId> {
    let id = Uuid::try_parse(text).ok().map(DeploymentId);
    if id.is_none() {
        faults.add("deployment_id", "must be a UUID");
    }
    id
}

type Known = (String, Vec<String>, &'static [Field]);

fn known(faults: &Faults, sagas: &Sagas, plan: String) -> Option<Known> {
    match (sagas.plan_steps(&plan), sagas.plan_inputs(&plan)) {
        (Ok(steps), Ok(inputs)) => Some((plan, steps, inputs)),
        (Err(unknown), _) | (_, Err(unknown)) => {
            faults.add("plan", unknown.to_string());
            None
        }
    }
}

fn check_inputs(faults: &Faults, wanted: &[Field], inputs: &Map<String, Value>) {
    for field in wanted {
        let path = format!("inputs.{}", field.name);
        match inputs.get(field.name).filter(|value| !value.is_null()) {
            None if field.is_optional() => {}
            None => faults.add(path, "is required"),
            Some(value) => {
                if let Some(words) = misfit(field.inner(), value) {
                    faults.add(path, format!("must be {words}"));
                }
            }
        }
    }
    let names: Vec<&str> = wanted.iter().map(|field| field.name).collect();
    for key in inputs.keys().filter(|key| !names.contains(&key.as_str())) {
        faults.add(
            format!("inputs.{key}"),
            format!("is no input of this plan; known are {}", names.join(", ")),
        );
    }
}

/// What a value of that type would be, where this is none. A type that is not listed here fits nothing, so that
/// a plan with a new one is seen by its first test.
fn misfit(of: &str, value: &Value) -> Option<&'static str> {
    let (fits, words) = match of {
        "String" => (value.is_string(), "text"),
        "bool" => (value.is_boolean(), "true or false"),
        "u32" => (value.as_u64().is_some_and(|number| u32::try_from(number).is_ok()), "a whole number"),
        "u64" => (value.as_u64().is_some(), "a whole number"),
        "Uuid" => (value.as_str().is_some_and(|text| Uuid::try_parse(text).is_ok()), "a UUID"),
        "Vec<String>" => {
            (value.as_array().is_some_and(|list| list.iter().all(Value::is_string)), "a list of texts")
        }
        _ => (false, "of a type that cannot be given here"),
    };
    (!fits).then_some(words)
}

/// Starts what was ordered, or answers what the same key started before.
///
/// # Errors
/// [`Error::Busy`], [`Error::KeyReused`], [`Error::Invalid`]; nothing was written then.
pub async fn start(
    cloud: &Cloud,
    caller: &Caller,
    order: Order,
    key: Option<RequestKey>,
) -> Result<SagaId, Error> {
    let mut tx = cloud.db.begin().await?;
    let tenant_id = match order.deployment_id {
        Some(id) => Some(tenant_of(&mut tx, id).await?),
        None => None,
    };
    let (deployment, is_provisioning) = (order.deployment_id, order.plan == create::PLAN);
    let start = StartSaga {
        kind: order.kind(),
        locks: order.locks(),
        steps: order.steps,
        inputs: order.inputs,
        tenant_id,
        deployment_id: deployment.map(|id| id.0),
        triggered_by: caller.subject.clone(),
        idempotency: key.map(|RequestKey { owner, key, body_hash }| Idempotency {
            tenant_id: owner,
            key,
            body_hash,
        }),
        ..StartSaga::default()
    };
    let id = match cloud.sagas.start_in(&mut tx, start).await.map_err(refused)? {
        Started::Replayed(id) => return Ok(id),
        Started::New(id) => id,
    };
    if let Some(deployment) = deployment {
        // Under the deployment's lock: what another saga made of it is known.
        let state = deployments::get_in(&mut tx, deployment).await?.state;
        if is_provisioning && state != State::Provisioning {
            return Err(Error::Refused {
                why: format!("deployment {deployment} is {state}, not provisioning"),
            });
        }
        deployments::set_saga(&mut tx, deployment, id, cloud.clock.now()).await?;
    }
    tx.commit().await?;
    cloud.sagas.wake();
    tracing::info!(saga = %id, actor = %caller.subject, "saga ordered");
    Ok(id)
}

async fn tenant_of(tx: &mut Tx, id: DeploymentId) -> Result<String, Error> {
    match deployments::get_in(tx, id).await {
        Ok(deployment) => Ok(deployment.tenant_id),
        Err(deployments::Error::NotFound(_)) => {
            Err(Error::invalid("deployment_id", "there is no such deployment"))
        }
        Err(error) => Err(error.into()),
    }
}

/// What the engine refuses in an order is the order's fault, not ours.
fn refused(error: StartError) -> Error {
    match error {
        StartError::Inputs(why) => Error::Invalid(vec![FieldError::new("inputs", why)]),
        StartError::Plan(error @ PlanError::UnknownQueue { .. }) => Error::Internal(error.into()),
        StartError::Plan(error) => Error::invalid("plan", error.to_string()),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Order, misfit};
    use crate::sagas::registry;
    use serde_json::{Value, json};

    #[test]
    fn an_input_of_any_plan_can_be_given() {
        let registry = registry().unwrap();
        let samples = [json!("a"), json!(true), json!(7), json!(uuid::Uuid::nil()), json!(["a"])];
        for plan in registry.plan_names() {
            for field in registry.plan_inputs(&plan).unwrap() {
                let fits = samples.iter().any(|sample| misfit(field.inner(), sample).is_none());
                assert!(fits, "{plan}: `{}` is a {}", field.name, field.of);
            }
        }
    }

    #[test]
    fn numbers_words_and_lists_are_not_taken_for_each_other() {
        for (of, value) in [
            ("u64", json!("7")),
            ("u64", json!(-7)),
            ("u32", json!(4_294_967_296_u64)),
            ("String", json!(7)),
            ("bool", json!("true")),
            ("Uuid", json!("7")),
            ("Vec<String>", json!(["a", 7])),
            ("Vec<String>", json!("a")),
        ] {
            assert!(misfit(of, &value).is_some(), "{of}: {value}");
        }
    }

    fn order(inputs: Value) -> Order {
        let inputs = inputs.as_object().unwrap().clone();
        Order { plan: "destroy_droplet".to_owned(), steps: Vec::new(), inputs, deployment_id: None }
    }

    #[test]
    fn an_order_locks_what_its_inputs_name() {
        assert_eq!(order(json!({"droplet_id": 7})).locks(), ["droplet:7"]);
        let record = json!({"dns_domain": "example.com", "dns_record_name": "a", "dns_record_type": "cname"});
        assert_eq!(order(record).locks(), ["dns:example.com/CNAME/a"]);
        assert_eq!(order(json!({"droplet_name": "a"})).locks(), Vec::<String>::new());
    }
}
