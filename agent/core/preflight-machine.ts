// The machine itself: rights, programs, disk, clock. Judged, not observed.
import type { Asked, Finding } from './preflight.ts';

export interface MachineFacts {
  /** `24.15.0` */
  nodeVersion: string;
  /** Effective capabilities, capabilities(7), as a bit set. */
  capabilities: bigint;
  /** Of those the agent runs, the ones that are there. */
  programs: readonly string[];
  /** What this machine's nginx is too old or too strange for; undefined: it will do, or there is none. */
  nginxFault: string | undefined;
  nginxHasStream: boolean;
  /** Who would carry tunnels. */
  wireguard: 'kernel' | 'user space' | 'no /dev/net/tun' | 'nothing';
  /** Why the kernel would refuse a packet filter like ours. */
  nftablesFault: string | undefined;
  /** Why the state directory cannot be written. */
  stateFault: string | undefined;
  /** Where the state is to be. */
  freeBytes: number;
  clock: ClockFact;
}

/** `aheadMs`: of this machine, before the control plane. */
export type ClockFact = { aheadMs: number } | { unheard: string };

const CAPABILITIES = { CAP_NET_BIND_SERVICE: 10n, CAP_NET_ADMIN: 12n } as const;
const PACKAGES: Readonly<Record<string, string>> = {
  ...{ ip: 'iproute2', nft: 'nftables', wg: 'wireguard-tools', nginx: 'nginx-light', certbot: 'certbot' },
};
const FREE_BYTES_MIN = 32 * 1024 * 1024;
const FREE_BYTES_WELL = 256 * 1024 * 1024;
const CLOCK_WELL_MS = 60_000;
const CLOCK_MAX_MS = 10 * 60_000;

export function judgeMachine(asked: Asked, facts: MachineFacts): Finding[] {
  const lacking = rights(asked, facts);
  // Without rights each of these would fail too, and its own advice would be wrong.
  const seen = lacking.length > 0 ? [] : [...tunnels(asked, facts), ...disk(facts)];
  return [...lacking, ...node(facts), ...programs(asked, facts), ...seen, ...clock(facts)];
}

/** What only an edge needs stands in nobody's way as long as it is not known what the machine will be. */
export function severityForEdge({ role }: Asked): Finding['severity'] {
  return role === 'edge' ? 'error' : 'warning';
}

function rights(asked: Asked, { capabilities }: MachineFacts): Finding[] {
  const has = (name: keyof typeof CAPABILITIES) => ((capabilities >> CAPABILITIES[name]) & 1n) === 1n;
  const lowest = Math.min(asked.listen.httpPort, asked.listen.httpsPort);
  const needed = [
    ...(asked.interfaceName === undefined ? [] : (['CAP_NET_ADMIN'] as const)),
    ...(asked.role === 'edge' && lowest < 1024 ? (['CAP_NET_BIND_SERVICE'] as const) : []),
  ].filter((name) => !has(name));
  if (needed.length === 0) return [];
  const unseen = 'WireGuard, nftables and the state directory were not looked at';
  return [error('rights', `this user lacks ${needed.join(' and ')}; ${unseen}`, 'run it as root')];
}

function node({ nodeVersion }: MachineFacts): Finding[] {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  if ((major === 24 && minor >= 15) || major >= 26) return [];
  return [error('Node', `version ${nodeVersion}, expected 24.15 or newer, or 26`, 'install Node 24 (nodejs.org)')];
}

function programs(asked: Asked, { programs: there, nginxFault, nginxHasStream, wireguard }: MachineFacts): Finding[] {
  const always = asked.interfaceName === undefined ? [] : ['ip', 'nft', 'wg'];
  const forEdges = asked.role === 'origin' ? [] : ['nginx', 'certbot'];
  const missing = (names: string[]) => names.filter((name) => !there.includes(name));
  const packages = [
    ...missing([...always, ...forEdges]).map((name) => PACKAGES[name]!),
    ...(asked.interfaceName !== undefined && wireguard === 'nothing' ? ['wireguard-go'] : []),
    ...(asked.role !== 'origin' && !nginxHasStream ? ['libnginx-mod-stream'] : []),
  ];
  const todo = `apt-get install ${packages.join(' ')}`;
  return [
    ...missing(always).map((name) => error(`the program ${name}`, 'it is not installed', todo)),
    ...missing(forEdges).map((name) => ({
      ...{ severity: severityForEdge(asked), what: `the program ${name}`, todo },
      found: asked.role ? 'it is not installed' : 'it is not installed; edges need it',
    })),
    ...(nginxFault === undefined || asked.role === 'origin'
      ? []
      : [
          {
            severity: severityForEdge(asked),
            what: 'nginx',
            found: nginxFault,
            todo: 'install Debian’s nginx-light 1.22 or newer',
          },
        ]),
    ...(asked.role !== 'origin' && there.includes('nginx') && !nginxHasStream
      ? [warning('nginx', 'it has no stream module: this edge could not serve layer 4', todo)]
      : []),
  ];
}

function tunnels({ interfaceName }: Asked, { wireguard, nftablesFault }: MachineFacts): Finding[] {
  if (interfaceName === undefined) return [];
  const install = 'apt-get install wireguard-go; or a kernel with the module wireguard';
  return [
    ...(wireguard === 'nothing'
      ? [error('WireGuard', 'neither the kernel module nor wireguard-go is there', install)]
      : []),
    ...(wireguard === 'no /dev/net/tun'
      ? [
          error(
            'WireGuard',
            'no kernel module, and wireguard-go needs /dev/net/tun',
            'modprobe tun; in a container, give it the device',
          ),
        ]
      : []),
    ...(nftablesFault === undefined
      ? []
      : [
          error(
            'nftables',
            nftablesFault,
            'the agent needs a kernel with nf_tables, conntrack and NAT, and CAP_NET_ADMIN',
          ),
        ]),
  ];
}

function disk({ stateFault, freeBytes }: MachineFacts): Finding[] {
  if (stateFault !== undefined)
    return [error('the state directory', stateFault, 'mount it for writing, or choose another by --state')];
  if (freeBytes >= FREE_BYTES_WELL) return [];
  const found = `${Math.floor(freeBytes / 1024 / 1024)} MiB are free`;
  return freeBytes < FREE_BYTES_MIN
    ? [error('the disk', `${found}, at least 32 are needed`, 'free some space')]
    : [warning('the disk', `${found}; logs and certificates grow`, 'free some space')];
}

function clock({ clock: fact }: MachineFacts): Finding[] {
  if ('unheard' in fact) {
    const isClock = /CERT_(NOT_YET_VALID|HAS_EXPIRED)/.test(fact.unheard);
    const todo = isClock ? SET_CLOCK : 'see that the URL is right and reached from here; join waits for it';
    return [warning(isClock ? 'the clock' : 'the control plane', fact.unheard, todo)];
  }
  const off = Math.abs(fact.aheadMs);
  if (off < CLOCK_WELL_MS) return [];
  const found = `${Math.round(off / 1000)} s ${fact.aheadMs > 0 ? 'ahead of' : 'behind'} the control plane’s`;
  return [{ severity: off < CLOCK_MAX_MS ? 'warning' : 'error', what: 'the clock', found, todo: SET_CLOCK }];
}

const SET_CLOCK = 'timedatectl set-ntp true, unless it is the control plane’s that is wrong';

function error(what: string, found: string, todo: string): Finding {
  return { severity: 'error', what, found, todo };
}

function warning(what: string, found: string, todo: string): Finding {
  return { severity: 'warning', what, found, todo };
}
