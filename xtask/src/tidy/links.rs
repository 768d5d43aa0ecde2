//! Links in Markdown.

use std::ops::Range;

/// A link's target as written, and its line from 1.
#[derive(Debug, PartialEq, Eq)]
pub struct Link {
    pub target: String,
    pub line: usize,
}

/// All links: `[text](target)`, `![text](target)` and `[name]: target`. Those in code are examples.
pub fn links(text: &str) -> Vec<Link> {
    let mut found = Vec::new();
    for (line, prose) in prose(text) {
        let inline = inline(&prose).into_iter();
        found.extend(inline.chain(definition(&prose)).map(|target| Link { target, line }));
    }
    found
}

/// The anchors that headings make, as the usual hosts do it, and those given by hand.
pub fn anchors(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for (_, line) in prose(text) {
        anchors
            .extend(line.split("id=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned));
    }
    let mut slugs: Vec<String> = Vec::new();
    for (heading, _) in blocks(text).filter(|(line, is_code)| line.starts_with('#') && !is_code) {
        let slug = slug(heading.trim_start_matches('#').trim());
        let earlier = slugs.iter().filter(|other| **other == slug).count();
        anchors.push(if earlier == 0 { slug.clone() } else { format!("{slug}-{earlier}") });
        slugs.push(slug);
    }
    anchors
}

fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|&c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).flat_map(char::to_lowercase).collect()
}

/// Lines outside fenced code, numbered from 1, with inline code blanked out.
fn prose(text: &str) -> impl Iterator<Item = (usize, String)> {
    let lines = (1..).zip(blocks(text));
    lines.filter(|(_, (_, is_code))| !is_code).map(|(number, (line, _))| (number, without_code(line)))
}

/// Each line and whether it belongs to fenced code.
fn blocks(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut fence = None;
    text.lines().map(move |line| {
        let mark = ["```", "~~~"].into_iter().find(|mark| line.trim_start().starts_with(mark));
        let is_code = fence.is_some() || mark.is_some();
        fence = match (fence, mark) {
            (None, opened) => opened,
            (Some(open), Some(mark)) if open == mark => None,
            (open, _) => open,
        };
        (line, is_code)
    })
}

fn without_code(line: &str) -> String {
    let mut parts = line.split('`');
    let mut prose = parts.next().unwrap_or_default().to_owned();
    while let (Some(_code), Some(rest)) = (parts.next(), parts.next()) {
        prose.push_str(rest);
    }
    prose
}

fn inline(line: &str) -> Vec<String> {
    line.match_indices("](").map(|(at, _)| target(&line[at + 2..])).collect()
}

/// `[name]: target`
fn definition(line: &str) -> Option<String> {
    let (name, rest) = line.strip_prefix('[')?.split_once("]:")?;
    (!name.starts_with('^')).then(|| target(rest.trim_start()))
}

/// Up to the closing bracket, without a title; parentheses inside must pair.
fn target(rest: &str) -> String {
    if let Some((target, _)) = rest.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        return target.to_owned();
    }
    rest[end(rest)].to_owned()
}

fn end(rest: &str) -> Range<usize> {
    let mut depth = 0_usize;
    for (at, c) in rest.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return 0..at,
            ')' => depth -= 1,
            ' ' => return 0..at,
            _ => {}
        }
    }
    0..rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(text: &str) -> Vec<String> {
        links(text).into_iter().map(|link| link.target).collect()
    }

    #[test]
    fn links_of_every_form_are_found() {
        assert_eq!(targets("see [a](b.md) and ![c](d(1).png \"title\")"), ["b.md", "d(1).png"]);
        assert_eq!(targets("[name]: docs/x.md \"title\"\n[^1]: a note"), ["docs/x.md"]);
        assert_eq!(targets("[a](<b c.md>)"), ["b c.md"]);
        assert_eq!(links("\n[a](b)"), [Link { target: "b".to_owned(), line: 2 }]);
    }

    #[test]
    fn code_holds_no_links() {
        assert_eq!(targets("```\n[a](b)\n```\n`[a](b)` [c](d)\n~~~sh\n```\n[a](b)\n~~~\n"), ["d"]);
    }

    #[test]
    fn anchors_are_made_as_hosts_make_them() {
        let text =
            "# One `two`: Three!\n## Again\n## Again\n```\n# no heading\n```\n<a id=\"by-hand\"></a>\n";
        assert_eq!(anchors(text), ["by-hand", "one-two-three", "again", "again-1"]);
    }
}
