//! DigitalOcean's OpenAPI document: its operations, found by a concrete path, and its references, followed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;

/// Names the document, as JSON.
const VARIABLE: &str = "ARCADIA_OPENAPI";
const BESIDE: &str = "../../../shared/digitalocean-openapi.json";

#[derive(Debug)]
pub(crate) struct Document {
    root: Value,
}

/// One operation, with the path as the document writes it.
#[derive(Debug, Clone)]
pub(crate) struct Operation<'a> {
    pub(crate) template: &'a str,
    pub(crate) method: String,
    item: &'a Value,
    pub(crate) body: &'a Value,
}

pub(crate) fn document() -> &'static Document {
    static DOCUMENT: OnceLock<Document> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join(BESIDE);
        let path = std::env::var_os(VARIABLE).map_or(beside, Into::into);
        let text = std::fs::read(&path).unwrap_or_else(|error| {
            panic!("{}: {error}; run `cargo xtask test`, or let {VARIABLE} name the document", path.display())
        });
        let root: Value = serde_json::from_slice(&text).unwrap();
        assert!(
            root["paths"].as_object().is_some_and(|paths| paths.len() > 300),
            "no document of DigitalOcean"
        );
        Document { root }
    })
}

impl Document {
    /// What a value is once its reference, if it is one, is followed.
    pub(crate) fn resolve<'a>(&'a self, mut value: &'a Value) -> &'a Value {
        while let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            let pointer =
                reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} is not internal"));
            let target = self.root.pointer(&pointer.replace("%7B", "{").replace("%7D", "}"));
            value = target.unwrap_or_else(|| panic!("{reference} leads nowhere"));
        }
        value
    }

    /// What stands under a key, its reference followed; `Null` where nothing does.
    pub(crate) fn at<'a>(&'a self, value: &'a Value, key: &str) -> &'a Value {
        self.resolve(&value[key])
    }

    /// The schema of every error that an operation does not declare.
    pub(crate) fn error_schema(&self) -> &Value {
        let keys =
            ["paths", "/v2/account", "get", "responses", "401", "content", "application/json", "schema"];
        keys.into_iter().fold(&self.root, |value, key| self.at(value, key))
    }

    /// The operation that a request asks for. A part that is written out goes before one in braces.
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<Operation<'_>> {
        let fits = |template: &str| {
            let (wanted, asked): (Vec<_>, Vec<_>) =
                (template.split('/').collect(), path.split('/').collect());
            let pairs = wanted.iter().zip(&asked);
            wanted.len() == asked.len() && pairs.clone().all(|(a, b)| a.starts_with('{') || a == b)
        };
        let paths = self.root["paths"].as_object().unwrap();
        let mut found: Vec<&String> = paths.keys().filter(|template| fits(template)).collect();
        found.sort_by_key(|template| template.matches('{').count());
        found.into_iter().find_map(|template| {
            let item = self.resolve(&paths[template.as_str()]);
            let body = self.resolve(item.get(method.to_ascii_lowercase())?);
            Some(Operation { template, method: method.to_owned(), item, body })
        })
    }
}

impl<'a> Operation<'a> {
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.template)
    }

    pub(crate) fn response(&self, status: &str) -> Option<&'a Value> {
        Some(document().resolve(document().at(self.body, "responses").get(status)?))
    }

    pub(crate) fn statuses(&self) -> Vec<&'a String> {
        document().at(self.body, "responses").as_object().unwrap().keys().collect()
    }

    pub(crate) fn request_schema(&self) -> Option<&'a Value> {
        let body = document().resolve(self.body.get("requestBody")?);
        let content = document().at(document().at(body, "content"), "application/json");
        Some(&content["schema"])
    }

    pub(crate) fn requires_body(&self) -> bool {
        let body = self.body.get("requestBody").map(|body| document().resolve(body));
        body.is_some_and(|body| body["required"] == true)
    }

    /// Name, whether it is required, and schema of the parameters in the query.
    pub(crate) fn query(&self) -> Vec<(&'a str, bool, &'a Value)> {
        let lists = [self.item.get("parameters"), self.body.get("parameters")];
        let all = lists.into_iter().flatten().filter_map(Value::as_array).flatten();
        let in_query = all.map(|it| document().resolve(it)).filter(|it| it["in"] == "query");
        in_query.map(|it| (it["name"].as_str().unwrap(), it["required"] == true, &it["schema"])).collect()
    }

    /// The scopes it asks for. Those of an older kind (`api:…`) mean nothing.
    pub(crate) fn scopes(&self) -> Vec<&'a str> {
        let lists = self.body["security"].as_array().into_iter().flatten();
        let all = lists.filter_map(Value::as_object).flat_map(serde_json::Map::values);
        let texts = all.filter_map(Value::as_array).flatten().filter_map(Value::as_str);
        let mut scopes: Vec<&str> = texts.filter(|scope| !scope.starts_with("api:")).collect();
        scopes.sort_unstable();
        scopes.dedup();
        scopes
    }

    /// The examples of a response, by name.
    pub(crate) fn examples(&self, status: &str, media: &str) -> BTreeMap<String, &'a Value> {
        let Some(response) = self.response(status) else { return BTreeMap::new() };
        let content = document().at(document().at(response, "content"), media);
        let mut examples = BTreeMap::new();
        if let Some(example) = content.get("example") {
            examples.insert("example".to_owned(), document().resolve(example));
        }
        for (name, example) in document().at(content, "examples").as_object().into_iter().flatten() {
            let example = document().resolve(example);
            examples.insert(name.clone(), document().resolve(&example["value"]));
        }
        examples
    }
}
