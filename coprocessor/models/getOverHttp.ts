import { lookup as dnsLookup } from "node:dns";
import { get as httpGet, type IncomingMessage } from "node:http";
import { get as httpsGet } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { modelError } from "./modelErrors.ts";
import type { FetchPolicy, OpenedUri } from "./openUri.ts";
import { isPrivateAddress } from "./privateAddress.ts";

const MAX_REDIRECTS = 5;

/**
 * GET with redirects, a limit on silence, and a guard against requests into the operator's own network: manifest URIs
 * come from the chain, so anybody chooses them. The guard looks at the address that is really connected to, after DNS.
 *
 * @param from First byte to ask for; a server without ranges answers with the whole.
 */
export async function getOverHttp(start: URL, policy: FetchPolicy, from = 0): Promise<OpenedUri> {
  let uri = start;
  for (let redirects = 0; ; redirects++) {
    const response = await request(uri, policy, from);
    const status = response.statusCode ?? 0;
    if (status === 200) return { stream: response, declaredBytes: contentLength(response) };
    if (status === 206 && from > 0) {
      const firstByte = Number(/^bytes (\d+)-/.exec(response.headers["content-range"] ?? "")?.[1] ?? -1);
      if (firstByte === from) return { stream: response, declaredBytes: null, firstByte };
      response.destroy();
      throw failed(uri, `bytes from ${from} on were asked for, and came from ${firstByte}`);
    }
    response.destroy();
    if (status === 404 || status === 410) {
      throw modelError("not-found", `${uri.href} is not there (HTTP ${status})`, "backoff", {
        uri: uri.href,
        status,
      });
    }
    const { location } = response.headers;
    if (status < 300 || status >= 400 || location === undefined || !URL.canParse(location, uri.href)) {
      throw failed(uri, `HTTP ${status}`, { status });
    }
    if (redirects === MAX_REDIRECTS) throw failed(start, `more than ${MAX_REDIRECTS} redirects`);
    const next = new URL(location, uri);
    const isWeb = next.protocol === "https:" || (next.protocol === "http:" && uri.protocol === "http:");
    if (!isWeb) throw failed(start, `a redirect from ${uri.protocol} to ${next.protocol}`);
    uri = next;
  }
}

function request(uri: URL, policy: FetchPolicy, from: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const host = uri.hostname.replace(/^\[|\]$/g, "");
    // An address instead of a name is connected to without a lookup.
    if (!policy.allowPrivateHosts && isIP(host) && isPrivateAddress(host)) {
      reject(refused(uri, host));
      return;
    }
    const get = uri.protocol === "https:" ? httpsGet : httpGet;
    const outgoing = get(uri, {
      // A connection of its own, so that destroying a stream half-way leaves nothing behind.
      agent: false,
      headers: {
        accept: "*/*",
        "accept-encoding": "identity",
        ...(from > 0 && { range: `bytes=${from}-` }),
      },
      timeout: policy.stallMs,
      ...(policy.allowPrivateHosts ? {} : { lookup: publicLookup(uri) }),
    });
    outgoing.on("timeout", () =>
      outgoing.destroy(failed(uri, `no byte for ${policy.stallMs} ms`, { stallMs: policy.stallMs })),
    );
    outgoing.on("error", (cause) => {
      reject(cause.name === "CoprocessorError" ? cause : failed(uri, cause.message, {}, cause));
    });
    outgoing.on("response", resolve);
  });
}

function publicLookup(uri: URL): LookupFunction {
  return (hostname, options, callback) => {
    dnsLookup(hostname, options, (error, found, family) => {
      if (error) return callback(error, found as string, family);
      const addresses = Array.isArray(found) ? found : [{ address: found as string, family }];
      const inside = addresses.find(({ address }) => isPrivateAddress(address));
      if (inside) return callback(refused(uri, inside.address), "", 0);
      callback(null, found as string, family);
    });
  };
}

function contentLength(response: IncomingMessage): number | null {
  const length = Number(response.headers["content-length"]);
  return Number.isSafeInteger(length) && length >= 0 ? length : null;
}

function refused(uri: URL, address: string) {
  return modelError("fetch-failed", `${uri.href} leads to ${address}, which is no public address`, "never", {
    uri: uri.href,
    address,
  });
}

function failed(uri: URL, reason: string, meta: Record<string, unknown> = {}, cause?: unknown) {
  return modelError(
    "fetch-failed",
    `${uri.href} cannot be fetched: ${reason}`,
    "backoff",
    { uri: uri.href, ...meta },
    cause,
  );
}
