import { pino } from "pino";

/** After which lines go out although the turn is not over. */
const MOST_CHARACTERS = 8_192;

/** Where log lines go. */
export interface LogLines {
  write(line: string): void;
  /** Has all lines so far go out now. */
  flush(): void;
}

/**
 * Standard output, of which the lines of one turn of the event loop go out in one write: a busy worker says a line for each job,
 * and a write for each is a tenth of what its processor does.
 *
 * What is said when the process ends goes out too, unless it is killed: then the lines of that one turn are lost.
 */
export function openLogLines(): LogLines {
  const output = pino.destination({ dest: 1, sync: true });
  let lines = "";
  let isWaiting = false;
  // Not its own flush: that has the disk write everything out each time.
  const flush = () => {
    const said = lines;
    lines = "";
    if (said !== "") output.write(said);
  };
  const flushAtEndOfTurn = () => {
    isWaiting = false;
    flush();
  };
  process.once("exit", flush);
  return {
    write(line) {
      lines += line;
      if (lines.length >= MOST_CHARACTERS) flush();
      if (isWaiting) return;
      isWaiting = true;
      setImmediate(flushAtEndOfTurn);
    },
    flush,
  };
}
