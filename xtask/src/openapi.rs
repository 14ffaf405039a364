//! DigitalOcean's published specification, for the contract tests: the file that is named, the one beside the
//! workspace, or the YAML tree inside the published crate `rsdo`, which is downloaded but never built.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};
use tokio::process::Command;

use crate::command;

/// Names the document as one JSON file; also what the tests read.
pub(crate) const VARIABLE: &str = "ARCADIA_OPENAPI";

const BESIDE: &str = "../shared/digitalocean-openapi.json";
const CRATE: &str = "rsdo";
/// One version, so that a change of theirs does not change what our tests say.
const VERSION: &str = "0.1.20261001";
const TREE: &str = "spec/specification";
const ENTRY: &str = "DigitalOcean-public.v2.yaml";

/// The document to test against.
pub(crate) async fn ready() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE) {
        println!("xtask: the specification is the file that {VARIABLE} names");
        return Ok(PathBuf::from(named));
    }
    let beside = command::workspace().join(BESIDE);
    if beside.is_file() {
        println!("xtask: the specification is {}", beside.display());
        return Ok(beside);
    }
    let bundle = command::cache().join(format!("openapi-{VERSION}.json"));
    if !bundle.is_file() {
        let advice = format!("the contract tests need the specification: name it with {VARIABLE}");
        make(&bundle).await.context(advice)?;
    }
    println!("xtask: the specification is {}", bundle.display());
    Ok(bundle)
}

async fn make(bundle: &Path) -> Result<()> {
    let folder = command::cache().join(CRATE);
    println!("xtask: taking the specification from the crate {CRATE} {VERSION}");
    let tree = download(&folder).await?.join(TREE);
    let document = bundled(&tree)?;
    // Written whole or not at all.
    let unfinished = bundle.with_extension("unfinished");
    fs::write(&unfinished, document.to_string())?;
    Ok(fs::rename(&unfinished, bundle)?)
}

/// Lets cargo fetch the crate for a package that is never built, and finds where it lies.
async fn download(folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("src/lib.rs"), "")?;
    let manifest = format!(
        "[package]\nname = \"specification\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\n{CRATE} = \"={VERSION}\"\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest)?;
    let mut fetch = command::cargo();
    command::quietly(fetch.args(["fetch", "--quiet"]).current_dir(folder)).await?;
    let mut metadata: Command = command::cargo();
    metadata.args(["metadata", "--format-version", "1"]).current_dir(folder);
    let output = metadata.output().await?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata said no JSON")?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let mut found = packages.filter(|package| package["name"] == CRATE);
    let manifest = found.next().and_then(|package| package["manifest_path"].as_str());
    let manifest = manifest.with_context(|| format!("cargo does not know where {CRATE} lies"))?;
    Ok(Path::new(manifest).parent().unwrap_or(Path::new("/")).to_owned())
}

/// The entry document with every file it leads to under `files`, all references pointing inside.
fn bundled(tree: &Path) -> Result<Value> {
    let mut files: BTreeMap<String, Value> = BTreeMap::new();
    let mut waiting = vec![ENTRY.to_owned()];
    while let Some(name) = waiting.pop() {
        if files.contains_key(&name) {
            continue;
        }
        let text = fs::read_to_string(tree.join(&name)).with_context(|| name.clone())?;
        // One file has a number beyond 64 bits; whoever needed it would find that nothing is there.
        let mut value: Value = serde_yaml_ng::from_str(&text).unwrap_or_else(|error| {
            println!("xtask: left out of the specification: {name}: {error}");
            Value::Null
        });
        point_inside(&mut value, &name, &mut waiting)?;
        files.insert(name, value);
    }
    let Some(entry) = files.get(ENTRY).and_then(Value::as_object) else { bail!("{ENTRY} is no object") };
    let mut document = entry.clone();
    document.insert("files".to_owned(), Value::Object(files.into_iter().collect::<Map<_, _>>()));
    Ok(Value::Object(document))
}

/// Turns the references of one file into references into the bundle, and tells which files they lead to.
fn point_inside(value: &mut Value, file: &str, found: &mut Vec<String>) -> Result<()> {
    match value {
        Value::Array(entries) => entries.iter_mut().try_for_each(|entry| point_inside(entry, file, found)),
        Value::Object(fields) => {
            if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                let (path, fragment) = reference.split_once('#').unwrap_or((reference, ""));
                let target = if path.is_empty() { file.to_owned() } else { beside(file, path)? };
                let pointer = format!("#/files/{}{fragment}", target.replace('~', "~0").replace('/', "~1"));
                fields.insert("$ref".to_owned(), json!(pointer));
                found.push(target);
                return Ok(());
            }
            fields.values_mut().try_for_each(|field| point_inside(field, file, found))
        }
        _ => Ok(()),
    }
}

/// A path that a file names, from the root of the tree.
fn beside(file: &str, path: &str) -> Result<String> {
    let mut parts: Vec<String> = Vec::new();
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    for component in folder.join(path).components() {
        match component {
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::ParentDir if parts.pop().is_some() => {}
            Component::CurDir => {}
            _ => bail!("{file} refers to {path}, which is outside"),
        }
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_lead_inside_the_bundle() {
        let mut value = json!({ "a": { "$ref": "../shared/x.yml#/b" }, "c": [{ "$ref": "#/d" }] });
        let mut found = Vec::new();
        point_inside(&mut value, "resources/one.yml", &mut found).expect("both lie inside");
        assert_eq!(value["a"]["$ref"], "#/files/shared~1x.yml/b");
        assert_eq!(value["c"][0]["$ref"], "#/files/resources~1one.yml/d");
        assert_eq!(found, ["shared/x.yml", "resources/one.yml"]);
        assert!(beside("one.yml", "../x.yml").is_err());
    }
}
