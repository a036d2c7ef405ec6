// Which public ports of layer 4 this machine can give. Law: a port that another program holds costs its own route and nothing else: nginx
// would refuse the whole tree for it.
import type { EdgeConfig, WireStream } from '../bundle/config.ts';
import type { Releases } from './ports/state.ts';
import type { WebServer } from './ports/web-server.ts';

export interface StreamPortsParts {
  releases: Pick<Releases, 'current'>;
  web: Pick<WebServer, 'running'>;
  /** True when this process could listen there now. */
  isFree(protocol: WireStream['protocol'], address: string, port: number): Promise<boolean>;
  /** Where the web server listens. */
  addresses: readonly string[];
}

export interface StreamPorts {
  /** The streams of `config` whose port another program holds. */
  taken(config: EdgeConfig): Promise<WireStream[]>;
  /** A release was made with these streams: should it become the current one, their ports are the web server's own. */
  made(release: string, streams: readonly WireStream[]): void;
}

/** As many as releases are kept, and some. */
const REMEMBERED_MAX = 8;

export function createStreamPorts({ releases, web, isFree, addresses }: StreamPortsParts): StreamPorts {
  const ports = new Map<string, ReadonlySet<string>>();

  /** Undefined: this agent did not make what runs, and cannot tell its ports from those of others. */
  async function own(): Promise<ReadonlySet<string> | undefined> {
    if (!(await web.running())) return new Set();
    const current = await releases.current();
    return current === undefined ? undefined : ports.get(current);
  }

  async function isTaken({ protocol, port }: WireStream): Promise<boolean> {
    const free = await Promise.all(addresses.map((address) => isFree(protocol, address, port)));
    return free.includes(false);
  }

  return {
    async taken({ edge }) {
      const { streams = [] } = edge;
      if (streams.length === 0) return [];
      const held = await own();
      const added = held ? streams.filter((stream) => !held.has(keyOf(stream))) : [];
      const found = await Promise.all(added.map(isTaken));
      return added.filter((_, index) => found[index]);
    },
    made(release, streams) {
      ports.delete(release);
      ports.set(release, new Set(streams.map(keyOf)));
      for (const oldest of [...ports.keys()].slice(0, -REMEMBERED_MAX)) ports.delete(oldest);
    },
  };
}

function keyOf({ protocol, port }: WireStream): string {
  return `${protocol} ${port}`;
}
