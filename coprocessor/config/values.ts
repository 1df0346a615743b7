import { resolve } from "node:path";
import { getAddress, type Hex, isAddress } from "viem";
import { z } from "zod";
import { CoprocessorError } from "../core/errors.ts";

export interface HostAndPort {
  host: string;
  /** 0 lets the system choose a free one. */
  port: number;
}

export const list = z
  .string()
  .transform((text) => text.split(",").map((item) => item.trim()))
  .transform((items) => items.filter((item) => item !== ""));

export const urlsOf = (protocols: readonly string[]) =>
  list.refine((items) => items.every((item) => isUrl(item, protocols)), {
    message: `must be URLs that start with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}`,
  });

export const urlOf = (protocols: readonly string[]) =>
  z.string().refine((text) => isUrl(text, protocols), {
    message: `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}`,
  });

export const modelIds = list
  .refine((items) => items.every((item) => /^0x[0-9a-f]{64}$/.test(item)), {
    message: "must be model ids: 0x and 64 lower-case hex digits",
  })
  .transform((items) => items as Hex[]);

export const hostAndPort = z.string().transform((text, context): HostAndPort => {
  const match = /^(?<host>.+):(?<port>\d{1,5})$/.exec(text);
  const port = Number(match?.groups?.port);
  if (match?.groups?.host === undefined || port > 65_535) {
    context.addIssue({
      code: "custom",
      message: `must be host:port, for example 127.0.0.1:4001, not ${text}`,
    });
    return z.NEVER;
  }
  return { host: match.groups.host, port };
});

export const milliseconds = (fallback: number) =>
  z.coerce.number().int().min(0).max(3_600_000).default(fallback);

export const address = z
  .string()
  .refine((text) => isAddress(text, { strict: false }), { message: "must be 0x and 40 hex digits" })
  .transform((text) => getAddress(text));

export const path = z.string().transform((text) => resolve(text));

/** An empty variable is one that is not set: compose files and unit files cannot leave one out. */
export function withoutEmpty(
  variables: Record<string, string | undefined>,
): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ""));
}

export function faultsOf(error: z.ZodError, given: Record<string, string | undefined>): string[] {
  return error.issues.map((issue) => {
    const name = String(issue.path[0]);
    return given[name] === undefined ? `${name} is not set` : `${name} ${issue.message}`;
  });
}

export function invalid(all: string[]): CoprocessorError {
  const faults = [...new Set(all)];
  return new CoprocessorError(`configuration: ${faults.join("; ")}`, {
    code: "config/invalid",
    retry: "never",
    meta: { faults },
  });
}

export function isUrl(text: string, protocols: readonly string[]): boolean {
  return URL.canParse(text) && protocols.includes(new URL(text).protocol);
}
