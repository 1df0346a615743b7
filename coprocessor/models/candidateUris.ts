import { modelError } from "./modelErrors.ts";

/** Where an operator has models fetched from, beside the places that publishers name. */
export interface ModelPlaces {
  /** Base URLs that serve any content by name: `<mirror>/<sha256>` for files, `<mirror>/<modelId>.json` for manifests. */
  mirrors: readonly string[];
  /** Base URLs of IPFS gateways, for `ipfs://<cid>/<path>`. */
  ipfsGateways: readonly string[];
  /** Base URL of a model hub, for `hf://<owner>/<repository>@<revision>/<path>`. */
  hub: string;
}

/** One address of a content. The operator's own places may lie in the operator's own network. */
export interface Candidate {
  uri: URL;
  isOurs: boolean;
}

/**
 * Every address of a content in the order to try them: where its publisher put it, then the operator's mirrors. All give
 * the same bytes or are refused, so the order matters for speed alone.
 *
 * @param uri As the manifest's URI leads to it; null when there is none.
 * @param name What a mirror calls it.
 * @throws CoprocessorError `model/not-found` without a URI and a mirror, `model/fetch-failed` for IPFS without a gateway.
 */
export function candidateUris(uri: URL | null, name: string, places: ModelPlaces): Candidate[] {
  const mirrors = places.mirrors.map((mirror) => ({ uri: below(mirror, name), isOurs: true }));
  const published = uri === null ? [] : publishedAt(uri, places);
  if (published.length + mirrors.length > 0) return [...published, ...mirrors];
  if (uri === null) throw modelError("not-found", `${name} has no URI and no mirror`, "never", { name });
  throw modelError("fetch-failed", `${uri.href} needs an IPFS gateway, and none is configured`, "never", {
    uri: uri.href,
  });
}

function publishedAt(uri: URL, { ipfsGateways, hub }: ModelPlaces): Candidate[] {
  const path = `${uri.host}${uri.pathname}`;
  if (uri.protocol === "ipfs:") {
    return ipfsGateways.map((gateway) => ({ uri: below(gateway, `ipfs/${path}`), isOurs: true }));
  }
  if (uri.protocol !== "hf:") return [{ uri, isOurs: false }];
  const [, owner, repository, revision, file] = /^([^/@]+)\/([^/@]+)@([^/]+)\/(.+)$/.exec(path) ?? [];
  if (owner === undefined || file === undefined) {
    throw modelError("not-found", `${uri.href} is no hf://owner/repository@revision/path`, "never", {
      uri: uri.href,
    });
  }
  return [{ uri: below(hub, `${owner}/${repository}/resolve/${revision}/${file}`), isOurs: true }];
}

const below = (base: string, path: string) => new URL(path, base.endsWith("/") ? base : `${base}/`);
