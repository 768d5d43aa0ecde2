//! Documents that lead to each other.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::files::File;
use super::links::{anchors, links};
use super::{Fault, Rule};

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const DECISIONS: &str = "docs/adr/";

static LINK: Rule =
    Rule { name: "every relative link leads somewhere", reason: "a dead link costs each reader a search" };
static NUMBERED: Rule = Rule {
    name: "decisions are numbered",
    reason: "docs/adr/0001-short-title.md: a number can be cited for ever, a title cannot",
};
static LISTED: Rule = Rule {
    name: "decisions are linked from ARCHITECTURE.md",
    reason: "a decision that nobody finds is made again, and otherwise",
};

pub fn check(root: &Path, files: &[File]) -> Vec<Fault> {
    let pages: Vec<_> = files.iter().filter(|file| file.path.ends_with(".md")).collect();
    let mut faults: Vec<_> = pages.iter().flat_map(|page| dead_links(root, page)).collect();
    faults.extend(decisions(&pages));
    faults
}

fn dead_links(root: &Path, page: &File) -> Vec<Fault> {
    let mut faults = Vec::new();
    for link in links(&page.text) {
        let Some((path, anchor)) = local(page, &link.target) else {
            continue;
        };
        if !is_alive(root, page, &path, anchor) {
            faults.push(LINK.broken(format!("{}:{}", page.path, link.line), link.target));
        }
    }
    faults
}

/// The path from the root and the anchor that a link names, unless it leads elsewhere.
fn local<'t>(page: &File, target: &'t str) -> Option<(PathBuf, Option<&'t str>)> {
    let elsewhere = target.contains("://") || target.starts_with("mailto:") || target.starts_with('/');
    if elsewhere || target.is_empty() {
        return None;
    }
    let (path, anchor) = match target.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor)),
        None => (target, None),
    };
    let page = Path::new(&page.path);
    if path.is_empty() {
        return Some((page.to_owned(), anchor));
    }
    let folder = page.parent().unwrap_or(Path::new(""));
    Some((normal(&folder.join(path)), anchor))
}

/// Without `.` and `..`, so that paths can be compared.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if normal.file_name().is_some() => _ = normal.pop(),
            other => normal.push(other),
        }
    }
    normal
}

fn is_alive(root: &Path, page: &File, path: &Path, anchor: Option<&str>) -> bool {
    if path == Path::new(&page.path) {
        return has_anchor(&page.text, anchor);
    }
    // What is linked may be a picture or a folder, so the disk is asked and not the list of texts.
    let file = root.join(path);
    let is_page = path.extension().is_some_and(|extension| extension == "md");
    file.exists() && (!is_page || fs::read_to_string(&file).is_ok_and(|text| has_anchor(&text, anchor)))
}

fn has_anchor(text: &str, anchor: Option<&str>) -> bool {
    anchor.is_none_or(|wanted| anchors(text).iter().any(|name| name == wanted))
}

fn decisions(pages: &[&File]) -> Vec<Fault> {
    let architecture = pages.iter().find(|page| page.path == ARCHITECTURE);
    let linked: Vec<_> = architecture
        .into_iter()
        .flat_map(|page| links(&page.text).into_iter().filter_map(|link| Some(local(page, &link.target)?.0)))
        .collect();
    let mut numbers: Vec<&str> = Vec::new();
    let mut faults = Vec::new();
    for page in pages {
        let Some(name) = page.path.strip_prefix(DECISIONS).filter(|name| *name != "README.md") else {
            continue;
        };
        match number(name) {
            None => faults.push(NUMBERED.broken(&page.path, "has no number of four digits")),
            Some(number) if numbers.contains(&number) => {
                faults.push(NUMBERED.broken(&page.path, "number taken"))
            }
            Some(number) => numbers.push(number),
        }
        if !linked.iter().any(|path| path == Path::new(&page.path)) {
            faults.push(LISTED.broken(&page.path, "not linked"));
        }
    }
    faults
}

fn number(name: &str) -> Option<&str> {
    let (number, title) = name.split_once('-')?;
    let well_formed =
        number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit()) && title.len() > 3;
    well_formed.then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    fn told(faults: Vec<Fault>) -> Vec<String> {
        faults.into_iter().map(|fault| format!("{}: {}", fault.place, fault.what)).collect()
    }

    #[test]
    fn a_link_is_followed_from_its_own_page() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
        let text = "# Here\n[a](../Cargo.toml) [b](#here) [c](https://example.org/x) [d](../xtask)\n\
                    [e](Cargo.toml) [f](../xtask/none.md) [g](../CONTRIBUTING.md#no-such-heading)\n";
        let faults = told(dead_links(root, &page("docs/x.md", text)));
        let dead = ["Cargo.toml", "../xtask/none.md", "../CONTRIBUTING.md#no-such-heading"];
        assert_eq!(faults, dead.map(|target| format!("docs/x.md:3: {target}")));
    }

    #[test]
    fn decisions_are_numbered_once_and_linked() {
        let pages = [
            page("ARCHITECTURE.md", "[one](./docs/adr/0001-one.md) [two](docs/adr/0001-two.md#why)"),
            page("docs/adr/0001-one.md", ""),
            page("docs/adr/0001-two.md", ""),
            page("docs/adr/three.md", ""),
            page("docs/adr/README.md", ""),
        ];
        let faults = told(decisions(&pages.iter().collect::<Vec<_>>()));
        let expected = [
            "docs/adr/0001-two.md: number taken",
            "docs/adr/three.md: has no number of four digits",
            "docs/adr/three.md: not linked",
        ];
        assert_eq!(faults, expected);
    }
}
