import { type ParseArgsConfig, parseArgs } from "node:util";

/** The arguments make no sense; the message says which and why. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * The values of a command's options.
 *
 * @throws UsageError for an argument that is none of them.
 */
export function parseOptions<const Options extends NonNullable<ParseArgsConfig["options"]>>(
  args: string[],
  options: Options,
) {
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** @throws UsageError unless `text` is a whole number within the bounds, both included. */
export function wholeNumber(option: string, text: string, lowest: number, highest: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= lowest && value <= highest) return value;
  throw new UsageError(`--${option} is a whole number from ${lowest} to ${highest}, not ${text}`);
}

/**
 * What a command is to do; or, after saying it, how to use the command.
 *
 * @param read Null asks for the usage text.
 * @returns the options, or the status to exit with: 0 when the usage was asked for, 2 for senseless arguments.
 */
export function optionsOrStatus<Options extends object>(
  read: () => Options | null,
  usage: string,
): Options | 0 | 2 {
  try {
    const options = read();
    if (options !== null) return options;
    console.log(usage);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${usage}`);
    return 2;
  }
}
