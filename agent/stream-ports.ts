// Which public ports of layer 4 this machine can give. Law: a port that another program holds costs its own route and nothing else: nginx
// would refuse the whole tree for it.
import type { EdgeConfig, WireStream } from '../bundle/config.ts';
import type { WebServer } from './ports/web-server.ts';

export interface StreamPortsParts {
  web: Pick<WebServer, 'running' | 'serving'>;
  /** The text of a release's streams.conf; empty when it has none. */
  readStreams(release: string): Promise<string>;
  /** True when this process could listen there now. */
  isFree(protocol: WireStream['protocol'], address: string, port: number): Promise<boolean>;
  /** Where the web server listens. */
  addresses: readonly string[];
}

/** The streams of `config` whose port another program holds. What the web server serves now says which ports are its own. */
export async function takenStreams({ edge }: EdgeConfig, parts: StreamPortsParts): Promise<WireStream[]> {
  const { streams = [] } = edge;
  if (streams.length === 0) return [];
  const own = await ownPorts(parts);
  const added = own ? streams.filter(({ protocol, port }) => !own.has(`${protocol} ${port}`)) : [];
  const taken = await Promise.all(added.map((stream) => isTaken(stream, parts)));
  return added.filter((_, index) => taken[index]);
}

/** Undefined: a web server runs and does not say what it serves, so that its ports and those of others look alike. */
async function ownPorts({ web, readStreams }: StreamPortsParts): Promise<ReadonlySet<string> | undefined> {
  if (!(await web.running())) return new Set();
  const release = await web.serving();
  if (release === undefined) return undefined;
  const listens = (await readStreams(release)).matchAll(/^ *listen [^ ;]+:([0-9]+)( udp)?/gm);
  return new Set(Array.from(listens, ([, port, udp]) => `${udp ? 'udp' : 'tcp'} ${port}`));
}

async function isTaken({ protocol, port }: WireStream, { addresses, isFree }: StreamPortsParts): Promise<boolean> {
  const free = await Promise.all(addresses.map((address) => isFree(protocol, address, port)));
  return free.includes(false);
}
