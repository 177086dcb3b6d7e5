//! Plain text tables.

/// Writes rows under headings, columns as wide as their widest cell: the first `left` columns are aligned
/// to the left, the others, which hold numbers, to the right.
pub(crate) fn table(headings: &[&str], left: usize, rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([headings[column].chars().count()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: &[&str]| {
        let mut line = String::new();
        for (column, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
            let (before, behind) = if column < left { ("", &*padding) } else { (&*padding, "") };
            line.extend([before, cell, behind, "  "]);
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    };
    let mut text = line(headings);
    let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    text.push_str(&line(&rules.iter().map(String::as_str).collect::<Vec<_>>()));
    for row in rows {
        text.push_str(&line(&row.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["bare", "28.1"], ["gateway", "µ"]].map(|row| row.map(str::to_owned).to_vec());

        let text = table(&["who", "CPU"], 1, &rows);

        assert_eq!(text, "who       CPU\n-------  ----\nbare     28.1\ngateway     µ\n");
    }
}
