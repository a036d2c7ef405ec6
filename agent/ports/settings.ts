// What `join` was told about this machine. Local truth: no bundle changes it.
import type { NodeRole } from '../../bundle/config.ts';

export interface Settings {
  /** Slot name, as the token says. */
  node: string;
  /** Base URLs of the control plane. */
  urls: string[];
  /** sha256 of root version 1, lower-case hex. */
  fingerprint: string;
  /** PEM file that the control plane's TLS is checked against; absent: the system's CAs. */
  caFile?: string;
  /** PEM file that the ACME server's TLS is checked against; absent: the system's CAs. */
  acmeCaFile?: string;
  /** What the machine is for; a bundle that makes something else of it is refused. Absent: what its bundles say. */
  role?: NodeRole;
  /** The network of the tunnels that the owner agreed to at join, canonical. Any other must not lie over the machine's own. */
  network?: string;
  /** What the owner allows, canonical (`8080,9000-9010,192.168.1.20:8080`); empty: none. */
  allow: string;
  /** The pool's identity is wrapped for nobody before a person approves it on this machine. Edges only. */
  approveRecipients?: true;
  /** WireGuard interface; absent: no tunnel, the origins' addresses are reached without one. */
  interfaceName?: string;
  /** Where the web server listens. */
  listen: { addresses: string[]; httpPort: number; httpsPort: number };
  /** Public addresses to announce; absent: the ones found at start. */
  address?: { ipv4?: string; ipv6?: string };
}
