/** A confusion matrix as a Markdown table; rows are the truth. */
export function confusionTable(labels: readonly string[], confusion: readonly (readonly number[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [
    line(["", ...labels]),
    line(["---", ...labels.map(() => "---")]).replaceAll(" ", ""),
    ...labels.map((label, row) => line([label, ...(confusion[row] ?? [])])),
  ].join("\n");
}
