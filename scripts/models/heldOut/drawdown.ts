import { readFileSync } from "node:fs";
import { join } from "node:path";
import { encodeInput } from "@sibyl/sdk";
import { type AnsweringModel, answersTo } from "../answering.ts";
import { type NpmPackage, npmPackage } from "../npmPackage.ts";
import { measureClasses, verdictOf } from "./classification.ts";
import type { Figures } from "./figures.ts";
import { areaUnderCurve } from "./ranking.ts";

/** Daily closes of the S&P 500; BSD-3-Clause. */
const VEGA: NpmPackage = {
  name: "vega-datasets",
  version: "3.2.1",
  sha256: "6f72fda460a9863fae5fcb32f85bcd49e1761fdea6dc6cf9f4962472881cc5a3",
};
// As in scripts/train/drawdown/train.py.
const DAYS_BEFORE = 60;
const DAYS_AFTER = 10;
const DROP = 0.05;
const HELD_OUT = 0.3;
const BASIS_POINT_WAD = 10n ** 14n;

/** The latest three tenths of the days, which training could not know. */
export async function measureDrawdown(model: AnsweringModel): Promise<Record<string, Figures>> {
  const csv = readFileSync(join(await npmPackage(VEGA), "data", "sp500-2000.csv"), "utf8");
  const days = daysOf(csv);
  const heldOut = days.slice(Math.floor(days.length * (1 - HELD_OUT)));
  const inputs = heldOut.map(({ basisPoints }) =>
    encodeInput(
      "vector",
      basisPoints.map((number) => BigInt(number) * BASIS_POINT_WAD),
    ),
  );
  const answers = await answersTo(model, inputs);
  const verdicts = answers.map((answer) => verdictOf(model.manifest, answer));
  const labels = heldOut.map(({ falls }) => (falls ? 1 : 0));
  const risks = verdicts.map(({ scores }) => scores[1] as number);
  const squares = risks.map((risk, at) => (risk - (labels[at] as number)) ** 2);
  return {
    heldOut: measureClasses(labels, verdicts),
    heldOutProbability: {
      auc: round(
        areaUnderCurve(
          risks,
          heldOut.map(({ falls }) => falls),
        ),
      ),
      brier: round(meanOf(squares)),
    },
  };
}

interface Day {
  basisPoints: number[];
  /** Whether the close falls by five percent within ten days. */
  falls: boolean;
}

function daysOf(csv: string): Day[] {
  const [header = "", ...lines] = csv.trim().split(/\r?\n/);
  const column = header.split(",").indexOf("close");
  const close = lines.map((line) => Number(line.split(",")[column]));
  const at = (index: number) => close[index] as number;
  const moves = close.slice(1).map((value, day) => Math.abs((value - at(day)) / at(day)) * 10_000);
  const days: Day[] = [];
  for (let day = DAYS_BEFORE; day < close.length - DAYS_AFTER; day += 1) {
    const past = moves.slice(day - DAYS_BEFORE, day);
    const high = Math.max(...close.slice(day - DAYS_BEFORE, day + 1));
    const low = Math.min(...close.slice(day + 1, day + 1 + DAYS_AFTER));
    const features = [
      meanOf(past.slice(-5)),
      meanOf(past.slice(-20)),
      meanOf(past),
      (at(day) / at(day - 20) - 1) * 10_000,
      (1 - at(day) / high) * 10_000,
    ];
    days.push({
      basisPoints: features.map((number) => Math.round(number)),
      falls: low <= at(day) * (1 - DROP),
    });
  }
  return days;
}

const meanOf = (numbers: readonly number[]) =>
  numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
const round = (number: number) => Number(number.toFixed(4));
