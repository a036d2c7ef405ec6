// What every lab offers, with tunnels or on loopback: the slots of the example data, and the handles that a scene plays with.
import type { AgentHost } from './agent-host.ts';
import type { Client } from './client.ts';
import type { SlotName } from './example-data.ts';
import type { Developer } from './git-developer.ts';
import type { Github } from './github.ts';
import type { Host } from './namespace.ts';
import type { Pki } from './pki.ts';
import type { ProbeTarget } from './probe-protocol.ts';
import type { Proc } from './proc.ts';
import type { PullRequests } from './pull-requests.ts';
import type { Run } from './run.ts';

export const WEBHOOK_SECRET = 'a secret of the lab';
/** The guarantee when a webhook is lost. Short, so that the demo shows it soon; the default is a minute. */
export const POLL_SECONDS = 3;

/** Slot → the host it runs on, and the port its service uses. */
export const SLOTS = {
  'tokyo-1': { host: 'edge-1' },
  'osaka-1': { host: 'edge-2' },
  home: { host: 'origin-1', port: 8080 },
  office: { host: 'origin-2', port: 8000 },
} as const;
/** A service of home that listens on nothing but its loopback. */
export const LOOPBACK_SERVICE_PORT = 9090;
export const EDGES = ['tokyo-1', 'osaka-1'] as const satisfies readonly SlotName[];
export const ORIGINS = ['home', 'office'] as const satisfies readonly SlotName[];
export type EdgeName = (typeof EDGES)[number];
export type OriginName = (typeof ORIGINS)[number];
/** Its file comes to main only after its machine has asked to join. */
export const LATE_EDGE = 'osaka-1' satisfies EdgeName;

/** Where visitors reach an edge. */
export interface Door {
  address: string;
  httpPort: number;
  httpsPort: number;
}

/** What every lab offers, with tunnels or on loopback. */
export interface World {
  run: Run;
  pki: Pki;
  developer: Developer;
  /** Beside the repository: its pages and its API. */
  github: Github;
  /** Of somebody who may not push to main. */
  pullRequests: PullRequests;
  client: Client;
  /** Where the operator's commands run. */
  operator: Host;
  /** Of the control plane: what nodes pin. */
  fingerprint: string;
  keysDir: string;
  agents: Record<SlotName, AgentHost>;
  /** The files that git begins with, and the late edge's. */
  files: Readonly<Record<string, string>>;
  doors: Record<EdgeName, Door>;
  /** What the edges see of a visitor. */
  visitorAddress: string;
  /** Where routes lead. */
  tunnelAddresses: Record<OriginName, string>;
  /** How a client reaches the control plane. */
  control: Omit<ProbeTarget, 'path'>;
  /** PEM of the root that the certificates of hostnames chain to. */
  publicRoot(): Promise<string>;
  /** What the owner of a hostname does before its route is merged. */
  prepareHost(hostname: string): Promise<void>;
  /** One more service beside an origin's own. */
  startService(origin: OriginName, name: string, port: number): Promise<void>;
  /** From now on webhooks are lost, or arrive again. */
  loseWebhooks(lose: boolean): Promise<void>;
  reconciler(): Proc;
  startReconciler(): Promise<void>;
  /** Ends everything on the machine of an edge, as pulling its plug does. */
  powerOff(edge: EdgeName): Promise<void>;
}
