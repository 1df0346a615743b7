import { BlockList, isIPv4 } from "node:net";

// Everything that IANA does not list as globally reachable, as far as a model server could sit there.
const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
] as const) {
  PRIVATE.addSubnet(network, prefix, "ipv4");
}
for (const [network, prefix] of [
  ["::", 128],
  ["::1", 128],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["ff00::", 8],
] as const) {
  PRIVATE.addSubnet(network, prefix, "ipv6");
}

/** Whether an IP address is this machine, its network, or one that reaches no particular host. */
export function isPrivateAddress(address: string): boolean {
  // An IPv4 address inside an IPv6 one (::ffff:127.0.0.1) is checked as IPv4 by BlockList itself.
  return PRIVATE.check(address, isIPv4(address) ? "ipv4" : "ipv6");
}
