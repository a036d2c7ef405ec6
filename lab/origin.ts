// Starts the service at home, and says what it answers.
import { fileURLToPath } from 'node:url';
import type { Host } from './namespace.ts';
import type { Proc } from './proc.ts';

const PROGRAM = fileURLToPath(new URL('origin-app.ts', import.meta.url));

/** The JSON body of every plain answer: what the service saw. */
export interface OriginAnswer {
  name: string;
  host: string | null;
  method: string;
  /** With the query. */
  path: string;
  /** The address of who connected: an edge, through the tunnel. */
  peer: string;
  /** X-Forwarded-For, Forwarded, X-Real-IP, X-Forwarded-Proto as received. */
  forwardedFor: string | null;
  forwarded: string | null;
  realIp: string | null;
  proto: string | null;
  bodyBytes: number;
}

export interface OriginOptions {
  name: string;
  port: number;
  /** Default: every address of the host. */
  address?: string;
}

/** Starts it and waits until it listens. */
export async function startOrigin(host: Host, options: OriginOptions): Promise<Proc> {
  const args = ['--name', options.name, '--port', String(options.port), '--address', options.address ?? '0.0.0.0'];
  const proc = host.start(`origin-${options.port}`, process.execPath, [PROGRAM, ...args]);
  await proc.ready(/^listening on/m);
  return proc;
}
